//! Any text is cases for policies, or mistakes that fit on a line each.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::rehearsal::Case;

fuzz_target!(|text: &str| {
    if let Err(mistakes) = Case::parse(text) {
        assert!(!mistakes.is_empty());
        assert!(
            mistakes
                .iter()
                .all(|mistake| !mistake.to_string().contains('\n'))
        );
    }
});
