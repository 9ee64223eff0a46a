use std::time::Duration;

use proptest::prelude::any;
use proptest::prop_assert_eq;
use proptest::proptest;
use rcgen::CertificateParams;
use rcgen::KeyPair;
use rcgen::SignatureAlgorithm;
use rustls_pki_types::CertificateDer;
use serde_json::Value;
use serde_json::json;

use crate::jwt::BundleDocument;
use crate::jwt::DocumentError;
use crate::jwt::JwtKey;
use crate::jwt::JwtKeys;
use crate::jwt::JwtKeysError;
use crate::jwt::KeyError;
use crate::jwt::RootError;
use crate::jwt::SigningKey;

#[test]
fn a_document_says_what_the_standard_asks_and_nothing_else() {
    let document = BundleDocument {
        sequence: Some(u64::MAX),
        refresh_hint: Some(Duration::from_secs(300)),
        roots: vec![root(&rcgen::PKCS_ECDSA_P256_SHA256)],
        jwt_keys: keys(1),
    };
    let json: Value = serde_json::from_str(&document.to_json().unwrap()).unwrap();
    assert_eq!(json["spiffe_sequence"], u64::MAX);
    assert_eq!(json["spiffe_refresh_hint"], 300);
    let x509 = names(&json["keys"][0]);
    assert_eq!(x509, ["crv", "kty", "use", "x", "x5c", "y"]);
    assert_eq!(json["keys"][0]["use"], "x509-svid");
    assert_eq!(json["keys"][0]["x5c"].as_array().unwrap().len(), 1);
    let jwt = names(&json["keys"][1]);
    assert_eq!(jwt, ["crv", "kid", "kty", "use", "x", "y"]);
    assert_eq!(json["keys"][1]["use"], "jwt-svid");
}

#[test]
fn roots_of_every_kind_are_written() {
    let kinds = [
        (&rcgen::PKCS_ECDSA_P256_SHA256, "EC", "P-256"),
        (&rcgen::PKCS_ECDSA_P384_SHA384, "EC", "P-384"),
        (&rcgen::PKCS_ECDSA_P521_SHA512, "EC", "P-521"),
        (&rcgen::PKCS_ED25519, "OKP", "Ed25519"),
    ];
    for (algorithm, kty, crv) in kinds {
        let document = BundleDocument {
            roots: vec![root(algorithm)],
            ..BundleDocument::default()
        };
        let text = document.to_json().unwrap();
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["keys"][0]["kty"], kty);
        assert_eq!(json["keys"][0]["crv"], crv);
        assert_eq!(BundleDocument::parse(text.as_bytes()), Ok(document));
    }
    let broken = BundleDocument {
        roots: vec![CertificateDer::from(vec![0x30])],
        ..BundleDocument::default()
    };
    let cause = RootError::Malformed;
    assert_eq!(
        broken.to_json(),
        Err(DocumentError::BadRoot { index: 0, cause })
    );
}

#[test]
fn the_unknown_is_passed_over_and_the_rest_is_read() {
    let document = parsed(&json!({
        "keys": [
            {"kty": "oct", "use": "jwt-svid", "kid": "a", "k": "AAAA"},
            {"kty": "EC", "use": "sig", "kid": "b"},
            {"kty": "EC", "use": "JWT-SVID", "kid": "c"},
            {"kty": "EC", "kid": "d"},
            {"use": "jwt-svid", "kid": "e"},
            {"kty": "EC", "crv": "secp256k1", "use": "jwt-svid", "kid": "f", "x": "", "y": ""},
            {"kty": "RSA", "use": "jwt-svid", "n": "AQAB", "e": "AQAB"},
            {"kty": "RSA", "use": "jwt-svid", "kid": "g", "alg": "RSA-OAEP", "n": "AQAB", "e": "AQAB"},
            {"kty": "EC", "use": "x509-svid", "crv": "P-256"},
            "nonsense",
            {"kty": "RSA", "use": "jwt-svid", "kid": "h", "n": "AQAB", "e": "AQAB", "later": {}},
            {"kty": "EC", "use": "x509-svid", "x5c": ["MAA=", "not looked at"]},
        ],
        "extension": [1, 2, 3],
    }))
    .unwrap();
    let kids: Vec<&str> = document.jwt_keys.iter().map(|(kid, _)| kid).collect();
    assert_eq!(kids, ["h"]);
    assert_eq!(document.roots, [CertificateDer::from(vec![0x30, 0])]);
    assert_eq!((document.sequence, document.refresh_hint), (None, None));
}

#[test]
fn no_keys_is_a_document_of_nobody_and_no_list_is_none() {
    assert_eq!(parsed(&json!({"keys": []})), Ok(BundleDocument::default()));
    for text in [json!({}), json!({"keys": null}), json!({"keys": {}})] {
        assert_eq!(parsed(&text), Err(DocumentError::NoKeys), "{text}");
    }
}

#[test]
fn what_is_known_and_malformed_spoils_the_document() {
    let key = |key: Value| parsed(&json!({"keys": [{}, key]}));
    for x5c in [json!([]), json!("MAA="), json!([1]), json!(["M-A_"])] {
        let outcome = key(json!({"kty": "EC", "use": "x509-svid", "x5c": x5c}));
        assert_eq!(
            outcome,
            Err(DocumentError::BadCertificate { index: 1 }),
            "{x5c}"
        );
    }
    let bad = |cause| Err(DocumentError::BadKey { index: 1, cause });
    assert_eq!(
        key(
            json!({"kty": "EC", "crv": "P-256", "use": "jwt-svid", "kid": "a", "x": "AA", "y": "AA"})
        ),
        bad(KeyError::BadLength {
            member: "x",
            bytes: 1
        })
    );
    assert_eq!(
        key(json!({"kty": "RSA", "use": "jwt-svid", "kid": "a", "n": "AQAB"})),
        bad(KeyError::Malformed { member: "e" })
    );
    for number in [json!(-1), json!(1.5), json!("1"), json!(1e30)] {
        let text = json!({"keys": [], "spiffe_sequence": number});
        let member = "spiffe_sequence";
        assert_eq!(
            parsed(&text),
            Err(DocumentError::BadNumber { member }),
            "{text}"
        );
    }
    let twice = json!({"kty": "RSA", "use": "jwt-svid", "kid": "a", "n": "AQAB", "e": "AQAB"});
    let cause = JwtKeysError::Duplicate {
        kid: "a".to_owned(),
    };
    assert_eq!(
        parsed(&json!({"keys": [twice, twice]})),
        Err(DocumentError::BadKeys { cause })
    );
    let text = br#"{"keys":[],"keys":[]}"#;
    let outcome = BundleDocument::parse(text);
    assert!(
        matches!(outcome, Err(DocumentError::NotJson { .. })),
        "{outcome:?}"
    );
    let long = vec![b' '; BundleDocument::MAX_BYTES + 1];
    let bytes = long.len();
    assert_eq!(
        BundleDocument::parse(&long),
        Err(DocumentError::TooLong { bytes })
    );
}

#[test]
fn a_jwk_set_for_workloads_has_no_roots_in_it() {
    let json: Value = serde_json::from_str(&keys(2).to_jwk_set()).unwrap();
    let uses: Vec<&Value> = json["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| &key["use"])
        .collect();
    assert_eq!(uses, ["jwt-svid", "jwt-svid"]);
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        sequence in any::<Option<u64>>(),
        hint in any::<Option<u32>>(),
        roots in 0_usize..3,
        count in 0_usize..4,
    ) {
        let document = BundleDocument {
            sequence,
            refresh_hint: hint.map(|hint| Duration::from_secs(hint.into())),
            roots: (0..roots).map(|_| root(&rcgen::PKCS_ECDSA_P256_SHA256)).collect(),
            jwt_keys: keys(count),
        };
        let text = document.to_json().unwrap();
        prop_assert_eq!(BundleDocument::parse(text.as_bytes()), Ok(document));
    }
}

fn parsed(json: &Value) -> Result<BundleDocument, DocumentError> {
    BundleDocument::parse(json.to_string().as_bytes())
}

fn keys(count: usize) -> JwtKeys {
    let keys = (0..count).map(|_| SigningKey::generate().unwrap());
    JwtKeys::new(keys.map(|key| (key.kid().to_owned(), JwtKey::new(key.public_key(), None))))
        .unwrap()
}

fn root(algorithm: &'static SignatureAlgorithm) -> CertificateDer<'static> {
    let pair = KeyPair::generate_for(algorithm).unwrap();
    let params = CertificateParams::default();
    params.self_signed(&pair).unwrap().der().clone()
}

fn names(value: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    names
}
