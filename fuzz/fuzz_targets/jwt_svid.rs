//! Any text as a token, and as the parts of one that is well signed: an answer,
//! never a panic; and what is believed is for us and of the trust domain whose
//! key signed it.

#![no_main]

use std::time::Duration;
use std::time::SystemTime;

use libfuzzer_sys::fuzz_target;
use portreeve::jwt::BundleDocument;
use portreeve::jwt::JwtBundles;
use portreeve::jwt::JwtSvid;

/// A bundle with one key, and the beginning of a token that it signed.
const BUNDLE: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","use":"jwt-svid","kid":"k",
"x":"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY","y":"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"}]}"#;

fuzz_target!(|input: &str| {
    let keys = BundleDocument::parse(BUNDLE.as_bytes()).unwrap().jwt_keys;
    let bundles = JwtBundles::from_iter([("prod.example".parse().unwrap(), keys)]);
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_893_456_000);
    if let Ok(svid) = JwtSvid::verify(input, "orders", &bundles, now) {
        assert_eq!(svid.id().trust_domain().as_str(), "prod.example");
        assert!(svid.expires_at() + JwtSvid::LEEWAY > now);
    }
});
