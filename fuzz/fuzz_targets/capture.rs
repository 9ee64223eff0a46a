//! Any text as destinations to be captured: some that are written as they were
//! meant, or a refusal.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::net::Captured;
use portreeve::net::Network;

fuzz_target!(|text: &str| {
    if let Ok(capture) = text.parse::<Captured>() {
        assert_eq!(capture.to_string().parse(), Ok(capture));
    }
    if let Ok(network) = text.parse::<Network>() {
        assert_eq!(network.to_string().parse(), Ok(network));
    }
});
