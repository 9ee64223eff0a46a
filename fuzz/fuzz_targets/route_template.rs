//! Any text is a template or refused; a template of literals is a path that it
//! fits itself.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::policy::Template;

fuzz_target!(|input: (&str, &str)| {
    let (text, path) = input;
    let Ok(template) = text.parse::<Template>() else {
        return;
    };
    assert_eq!(template.as_str(), text);
    let _fits = template.matches(path);
    if !text.contains(['{', '*']) {
        assert!(template.matches(text));
    }
});
