//! Any text is a policy document in its one form, or none.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::policy::Document;

fuzz_target!(|text: &str| {
    let Ok(document) = Document::parse(text) else {
        return;
    };
    assert_eq!(document.to_text(), text, "there are two forms");
    if let Ok((policy, _)) = document.compile(document.settings()) {
        assert_eq!(*policy.revision(), document.revision());
    }
});
