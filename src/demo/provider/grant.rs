//! What tokens say, and what binds them together.

use aws_lc_rs::digest;
use aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED;
use aws_lc_rs::signature::UnparsedPublicKey;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::demo::provider::people::Person;
use crate::jwt::PublicKey;
use crate::jwt::SigningKey;

/// What is said of somebody, as they are now.
pub(super) fn claims(person: &Person) -> Map<String, Value> {
    let claims = [
        ("sub", json!(person.subject)),
        ("name", json!(person.name)),
        ("email", json!(person.email())),
        ("email_verified", json!(true)),
        ("groups", json!(person.groups)),
    ];
    let claims = claims.into_iter();
    claims
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// RFC 7636 4.6: what a verifier was announced by.
pub(super) fn challenge(verifier: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

/// OpenID Connect Core 3.1.3.6: binds an access token to the ID token beside it.
pub(super) fn left_half(token: &str) -> String {
    let digest = digest::digest(&digest::SHA256, token.as_bytes());
    let half = digest.as_ref().get(..16).unwrap_or_default();
    BASE64_URL_SAFE_NO_PAD.encode(half)
}

/// What a token of ours says, however old it is.
pub(super) fn read_own(token: &str, key: &SigningKey) -> Option<Map<String, Value>> {
    let (message, signature) = token.rsplit_once('.')?;
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
    let PublicKey::Ec { point, .. } = key.public_key() else {
        return None;
    };
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .verify(message.as_bytes(), &signature)
        .ok()?;
    let (_, body) = message.split_once('.')?;
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(body).ok()?).ok()
}
