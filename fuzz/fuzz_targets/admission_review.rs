//! What an API server asks is about a pod that can be looked at, or is refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::inject::read_review;

fuzz_target!(|body: &[u8]| {
    let Ok(asked) = read_review(body) else {
        return;
    };
    assert!(!asked.uid.is_empty());
    if let Some(pod) = asked.pod {
        assert!(pod["metadata"].is_object() && pod["spec"].is_object());
    }
});
