//! Any bytes as another trust domain's bundle, JSON or PEM: its roots are its
//! own, or it is refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::authority::read_foreign_bundle;

fuzz_target!(|input: &[u8]| {
    let Ok(trust_domain) = "other.example".parse() else {
        return;
    };
    let Ok(bundle) = read_foreign_bundle(trust_domain, input, "the input") else {
        return;
    };
    for root in bundle.roots() {
        if let Some(id) = root.id() {
            assert_eq!(id.trust_domain(), bundle.trust_domain());
        }
    }
});
