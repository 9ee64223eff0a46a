use std::time::Duration;
use std::time::SystemTime;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature;
use aws_lc_rs::signature::EcdsaKeyPair;
use aws_lc_rs::signature::EcdsaSigningAlgorithm;
use aws_lc_rs::signature::KeyPair as _;
use aws_lc_rs::signature::RsaEncoding;
use proptest::prelude::Strategy as _;
use proptest::prop_assert;
use proptest::prop_assert_eq;
use proptest::proptest;
use serde_json::json;

use crate::id::SpiffeId;
use crate::jwt::Algorithm;
use crate::jwt::Claims;
use crate::jwt::Curve;
use crate::jwt::JwsError;
use crate::jwt::JwtBundles;
use crate::jwt::JwtKey;
use crate::jwt::JwtKeys;
use crate::jwt::JwtSvid;
use crate::jwt::Part;
use crate::jwt::PublicKey;
use crate::jwt::SigningError;
use crate::jwt::SigningKey;
use crate::jwt::TokenError;
use crate::jwt::key::encoded;

#[test]
fn what_an_authority_signs_is_believed_by_its_audience_for_its_time() {
    let key = SigningKey::generate().unwrap();
    let bundles = bundles(key.kid(), key.public_key());
    let token = signed(&key, &["orders"]);
    let check = |audience, at| JwtSvid::verify(&token, audience, &bundles, at);

    let svid = check("orders", now()).unwrap();
    assert_eq!(svid.id(), &web());
    assert_eq!(svid.expires_at(), now() + FIVE_MINUTES);
    assert_eq!(svid.claims()["aud"], "orders");
    let not_ours = TokenError::NotForUs {
        audience: "billing".to_owned(),
    };
    assert_eq!(check("billing", now()), Err(not_ours));
    let end = now() + FIVE_MINUTES + JwtSvid::LEEWAY;
    assert!(check("orders", end - Duration::from_secs(1)).is_ok());
    assert_eq!(check("orders", end), Err(TokenError::Expired));
}

#[test]
fn a_key_at_rest_is_the_same_key() {
    let key = SigningKey::generate().unwrap();
    let again = SigningKey::from_pkcs8(&key.to_pkcs8().unwrap()).unwrap();
    assert_eq!(key.kid(), again.kid());
    let bundles = bundles(key.kid(), key.public_key());
    let token = signed(&again, &["a", "b"]);
    assert!(JwtSvid::verify(&token, "b", &bundles, now()).is_ok());
    assert_eq!(
        SigningKey::from_pkcs8(b"no key").unwrap_err(),
        SigningError::NotAKey
    );
    assert!(!format!("{key:?}").contains("EcdsaKeyPair"));
}

#[test]
fn a_token_for_nobody_is_not_signed() {
    let key = SigningKey::generate().unwrap();
    for audience in [vec![], vec![String::new()]] {
        let claims = Claims {
            id: &web(),
            audience: &audience,
            issued_at: now(),
            lifetime: FIVE_MINUTES,
        };
        assert_eq!(key.sign(&claims), Err(SigningError::NoAudience));
    }
}

#[test]
fn each_of_the_nine_algorithms_is_checked_and_takes_no_other_key() {
    let rsa = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).unwrap();
    let other = SigningKey::generate().unwrap().public_key();
    for algorithm in Algorithm::ALL {
        let header = json!({"alg": algorithm.name()}).to_string();
        let message = format!("{}.{}", encoded(header.as_bytes()), claims_text());
        let (key, made) = made_with(algorithm, &rsa, &message);
        let token = format!("{message}.{}", encoded(&made));
        // No `kid` in the token: any key of the trust domain may have signed it.
        let check = |key: PublicKey| JwtSvid::verify(&token, "orders", &bundles("any", key), now());
        assert!(check(key).is_ok(), "{algorithm}");
        let refused = Err(TokenError::BadSignature);
        assert_eq!(check(other.clone()), refused, "{algorithm}");
    }
}

#[test]
fn a_key_for_one_algorithm_is_for_no_other() {
    let key = SigningKey::generate().unwrap();
    let token = signed(&key, &["orders"]);
    let check = |only| {
        let key = JwtKey::new(key.public_key(), Some(only));
        let keys = JwtKeys::new([("k".to_owned(), key)]).unwrap();
        keys.signed(None, Algorithm::Es256, token.as_bytes(), b"") == super::Verdict::Signed
    };
    assert!(!check(Algorithm::Rs256));
}

#[test]
fn only_the_subjects_own_trust_domain_vouches_for_it() {
    let key = SigningKey::generate().unwrap();
    let token = signed(&key, &["orders"]);
    let keys = |key: &SigningKey| {
        let named = (key.kid().to_owned(), JwtKey::new(key.public_key(), None));
        JwtKeys::new([named]).unwrap()
    };
    let elsewhere = JwtBundles::from_iter([("other.example".parse().unwrap(), keys(&key))]);
    let trust_domain = web().trust_domain().clone();
    assert_eq!(
        JwtSvid::verify(&token, "orders", &elsewhere, now()),
        Err(TokenError::UnknownTrustDomain {
            trust_domain: trust_domain.clone()
        })
    );
    let revoked = JwtBundles::from_iter([(trust_domain, JwtKeys::default())]);
    let kid = key.kid().to_owned();
    assert_eq!(
        JwtSvid::verify(&token, "orders", &revoked, now()),
        Err(TokenError::UnknownKey { kid })
    );
}

#[test]
fn what_the_standard_forbids_is_refused() {
    use JwsError::AlienHeader;
    use JwsError::Malformed;

    let alg = json!("ES256");
    let why = refusal(&json!({"alg": alg, "typ": "jwt"}).to_string(), &claims());
    assert_eq!(why, TokenError::Malformed { member: "typ" });
    let cases = [
        (json!({"typ": "JWT"}), Malformed { member: "alg" }),
        (json!({"alg": 1}), Malformed { member: "alg" }),
        (
            json!({"alg": alg, "typ": null}),
            Malformed { member: "typ" },
        ),
        (json!({"alg": alg, "kid": 7}), Malformed { member: "kid" }),
        (
            json!({"alg": alg, "crit": ["x"]}),
            AlienHeader {
                member: "crit".to_owned(),
            },
        ),
        (
            json!({"alg": alg, "jwk": {}}),
            AlienHeader {
                member: "jwk".to_owned(),
            },
        ),
        (
            json!({"alg": alg, "cty": "JWT"}),
            AlienHeader {
                member: "cty".to_owned(),
            },
        ),
    ];
    for (header, cause) in cases {
        let why = TokenError::NotAJws { cause };
        assert_eq!(refusal(&header.to_string(), &claims()), why, "{header}");
    }
    for found in ["none", "HS256", "EdDSA", "ES256K"] {
        let header = json!({"alg": found}).to_string();
        let why = refusal(&header, &claims());
        let TokenError::NotAJws { cause } = &why else {
            panic!("{found}: {why}");
        };
        assert!(
            matches!(cause, JwsError::BadAlgorithm { .. }),
            "{found}: {why}"
        );
    }
}

#[test]
fn what_a_token_must_say_is_demanded() {
    use TokenError::Malformed;

    let claims = |member: &str, value: serde_json::Value| {
        let mut claims = claims();
        claims[member] = value;
        refusal(r#"{"alg":"ES256"}"#, &claims)
    };
    assert_eq!(claims("sub", json!(null)), Malformed { member: "sub" });
    let why = claims("sub", json!("https://example.org/web"));
    assert!(matches!(why, TokenError::BadSubject { .. }), "{why}");
    assert_eq!(claims("aud", json!(null)), Malformed { member: "aud" });
    assert_eq!(claims("aud", json!([])), Malformed { member: "aud" });
    assert_eq!(
        claims("aud", json!(["orders", 1])),
        Malformed { member: "aud" }
    );
    let audience = "orders".to_owned();
    assert_eq!(
        claims("aud", json!(["order", "orders2"])),
        TokenError::NotForUs { audience }
    );
    assert_eq!(claims("exp", json!("2100")), Malformed { member: "exp" });
    assert_eq!(claims("exp", json!(-1)), Malformed { member: "exp" });
    assert_eq!(claims("exp", json!(NOW - 61)), TokenError::Expired);
    assert_eq!(claims("nbf", json!(NOW + 61)), TokenError::NotYet);
}

#[test]
fn what_is_not_three_parts_of_base64url_is_refused() {
    let bundles = JwtBundles::default();
    let check = |token: &str| match JwtSvid::verify(token, "orders", &bundles, now()) {
        Err(TokenError::NotAJws { cause }) => cause,
        other => panic!("{token}: {other:?}"),
    };
    let json = r#"{"payload":"e30","signatures":[]}"#;
    for token in ["", "e30", "e30.e30", "e30.e30.e30.e30", json] {
        assert_eq!(check(token), JwsError::NotCompact, "{token}");
    }
    assert_eq!(
        check("e3 0.e30.e30"),
        JwsError::BadBase64 { part: Part::Header }
    );
    let header = encoded(br#"{"alg":"ES256"}"#);
    assert_eq!(
        check(&format!("{header}.e30=.e30")),
        JwsError::BadBase64 { part: Part::Claims }
    );
    let twice = encoded(br#"{"alg":"ES256","alg":"RS256"}"#);
    let why = check(&format!("{twice}.e30.e30"));
    assert!(
        matches!(
            why,
            JwsError::BadJson {
                part: Part::Header,
                ..
            }
        ),
        "{why}"
    );
    let bytes = JwtSvid::MAX_BYTES + 1;
    assert_eq!(
        check(&"a".repeat(bytes)),
        JwsError::TooLong {
            bytes,
            limit: JwtSvid::MAX_BYTES
        }
    );
}

proptest! {
    #[test]
    fn a_token_that_was_touched_is_never_believed(at in 0_usize..400, to in "[A-Za-z0-9_.-]") {
        let key = SigningKey::generate().unwrap();
        let mut token = signed(&key, &["orders"]);
        let at = at % token.len();
        proptest::prop_assume!(token.get(at..=at) != Some(to.as_str()));
        token.replace_range(at..=at, &to);
        let bundles = bundles(key.kid(), key.public_key());
        prop_assert!(JwtSvid::verify(&token, "orders", &bundles, now()).is_err());
    }

    #[test]
    fn whoever_is_named_is_read_back(
        path in "(/[a-z]{1,9}){1,4}",
        audience in proptest::collection::vec("[ -~]{1,20}", 1..4),
        lifetime in (1_u64..100_000).prop_map(Duration::from_secs),
    ) {
        let key = SigningKey::generate().unwrap();
        let id: SpiffeId = format!("spiffe://example.org{path}").parse().unwrap();
        let claims = Claims { id: &id, audience: &audience, issued_at: now(), lifetime };
        let token = key.sign(&claims).unwrap();
        let bundles = bundles(key.kid(), key.public_key());
        for name in &audience {
            let svid = JwtSvid::verify(&token, name, &bundles, now()).unwrap();
            prop_assert_eq!(svid.id(), &id);
            prop_assert_eq!(svid.expires_at(), now() + lifetime);
        }
    }
}

/// Why a well-signed token with this header and body is no JWT-SVID.
fn refusal(header: &str, claims: &serde_json::Value) -> TokenError {
    let body = encoded(claims.to_string().as_bytes());
    let message = format!("{}.{body}", encoded(header.as_bytes()));
    let (key, made) = ec(
        Curve::P256,
        &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        &message,
    );
    let token = format!("{message}.{}", encoded(&made));
    JwtSvid::verify(&token, "orders", &bundles("any", key), now()).unwrap_err()
}

fn signed(key: &SigningKey, audience: &[&str]) -> String {
    let audience: Vec<String> = audience.iter().map(ToString::to_string).collect();
    let claims = Claims {
        id: &web(),
        audience: &audience,
        issued_at: now(),
        lifetime: FIVE_MINUTES,
    };
    key.sign(&claims).unwrap()
}

/// A signature in each of the nine ways, and its public key.
fn made_with(algorithm: Algorithm, rsa: &rsa::KeyPair, message: &str) -> (PublicKey, Vec<u8>) {
    use signature as how;

    let of_rsa = |how| {
        let public = rsa.public_key();
        let number = |bytes: &[u8]| bytes.to_vec();
        let key = PublicKey::Rsa {
            modulus: number(public.modulus().big_endian_without_leading_zero()),
            exponent: number(public.exponent().big_endian_without_leading_zero()),
        };
        (key, rsa_sign(rsa, how, message))
    };
    match algorithm {
        Algorithm::Es256 => ec(Curve::P256, &how::ECDSA_P256_SHA256_FIXED_SIGNING, message),
        Algorithm::Es384 => ec(Curve::P384, &how::ECDSA_P384_SHA384_FIXED_SIGNING, message),
        Algorithm::Es512 => ec(Curve::P521, &how::ECDSA_P521_SHA512_FIXED_SIGNING, message),
        Algorithm::Ps256 => of_rsa(&how::RSA_PSS_SHA256),
        Algorithm::Ps384 => of_rsa(&how::RSA_PSS_SHA384),
        Algorithm::Ps512 => of_rsa(&how::RSA_PSS_SHA512),
        Algorithm::Rs256 => of_rsa(&how::RSA_PKCS1_SHA256),
        Algorithm::Rs384 => of_rsa(&how::RSA_PKCS1_SHA384),
        Algorithm::Rs512 => of_rsa(&how::RSA_PKCS1_SHA512),
    }
}

fn ec(curve: Curve, how: &'static EcdsaSigningAlgorithm, message: &str) -> (PublicKey, Vec<u8>) {
    let pair = EcdsaKeyPair::generate(how).unwrap();
    let made = pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    let point = pair.public_key().as_ref().to_vec();
    (PublicKey::Ec { curve, point }, made.as_ref().to_vec())
}

fn rsa_sign(pair: &rsa::KeyPair, how: &'static dyn RsaEncoding, message: &str) -> Vec<u8> {
    let mut made = vec![0; pair.public_modulus_len()];
    pair.sign(how, &SystemRandom::new(), message.as_bytes(), &mut made)
        .unwrap();
    made
}

fn bundles(kid: &str, key: PublicKey) -> JwtBundles {
    let keys = JwtKeys::new([(kid.to_owned(), JwtKey::new(key, None))]).unwrap();
    JwtBundles::from_iter([(web().trust_domain().clone(), keys)])
}

fn claims() -> serde_json::Value {
    json!({"sub": web().as_str(), "aud": ["orders"], "exp": NOW + 300})
}

fn claims_text() -> String {
    encoded(claims().to_string().as_bytes())
}

fn web() -> SpiffeId {
    "spiffe://example.org/web".parse().unwrap()
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)
}

const NOW: u64 = 1_893_456_000;
const FIVE_MINUTES: Duration = Duration::from_secs(300);
