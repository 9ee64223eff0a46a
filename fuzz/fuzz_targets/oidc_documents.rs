//! What a provider publishes and answers, as any bytes: an answer, never a
//! panic; and what is read is of our provider and over TLS.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::jwt::KeySet;
use portreeve::oidc::DeviceAnswer;
use portreeve::oidc::Issuer;
use portreeve::oidc::Places;
use portreeve::oidc::Metadata;
use portreeve::oidc::Refusal;
use portreeve::oidc::TokenAnswer;
use portreeve::oidc::UserinfoError;

fuzz_target!(|text: &[u8]| {
    let issuer = Issuer::parse("https://id.example", Places::Https).unwrap();
    if let Ok(metadata) = Metadata::parse(text, &issuer) {
        assert!(metadata.jwks_uri.to_string().starts_with("https://"));
    }
    if let Ok(answer) = TokenAnswer::parse(text) {
        assert!(!answer.access_token.is_empty());
    }
    if let Ok(answer) = DeviceAnswer::parse(text, &issuer) {
        assert!(answer.verification_uri.starts_with("https://"));
    }
    let subject = "alice".parse().unwrap();
    if let Ok(claims) = UserinfoError::read(200, text, &subject) {
        assert_eq!(claims["sub"], "alice");
    }
    assert!(Refusal::read(400, text).code.len() <= Refusal::MAX_BYTES);
    let _either = KeySet::parse(text);
});
