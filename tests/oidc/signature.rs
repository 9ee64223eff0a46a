//! How a token is signed, and what its header says (RFC 7515, RFC 7518).

use std::collections::BTreeSet;

use portreeve::jwt::Algorithm;
use serde_json::Value;
use serde_json::json;

use crate::keys::Signer;
use crate::keys::encoded;
use crate::world::Lie;
use crate::world::World;
use crate::world::alice;

#[tokio::test]
async fn what_is_signed_by_no_key_of_the_provider_is_refused() {
    let zeros = |length: usize| encoded(&vec![0; length]);
    let world = World::new();
    world.refuses(NO_SIGNATURES).await;
    // CVE-2022-21449: r and s of zero.
    for length in [64, 0, 1, 128] {
        let zeros = zeros(length);
        let lie = |s: &mut crate::world::Script| s.signer = Signer::Text(zeros.clone());
        world.refuses_one("zeros", lie, "bad_signature").await;
    }
}

#[tokio::test]
async fn a_header_that_asks_for_something_else_is_refused() {
    let world = World::new();
    let own = json!({"alg": "ES256", "kid": "p256"});
    for (member, value, reason) in wrong_headers(world.keys().other("p256")) {
        let mut header = own.clone();
        header[member] = value;
        let name = header.to_string();
        let lie = |script: &mut crate::world::Script| script.header = header.clone();
        world.refuses_one(&name, lie, reason).await;
    }
    // Keys and all, as whoever would be believed by them sends it.
    let mut header = own;
    header["jwk"] = world.keys().other("mine");
    header["kid"] = json!("mine");
    let lie = |script: &mut crate::world::Script| {
        script.header = header.clone();
        script.signer = Signer::Other;
    };
    world
        .refuses_one("a key that is brought along", lie, "header_not_allowed")
        .await;
}

#[tokio::test]
async fn a_public_key_is_no_shared_secret() {
    let world = World::new();
    world.refuses(NO_SECRETS).await;
}

#[tokio::test]
async fn json_of_two_readings_is_refused() {
    let world = World::new();
    world.refuses(TWO_READINGS).await;
}

#[tokio::test]
async fn what_is_allowed_is_believed_by_the_key_that_fits() {
    let world = World::new();
    let kids = [("ES256", "p256"), ("ES384", "p384"), ("ES512", "p521")];
    for algorithm in Algorithm::ALL {
        let name = algorithm.name();
        let kid = kids.iter().find(|(of, _)| *of == name);
        let kid = kid.map_or("rsa", |(_, kid)| kid);
        world.script().header = json!({"alg": name, "kid": kid});
        world.script().signer = Signer::Own(name);
        let mut settings = world.settings();
        settings.algorithms = BTreeSet::from([algorithm]);
        let provider = world.provider_with(settings.clone());
        let signed_in = provider.exchange(&world.back()).await;
        assert_eq!(signed_in.unwrap().person, alice(), "{name}");
        settings.algorithms = Algorithm::ALL
            .into_iter()
            .filter(|one| *one != algorithm)
            .collect();
        let provider = world.provider_with(settings);
        let refused = provider.exchange(&world.back()).await.unwrap_err();
        assert_eq!(refused.reason(), "algorithm_not_allowed", "{name}");
    }
    // Without a name any key will do; and what is harmless is passed over.
    world.repent();
    world.script().header = json!({"alg": "ES256", "typ": "jwt", "x5t": "AAAA", "cty": "x"});
    assert_eq!(world.sign_in().await.unwrap().person, alice());
}

/// What is no signature of the key that is named.
const NO_SIGNATURES: &[Lie] = &[
    (
        "another key by the same name",
        |s| s.signer = Signer::Other,
        "bad_signature",
    ),
    (
        "no signature",
        |s| s.signer = Signer::Text(String::new()),
        "bad_signature",
    ),
    (
        "half a signature",
        |s| s.signer = Signer::Cut(32),
        "bad_signature",
    ),
    (
        "a byte less",
        |s| s.signer = Signer::Cut(63),
        "bad_signature",
    ),
    (
        "a signature in DER",
        |s| s.signer = Signer::Der,
        "bad_signature",
    ),
    (
        "one of another algorithm",
        |s| s.signer = Signer::Own("RS256"),
        "bad_signature",
    ),
    (
        "base64 that is padded",
        |s| s.signer = Signer::Text("AAAA====".to_owned()),
        "not_a_token",
    ),
    (
        "base64 of the other alphabet",
        |s| s.signer = Signer::Text("++//".to_owned()),
        "not_a_token",
    ),
    (
        "bits that nobody needs",
        |s| s.signer = Signer::Text("AB".to_owned()),
        "not_a_token",
    ),
    (
        "a part more",
        |s| s.signer = Signer::Text("AAAA.AAAA".to_owned()),
        "not_a_token",
    ),
    (
        "encrypted: five parts",
        |s| s.signer = Signer::Text("A.A.A".to_owned()),
        "not_a_token",
    ),
    (
        "a space",
        |s| s.signer = Signer::Text("AA AA".to_owned()),
        "not_a_token",
    ),
    (
        "a line's end",
        |s| s.signer = Signer::Text("AAAA\n".to_owned()),
        "not_a_token",
    ),
];

/// What is signed in another way than it says.
const NO_SECRETS: &[Lie] = &[
    (
        "HS256 with the public key",
        |s| {
            s.header = json!({"alg": "HS256", "kid": "rsa"});
            s.signer = Signer::Secret;
        },
        "algorithm_not_allowed",
    ),
    (
        "an HMAC that is called RS256",
        |s| {
            s.header = json!({"alg": "RS256", "kid": "rsa"});
            s.signer = Signer::Secret;
        },
        "bad_signature",
    ),
    (
        "PKCS #1 that is called PSS",
        |s| {
            s.header = json!({"alg": "PS256", "kid": "rsa"});
            s.signer = Signer::Own("RS256");
        },
        "bad_signature",
    ),
    (
        "another digest",
        |s| {
            s.header = json!({"alg": "RS256", "kid": "rsa"});
            s.signer = Signer::Own("RS512");
        },
        "bad_signature",
    ),
];

/// What two readers would not read alike.
const TWO_READINGS: &[Lie] = &[
    (
        "two algorithms",
        |s| s.header_text = Some(r#"{"alg":"none","alg":"ES256","kid":"p256"}"#.to_owned()),
        "not_a_token",
    ),
    (
        "two keys, one escaped",
        |s| s.header_text = Some(r#"{"alg":"ES256","kid":"p256","\u006bid":"x"}"#.to_owned()),
        "not_a_token",
    ),
    (
        "two subjects",
        |s| {
            let claims = s.claims.to_string();
            s.claims_text = Some(claims.replacen('{', r#"{"sub":"mallory","#, 1));
        },
        "not_a_token",
    ),
    (
        "a list of claims",
        |s| s.claims_text = Some("[]".to_owned()),
        "not_a_token",
    ),
    (
        "no claims",
        |s| s.claims_text = Some(String::new()),
        "not_a_token",
    ),
    (
        "claims that go on",
        |s| s.claims_text = Some(format!("{}{{}}", s.claims)),
        "not_a_token",
    ),
    (
        "a header that is a text",
        |s| s.header_text = Some("\"ES256\"".to_owned()),
        "not_a_token",
    ),
    (
        "a header of depth",
        |s| s.header_text = Some("[".repeat(9999)),
        "not_a_token",
    ),
    (
        "more than anybody has to say",
        |s| s.claims["more"] = json!("a".repeat(64 * 1024)),
        "too_long",
    ),
];

fn wrong_headers(own_key: Value) -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("alg", json!("none"), "algorithm_not_allowed"),
        ("alg", json!("None"), "algorithm_not_allowed"),
        ("alg", json!("NONE"), "algorithm_not_allowed"),
        ("alg", json!("nOnE"), "algorithm_not_allowed"),
        ("alg", json!(""), "algorithm_not_allowed"),
        ("alg", json!("es256"), "algorithm_not_allowed"),
        ("alg", json!("HS256"), "algorithm_not_allowed"),
        ("alg", json!("HS384"), "algorithm_not_allowed"),
        ("alg", json!("HS512"), "algorithm_not_allowed"),
        ("alg", json!("EdDSA"), "algorithm_not_allowed"),
        ("alg", json!("ES256K"), "algorithm_not_allowed"),
        ("alg", json!("ES384"), "algorithm_not_allowed"),
        ("alg", json!("RS512"), "algorithm_not_allowed"),
        ("alg", json!("RSA-OAEP"), "algorithm_not_allowed"),
        ("alg", json!("RS256"), "bad_signature"),
        ("alg", json!("PS256"), "bad_signature"),
        ("alg", json!(["ES256"]), "not_a_token"),
        ("alg", json!(null), "not_a_token"),
        ("kid", json!("nobody"), "unknown_key"),
        ("kid", json!(""), "unknown_key"),
        ("kid", json!("P256"), "unknown_key"),
        ("kid", json!("../../../../dev/null"), "unknown_key"),
        ("kid", json!("https://evil.example/jwks"), "unknown_key"),
        ("kid", json!("' OR 1=1 --"), "unknown_key"),
        ("kid", json!("p384"), "bad_signature"),
        ("kid", json!("rsa"), "bad_signature"),
        ("kid", json!(256), "not_a_token"),
        ("kid", json!(["p256"]), "not_a_token"),
        ("typ", json!("at+jwt"), "other_type"),
        ("typ", json!("application/at+jwt"), "other_type"),
        ("typ", json!("logout+jwt"), "other_type"),
        ("typ", json!("secevent+jwt"), "other_type"),
        ("typ", json!("dpop+jwt"), "other_type"),
        ("typ", json!(""), "other_type"),
        ("typ", json!(1), "not_a_token"),
        ("crit", json!([]), "header_not_allowed"),
        ("crit", json!(["exp"]), "header_not_allowed"),
        ("b64", json!(false), "header_not_allowed"),
        ("b64", json!(true), "header_not_allowed"),
        (
            "jku",
            json!("https://evil.example/jwks"),
            "header_not_allowed",
        ),
        (
            "x5u",
            json!("https://evil.example/x5u"),
            "header_not_allowed",
        ),
        ("x5c", json!(["MIIB"]), "header_not_allowed"),
        ("jwk", own_key, "header_not_allowed"),
        ("zip", json!("DEF"), "header_not_allowed"),
        ("enc", json!("A256GCM"), "header_not_allowed"),
    ]
}
