//! Any bytes as a SPIFFE bundle: an answer, never a panic; and what is read and
//! can be written is read back the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::jwt::BundleDocument;

fuzz_target!(|input: &[u8]| {
    let Ok(document) = BundleDocument::parse(input) else {
        return;
    };
    if let Ok(written) = document.to_json() {
        // An elliptic root is written with its key, and may grow.
        if written.len() <= BundleDocument::MAX_BYTES {
            assert_eq!(BundleDocument::parse(written.as_bytes()), Ok(document));
        }
    }
});
