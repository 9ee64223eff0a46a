//! Where a program listens is shown in words that are read as the same.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use portreeve::net::AppAddress;

fuzz_target!(|text: &str| {
    let folder = Path::new("/etc/portreeve");
    let Ok(address) = AppAddress::parse(text, folder) else {
        return;
    };
    if let AppAddress::Unix(path) = &address {
        assert!(path.is_absolute());
    }
    assert_eq!(AppAddress::parse(&address.to_string(), folder), Ok(address));
});
