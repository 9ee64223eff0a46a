//! A selector is written as it was read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::authority::Selector;

fuzz_target!(|text: &str| {
    let Ok(selector) = text.parse::<Selector>() else {
        return;
    };
    assert_eq!(selector.to_string(), text);
    assert!(Selector::is_kind(selector.kind()));
    assert!(!selector.value().chars().any(char::is_control));
    let parts = Selector::new(selector.kind(), selector.value());
    assert_eq!(parts, Ok(selector));
});
