//! Claims are read or refused; what is read names a namespace and an account.

#![no_main]

use std::time::Duration;
use std::time::SystemTime;

use libfuzzer_sys::fuzz_target;
use portreeve::authority::read_claims;

const NOW: Duration = Duration::from_secs(1_893_456_000);

fuzz_target!(|claims: &[u8]| {
    let now = SystemTime::UNIX_EPOCH + NOW;
    let Ok(proved) = read_claims("east", claims, now) else {
        return;
    };
    for kind in ["k8s:cluster", "k8s:ns", "k8s:sa"] {
        let facts = proved.iter().filter(|fact| fact.kind() == kind);
        assert_eq!(facts.count(), 1, "{kind}");
    }
    assert!(proved.len() <= 5);
});
