//! Any bytes as a claim, and as the answer to one: written as they were read, or refused.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::tls::Claim;
use portreeve::tls::Verdict;

fuzz_target!(|bytes: &[u8]| {
    match Claim::try_from(bytes) {
        Ok(claim) => assert_eq!(claim.to_bytes(), bytes),
        Err(error) => assert_eq!(error.bytes, bytes.len()),
    }
    match Verdict::try_from(bytes) {
        Ok(verdict) => assert_eq!(verdict.to_bytes(), bytes),
        Err(_) => assert!(bytes.len() != Verdict::BYTES || bytes[0] != 1),
    }
});
