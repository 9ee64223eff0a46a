//! Any text is settings, or mistakes that fit on a line each.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use portreeve::config::AuthorityConfig;
use portreeve::config::Config;
use portreeve::config::Mistake;

fuzz_target!(|text: &str| {
    let told = |mistakes: Vec<Mistake>| {
        assert!(!mistakes.is_empty());
        assert!(
            mistakes
                .iter()
                .all(|mistake| !mistake.to_string().contains('\n'))
        );
    };
    if let Err(mistakes) = Config::parse(text, Path::new(".")) {
        told(mistakes);
    }
    if let Err(mistakes) = AuthorityConfig::parse(text, Path::new(".")) {
        told(mistakes);
    }
});
