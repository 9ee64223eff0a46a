//! A path for probes is written in the one way in which a request is read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::proxy::ProbePath;

fuzz_target!(|text: &str| {
    let Ok(path) = text.parse::<ProbePath>() else {
        return;
    };
    assert_eq!(path.as_str(), text);
    assert!(text.starts_with('/') && !text.contains(['?', '#', ';', '\\']));
    assert!(!text.split('/').any(|segment| matches!(segment, "." | "..")));
});
