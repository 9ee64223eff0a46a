//! Programs that bring a token.

use std::collections::BTreeSet;

use portreeve::oidc::Vouched;
use serde_json::Value;
use serde_json::json;

use crate::keys::Signer;
use crate::world::CLIENT;
use crate::world::NOW;
use crate::world::World;
use crate::world::at;

#[tokio::test]
async fn a_program_is_whom_its_token_names() {
    let world = World::new();
    let mut settings = world.settings();
    // What CI systems say of themselves is no more than where their keys are.
    settings.client = None;
    world.script().metadata =
        json!({"issuer": world.issuer, "jwks_uri": format!("{}/jwks", world.issuer)});
    let provider = world.provider_with(settings);
    for typ in [
        Some("at+jwt"),
        Some("application/at+jwt"),
        Some("JWT"),
        None,
    ] {
        let Vouched { expires_at, person } = provider
            .bearer(&world.token(typ, &claims(&world)))
            .await
            .unwrap();
        assert_eq!(
            person.id(),
            "corp/repo:corp/shop:ref:refs/heads/main",
            "{typ:?}"
        );
        assert_eq!(person.groups, BTreeSet::from(["deployers".into()]));
        assert_eq!(expires_at, at(NOW + 300));
    }
    let mut several = claims(&world);
    several["aud"] = json!(["https://other.example", "https://api.example"]);
    assert!(provider.bearer(&world.token(None, &several)).await.is_ok());
    let paths: BTreeSet<String> = world.heard().into_iter().map(|heard| heard.path).collect();
    let known = ["/.well-known/openid-configuration", "/jwks"];
    assert_eq!(paths, BTreeSet::from(known.map(String::from)));
}

#[tokio::test]
async fn one_claim_that_is_not_right_vouches_for_nobody() {
    let world = World::new();
    let provider = world.provider();
    let gone = Value::Null;
    let api = "https://api.example";
    let cases = [
        ("iss", json!("https://evil.example"), "other_issuer"),
        ("iss", gone.clone(), "malformed"),
        ("aud", json!("https://api.example/"), "not_for_us"),
        ("aud", json!("other"), "not_for_us"),
        // An ID token of our own people, and what could be shown as one.
        ("aud", json!(CLIENT), "not_for_us"),
        ("aud", json!([api, CLIENT]), "not_for_us"),
        ("aud", json!([]), "malformed"),
        ("aud", json!([api, 1]), "malformed"),
        ("aud", gone.clone(), "malformed"),
        ("sub", gone.clone(), "malformed"),
        ("sub", json!(""), "malformed"),
        ("exp", gone.clone(), "malformed"),
        ("exp", json!((NOW + 300).to_string()), "malformed"),
        ("exp", json!(NOW - 60), "expired"),
        ("exp", json!(NOW + 24 * 3600 + 1), "holds_too_long"),
        ("exp", json!(1e18), "holds_too_long"),
        ("nbf", json!(NOW + 61), "not_yet"),
        ("iat", json!(NOW + 61), "from_the_future"),
        ("events", json!({}), "member_forbidden"),
        ("groups", json!(vec!["a"; 201]), "too_many_groups"),
        ("_claim_names", json!({"groups": "a"}), "groups_elsewhere"),
    ];
    for (claim, value, reason) in cases {
        let vouched = provider.bearer(&world.token(None, &claims(&world))).await;
        assert!(vouched.is_ok(), "the twin of: {claim}: {value}");
        let mut claims = claims(&world);
        let members = claims.as_object_mut().unwrap();
        members.remove(claim);
        if !value.is_null() {
            members.insert(claim.to_owned(), value.clone());
        }
        let refused = provider
            .bearer(&world.token(None, &claims))
            .await
            .unwrap_err();
        assert_eq!(refused.reason(), reason, "{claim}: {value}");
    }
}

#[tokio::test]
async fn whoever_is_not_the_provider_vouches_for_nobody() {
    let world = World::new();
    let provider = world.provider();
    let claims = claims(&world).to_string();
    for (header, signer, reason) in wrong_headers() {
        let good = json!({"alg": "ES256", "kid": "p256"}).to_string();
        let sign = |header: &str, signer| {
            world
                .keys()
                .token(header.as_bytes(), claims.as_bytes(), signer)
        };
        let vouched = provider.bearer(&sign(&good, &Signer::Own("ES256"))).await;
        assert!(vouched.is_ok(), "the twin of: {header}");
        let refused = provider
            .bearer(&sign(&header.to_string(), &signer))
            .await
            .unwrap_err();
        assert_eq!(refused.reason(), reason, "{header}");
    }
    let long = "a".repeat(16 * 1024 + 1);
    assert_eq!(
        provider.bearer(&long).await.unwrap_err().reason(),
        "too_long"
    );
}

#[tokio::test]
async fn without_an_audience_of_its_own_no_token_is_taken() {
    let world = World::new();
    let mut settings = world.settings();
    settings.bearer_audiences.clear();
    let refused = world
        .provider_with(settings)
        .bearer(&world.token(None, &claims(&world)))
        .await;
    assert_eq!(refused.unwrap_err().reason(), "not_for_us");
    assert!(world.heard().is_empty());
    assert!(
        world
            .provider()
            .bearer(&world.token(None, &claims(&world)))
            .await
            .is_ok()
    );
}

fn claims(world: &World) -> Value {
    json!({
        "iss": world.issuer, "aud": "https://api.example", "exp": NOW + 300, "iat": NOW,
        "sub": "repo:corp/shop:ref:refs/heads/main", "groups": ["deployers"],
    })
}

fn wrong_headers() -> Vec<(Value, Signer, &'static str)> {
    vec![
        (
            json!({"alg": "none"}),
            Signer::Text(String::new()),
            "algorithm_not_allowed",
        ),
        (
            json!({"alg": "HS256", "kid": "rsa"}),
            Signer::Secret,
            "algorithm_not_allowed",
        ),
        (
            json!({"alg": "RS256", "kid": "rsa"}),
            Signer::Secret,
            "bad_signature",
        ),
        (
            json!({"alg": "ES256", "kid": "p256"}),
            Signer::Other,
            "bad_signature",
        ),
        (json!({"alg": "ES256"}), Signer::Other, "bad_signature"),
        (
            json!({"alg": "ES256", "kid": "x"}),
            Signer::Own("ES256"),
            "unknown_key",
        ),
        (
            json!({"alg": "ES256", "kid": "p256", "typ": "logout+jwt"}),
            Signer::Own("ES256"),
            "other_type",
        ),
        (
            json!({"alg": "ES256", "kid": "p256", "jku": "https://a"}),
            Signer::Own("ES256"),
            "header_not_allowed",
        ),
    ]
}
