//! Any text is translated to policies that load, or refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::import::Target;
use portreeve::import::istio;

fuzz_target!(|text: &str| {
    let (Ok(service), Ok(trust_domain), Ok(alias)) =
        ("orders".parse(), "td".parse(), "old-td".parse())
    else {
        return;
    };
    let requests = Target {
        default_namespace: Some("shop".to_owned()),
        is_tcp: false,
        labels: [("app".to_owned(), Some("orders".to_owned()))].into(),
        namespace: "shop".to_owned(),
        port: Some(8080),
        root_namespace: "istio-system".to_owned(),
        service,
        trust_domain,
        trust_domain_aliases: vec![alias],
    };
    let connections = Target {
        is_tcp: true,
        ..requests.clone()
    };
    for target in [requests, connections] {
        if let Err(refused) = istio(text, &target) {
            assert!(!refused.is_empty());
        }
    }
});
