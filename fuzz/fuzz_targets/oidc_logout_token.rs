//! Claims of a logout token are read or refused; what is read names somebody,
//! tells of a logout, and could not be shown as an ID token.

#![no_main]

use std::time::Duration;
use std::time::SystemTime;

use libfuzzer_sys::fuzz_target;
use portreeve::jwt::parse_object;
use portreeve::oidc::LogoutToken;

const NOW: Duration = Duration::from_secs(1_893_456_000);

fuzz_target!(|text: &[u8]| {
    let Ok(claims) = parse_object(text) else {
        return;
    };
    let now = SystemTime::UNIX_EPOCH + NOW;
    let Ok(read) = LogoutToken::read(&claims, "https://id.example", "us", now) else {
        return;
    };
    assert_eq!(claims["iss"], "https://id.example");
    assert!(read.sid.is_some() || read.subject.is_some());
    assert!(!claims.contains_key("nonce"));
    assert!(read.until >= now);
});
