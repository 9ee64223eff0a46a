//! Any text is translated to policies that load, or refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::import::Target;
use portreeve::import::istio;

fuzz_target!(|text: &str| {
    let (Ok(service), Ok(trust_domain)) = ("orders".parse(), "td".parse()) else {
        return;
    };
    let target = Target {
        default_namespace: None,
        is_tcp: false,
        labels: [("app".to_owned(), Some("orders".to_owned()))].into(),
        namespace: "shop".to_owned(),
        port: Some(8080),
        root_namespace: "istio-system".to_owned(),
        service,
        trust_domain,
        trust_domain_aliases: Vec::new(),
    };
    if let Err(refused) = istio(text, &target) {
        assert!(!refused.is_empty());
    }
});
