//! A program's token is read in the one way in which it is written, and is never
//! a cookie.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::session::SessionId;

fuzz_target!(|token: &[u8]| {
    if let Ok(id) = SessionId::parse_token(token) {
        assert_eq!(id.token().as_bytes(), token);
        assert!(token.starts_with(SessionId::TOKEN_PREFIX.as_bytes()));
        assert!(SessionId::parse(token).is_err());
        let cookie = SessionId::parse(id.cookie().as_bytes()).unwrap();
        assert_ne!(cookie.digest(), id.digest());
    }
});
