//! A signing request is refused, or its key can be put into a certificate.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::x509::read_request;

fuzz_target!(|der: &[u8]| {
    if let Ok(key) = read_request(der) {
        assert_eq!(read_request(der), Ok(key));
    }
});
