//! No template names anybody outside the trust domain, whatever fills it.

#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use portreeve::authority::IdTemplate;
use portreeve::authority::Selector;
use portreeve::id::TrustDomain;

fuzz_target!(|input: (&str, &str)| {
    let (text, value) = input;
    let domain: TrustDomain = "example.org".parse().unwrap();
    let Ok(template) = IdTemplate::parse(text, &domain) else {
        return;
    };
    assert_eq!(template.to_string(), text);
    let proved: BTreeSet<_> = ["k8s:ns", "k8s:sa", "x509:cn"]
        .into_iter()
        .filter_map(|kind| Selector::new(kind, value).ok())
        .collect();
    let Some(id) = template.fill(&proved) else {
        return;
    };
    assert_eq!(id.trust_domain(), &domain);
    assert_ne!(id.path().split('/').nth(1), Some("portreeve"));
    let slashes = |text: &str| text.matches('/').count();
    assert_eq!(slashes(id.as_str()), slashes(text), "{id}");
});
