//! What the provider says of itself, and its keys.

use portreeve::oidc::Issuer;
use portreeve::oidc::OpenError;
use portreeve::oidc::Places;
use portreeve::oidc::Provider;
use serde_json::json;
use std::sync::Arc;

use crate::keys::Signer;
use crate::world::Lie;
use crate::world::Script;
use crate::world::World;
use crate::world::alice;
use crate::world::answer;
use crate::world::good;

const DISCOVERY: &str = "/.well-known/openid-configuration";

#[tokio::test]
async fn a_provider_that_speaks_for_another_is_not_asked() {
    let world = World::new();
    world.refuses(NO_METADATA).await;
}

#[tokio::test]
async fn keys_that_are_none_are_not_believed() {
    let world = World::new();
    world.refuses(NO_KEYS).await;
}

#[tokio::test]
async fn a_key_that_is_malformed_spoils_no_other() {
    let world = World::new();
    let own = world.keys().ec(0);
    let mut told = own.clone();
    told["alg"] = json!("ES256");
    told["key_ops"] = json!(["verify"]);
    let mut nameless = own.clone();
    nameless.as_object_mut().unwrap().remove("kid");
    nameless.as_object_mut().unwrap().remove("use");
    for (keys, kid) in [
        (json!([{"kty": "EC", "kid": "p256"}, 7, told]), Some("p256")),
        // Of two by one name either will do: both are the provider's.
        (json!([world.keys().unused("p256"), own]), Some("p256")),
        (
            json!([world.keys().rsa(), world.keys().other("a"), nameless]),
            None,
        ),
    ] {
        world.script().published = json!({"keys": keys});
        world.script().header = json!({"alg": "ES256"});
        if let Some(kid) = kid {
            world.script().header["kid"] = json!(kid);
        }
        assert_eq!(world.sign_in().await.unwrap().person, alice(), "{keys}");
    }
}

#[tokio::test]
async fn a_certificate_of_nobody_we_believe_ends_it_before_a_word_is_said() {
    let world = World::new();
    assert!(world.sign_in().await.is_ok());
    world.heard();
    let mut settings = world.settings();
    let stranger = World::new();
    settings.roots = stranger.settings().roots;
    let provider = world.provider_with(settings);
    let refused = provider.exchange(&world.back()).await.unwrap_err();
    assert_eq!(refused.reason(), "not_believed");
    assert!(world.heard().is_empty());
}

#[tokio::test]
async fn what_could_not_work_is_told_at_once() {
    let world = World::new();
    let open = |settings| Provider::open(settings, Arc::clone(&world.clock) as _);
    assert!(open(world.settings()).is_ok());
    let mut settings = world.settings();
    settings.bearer_audiences.insert("portreeve".to_owned());
    assert!(matches!(open(settings), Err(OpenError::AudienceIsClient)));
    std::fs::write(world.folder.path().join("secret"), "").unwrap();
    let Err(OpenError::Unusable { cause }) = open(world.settings()) else {
        panic!("an empty secret is none");
    };
    assert_eq!(cause.reason(), "no_secret");
    std::fs::remove_file(world.folder.path().join("secret")).unwrap();
    assert!(matches!(
        open(world.settings()),
        Err(OpenError::Unusable { .. })
    ));
    std::fs::write(world.folder.path().join("secret"), "a").unwrap();
    std::fs::write(world.folder.path().join("ca.pem"), "none").unwrap();
    let Err(OpenError::Unusable { cause }) = open(world.settings()) else {
        panic!("no roots are none");
    };
    assert_eq!(cause.reason(), "no_trust");
}

#[tokio::test]
async fn whoever_is_nobodys_client_asks_for_nobody() {
    let world = World::new();
    let mut settings = world.settings();
    settings.client = None;
    let provider = world.provider_with(settings);
    let refused = provider.exchange(&world.back()).await.unwrap_err();
    assert_eq!(refused.reason(), "not_a_client");
    let refused = provider.logout_token("e30.e30.e30").await.unwrap_err();
    assert_eq!(refused.reason(), "not_a_client");
    assert_eq!(world.count("/token"), 0);
    let url = provider
        .end_session_url(None, "https://app.example/", None)
        .await;
    assert_eq!(url.unwrap_err().reason(), "not_a_client");
}

#[test]
fn an_issuer_is_an_https_url() {
    assert!(Issuer::parse("https://id.example/a", Places::Https).is_ok());
    for text in [
        "",
        "id.example",
        "http://id.example",
        "https://",
        "https://id.example#a",
        "https://id.example?a",
        "https://a@id.example",
        "https://id.example/ a",
        "ftp://id.example",
        "http://127.0.0.1",
        "HTTPS://id.example",
    ] {
        assert!(Issuer::parse(text, Places::Https).is_err(), "{text}");
    }
}

fn plain(script: &mut Script, member: &str) {
    script.metadata[member] = json!("http://127.0.0.1:1/");
}

fn only(script: &mut Script, member: &str, value: serde_json::Value) {
    script.published = json!({"keys": [script.published["keys"][0]]});
    script.published["keys"][0][member] = value;
    script.signer = Signer::Own("ES256");
}

fn say(script: &mut Script, path: &'static str, raw: &str) {
    script.raw.insert(path, raw.to_owned());
}

/// What a provider must not say of itself.
const NO_METADATA: &[Lie] = &[
    (
        "another",
        |s| s.metadata["issuer"] = json!("https://evil.example"),
        "bad_metadata",
    ),
    (
        "no issuer",
        |s| s.metadata["issuer"] = json!(null),
        "bad_metadata",
    ),
    (
        "a slash more",
        |s| {
            s.metadata["issuer"] = json!(format!("{}/", s.metadata["issuer"].as_str().unwrap()));
        },
        "bad_metadata",
    ),
    (
        "no keys",
        |s| s.metadata["jwks_uri"] = json!(null),
        "bad_metadata",
    ),
    (
        "keys in the clear",
        |s| plain(s, "jwks_uri"),
        "bad_metadata",
    ),
    (
        "tokens in the clear",
        |s| plain(s, "token_endpoint"),
        "bad_metadata",
    ),
    (
        "people in the clear",
        |s| plain(s, "userinfo_endpoint"),
        "bad_metadata",
    ),
    (
        "a login in the clear",
        |s| plain(s, "authorization_endpoint"),
        "bad_metadata",
    ),
    (
        "a logout in the clear",
        |s| plain(s, "end_session_endpoint"),
        "bad_metadata",
    ),
    (
        "a script",
        |s| s.metadata["authorization_endpoint"] = json!("javascript:alert(1)"),
        "bad_metadata",
    ),
    (
        "a file",
        |s| s.metadata["jwks_uri"] = json!("file:///etc/passwd"),
        "bad_metadata",
    ),
    (
        "a name and a password",
        |s| s.metadata["jwks_uri"] = json!("https://a:b@c/"),
        "bad_metadata",
    ),
    (
        "a number",
        |s| s.metadata["token_endpoint"] = json!(1),
        "bad_metadata",
    ),
    (
        "no place for codes",
        |s| s.metadata["token_endpoint"] = json!(null),
        "no_endpoint",
    ),
    (
        "a yes that is a text",
        |s| s.metadata["authorization_response_iss_parameter_supported"] = json!("true"),
        "bad_metadata",
    ),
    ("a list", |s| s.metadata = json!([]), "bad_metadata"),
    (
        "two issuers",
        |s| {
            let twice = format!(
                r#"{{"issuer":"a",{}"#,
                s.metadata.to_string().trim_start_matches('{')
            );
            s.raw.insert(DISCOVERY, good(&twice));
        },
        "bad_metadata",
    ),
    (
        "more than it has to say",
        |s| s.metadata["a"] = json!("a".repeat(1 << 18)),
        "bad_metadata",
    ),
    (
        "much more",
        |s| s.metadata["a"] = json!("a".repeat(1 << 20)),
        "too_large",
    ),
    (
        "elsewhere",
        |s| say(s, DISCOVERY, &answer("301 Moved", "")),
        "redirected",
    ),
    (
        "nowhere",
        |s| say(s, DISCOVERY, &answer("404 Not Found", "{}")),
        "bad_status",
    ),
    (
        "failing",
        |s| say(s, DISCOVERY, &answer("500 Oh", "{}")),
        "bad_status",
    ),
    ("silent", |s| say(s, DISCOVERY, ""), "broken"),
];

/// What is no key that has signed the token.
const NO_KEYS: &[Lie] = &[
    ("none", |s| s.published = json!({"keys": []}), "bad_keys"),
    ("no list", |s| s.published = json!({}), "bad_keys"),
    (
        "one key instead of a list",
        |s| s.published = s.published["keys"][0].clone(),
        "bad_keys",
    ),
    (
        "a list of nothing known",
        |s| s.published = json!({"keys": [1, {}, null]}),
        "bad_keys",
    ),
    (
        "too many",
        |s| s.published["keys"] = json!(vec![json!({}); 65]),
        "bad_keys",
    ),
    (
        "a shared secret",
        |s| only(s, "kty", json!("oct")),
        "bad_keys",
    ),
    (
        "of a kind that nobody knows",
        |s| only(s, "kty", json!("AKP")),
        "bad_keys",
    ),
    (
        "on a curve that nobody knows",
        |s| only(s, "crv", json!("secp256k1")),
        "bad_keys",
    ),
    (
        "for encryption",
        |s| only(s, "use", json!("enc")),
        "bad_keys",
    ),
    (
        "for another use",
        |s| only(s, "use", json!("jwt-svid")),
        "bad_keys",
    ),
    (
        "for a use that is a number",
        |s| only(s, "use", json!(1)),
        "bad_keys",
    ),
    (
        "to sign with",
        |s| only(s, "key_ops", json!(["sign"])),
        "bad_keys",
    ),
    (
        "to encrypt with",
        |s| only(s, "key_ops", json!(["encrypt"])),
        "bad_keys",
    ),
    (
        "for a shared secret's algorithm",
        |s| only(s, "alg", json!("HS256")),
        "bad_keys",
    ),
    (
        "for another algorithm",
        |s| only(s, "alg", json!("RS256")),
        "bad_signature",
    ),
    (
        "for another curve's",
        |s| only(s, "alg", json!("ES384")),
        "bad_signature",
    ),
    (
        "named otherwise",
        |s| only(s, "kid", json!("other")),
        "unknown_key",
    ),
    (
        "named by a number",
        |s| only(s, "kid", json!(7)),
        "bad_keys",
    ),
    ("half a point", |s| only(s, "x", json!("AAAA")), "bad_keys"),
    (
        "no point on the curve",
        |s| only(s, "x", json!("A".repeat(43))),
        "bad_signature",
    ),
    (
        "padded",
        |s| only(s, "x", json!(format!("{}=", "A".repeat(43)))),
        "bad_keys",
    ),
    (
        "two readings",
        |s| say(s, "/jwks", &good(r#"{"keys":[],"keys":[]}"#)),
        "bad_keys",
    ),
    (
        "elsewhere",
        |s| say(s, "/jwks", &answer("302 Found", "")),
        "redirected",
    ),
    (
        "failing",
        |s| say(s, "/jwks", &answer("503 Oh", "")),
        "bad_status",
    ),
    (
        "ten megabytes",
        |s| s.published["a"] = json!("a".repeat(10 << 20)),
        "too_large",
    ),
];
