//! Any text as the URL of a server: a place that is written as it was read, or
//! a refusal.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::https::Url;

fuzz_target!(|text: &str| {
    let Ok(url) = text.parse::<Url>() else {
        return;
    };
    let written = url.to_string();
    assert!(written.starts_with("https://"));
    assert_eq!(written.parse::<Url>(), Ok(url));
});
