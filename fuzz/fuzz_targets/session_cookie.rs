//! A session's cookie is read in the one way in which it is written.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::session::SessionId;

fuzz_target!(|cookie: &[u8]| {
    if let Ok(id) = SessionId::parse(cookie) {
        assert_eq!(id.cookie().as_bytes(), cookie);
        assert_eq!(cookie.len(), SessionId::COOKIE_BYTES);
    }
});
