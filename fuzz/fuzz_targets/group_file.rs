//! Any text is lines of groups, or refused with its mistakes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::policy::parse_group_file;

fuzz_target!(|text: &str| {
    if let Err(mistakes) = parse_group_file("groups.yaml", text) {
        assert!(!mistakes.is_empty());
    }
});
