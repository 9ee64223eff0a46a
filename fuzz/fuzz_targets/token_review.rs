//! What an API server answers proves who a pod is, or nothing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::authority::read_review;

fuzz_target!(|answer: &[u8]| {
    let Ok(proved) = read_review("east", "portreeve", answer) else {
        return;
    };
    for kind in ["k8s:cluster", "k8s:ns", "k8s:sa"] {
        let facts = proved.iter().filter(|fact| fact.kind() == kind);
        assert_eq!(facts.count(), 1, "{kind}");
    }
    assert!(proved.len() <= 5);
});
