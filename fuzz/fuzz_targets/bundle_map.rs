//! Any bytes as a map of SPIFFE bundles: an answer, never a panic.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::jwt::BundleMap;

fuzz_target!(|input: &[u8]| {
    let Ok(map) = BundleMap::parse(input) else {
        return;
    };
    if let Ok(written) = map.to_json() {
        // An elliptic root is written with its key, and may grow.
        if written.len() <= BundleMap::MAX_BYTES {
            assert_eq!(BundleMap::parse(written.as_bytes()), Ok(map));
        }
    }
});
