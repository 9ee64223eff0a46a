//! Any text is entries or a list of mistakes.

#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use portreeve::authority::parse_entries;
use portreeve::id::TrustDomain;

fuzz_target!(|text: &str| {
    let domain: TrustDomain = "example.org".parse().unwrap();
    match parse_entries(text, &domain) {
        Ok(entries) => {
            let names: BTreeSet<_> = entries.iter().map(|entry| &entry.name).collect();
            assert_eq!(names.len(), entries.len(), "two of one name");
            for entry in &entries {
                assert!(!entry.selectors.is_empty(), "it names everybody");
            }
        }
        Err(mistakes) => assert!(!mistakes.is_empty()),
    }
});
