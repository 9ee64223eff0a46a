//! Claims of an ID token are read or refused; what is read is of our provider,
//! for us, of this login, and in force.

#![no_main]

use std::time::Duration;
use std::time::SystemTime;

use libfuzzer_sys::fuzz_target;
use portreeve::jwt::Algorithm;
use portreeve::jwt::parse_object;
use portreeve::oidc::Expected;
use portreeve::oidc::IdToken;
use portreeve::oidc::Nonce;

const NOW: Duration = Duration::from_secs(1_893_456_000);

fuzz_target!(|text: &[u8]| {
    let Ok(claims) = parse_object(text) else {
        return;
    };
    let nonce: Nonce = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
    let now = SystemTime::UNIX_EPOCH + NOW;
    let expected = Expected {
        access_token: Some("a"),
        client_id: "us",
        code: Some("c"),
        issuer: "https://id.example",
        max_age: None,
        nonce: Some(&nonce),
        now,
    };
    let Ok(read) = IdToken::read(&claims, Algorithm::Es256, &expected) else {
        return;
    };
    assert_eq!(claims["iss"], "https://id.example");
    assert_eq!(claims["nonce"], nonce.as_str());
    assert_eq!(claims["sub"], read.subject.as_str());
    assert!(claims.get("azp").is_none_or(|party| party == "us"));
    assert!(read.expires_at + IdToken::LEEWAY > now);
});
