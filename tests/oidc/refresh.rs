//! A session is renewed, or ends, or waits for a provider that is away.

use portreeve::oidc::RefreshError;
use portreeve::oidc::SignedIn;
use serde_json::json;

use crate::keys::Signer;
use crate::world::NOW;
use crate::world::Script;
use crate::world::World;
use crate::world::alice;
use crate::world::answer;
use crate::world::at;
use crate::world::good;

#[tokio::test]
async fn a_person_is_vouched_for_anew_with_the_groups_of_now() {
    let world = World::new();
    let provider = world.provider();
    world.script().tokens["refresh_token"] = json!("the-next-one");
    world.script().userinfo["groups"] = json!(["ops"]);
    world
        .script()
        .userinfo
        .as_object_mut()
        .unwrap()
        .remove("email");
    // Nobody proved who they are again, whatever it says.
    world.script().claims["auth_time"] = json!(NOW);
    world.script().claims["amr"] = json!(["face"]);
    world.script().claims["nonce"] = json!("of-another-time");
    let renewed = provider.refresh("a-refresh-token", &alice()).await.unwrap();
    let mut expected = alice();
    expected.groups = [Box::from("ops")].into();
    expected.email = None;
    assert_eq!(renewed.person, expected);
    assert_eq!(renewed.refresh_token.unwrap().as_str(), "the-next-one");
    assert_eq!(renewed.sid.as_deref(), Some("session-1"));
    assert_eq!(renewed.good_until, Some(at(NOW + 600)));
    let heard = world.heard();
    let asked = heard.iter().find(|heard| heard.path == "/token").unwrap();
    assert_eq!(
        asked.body,
        "grant_type=refresh_token&refresh_token=a-refresh-token"
    );
    assert!(
        asked.head.contains("authorization: Basic "),
        "{}",
        asked.head
    );
}

#[tokio::test]
async fn an_answer_without_an_id_token_is_asked_for_more() {
    let world = World::new();
    let provider = world.provider();
    world.script().tokens = json!({"access_token": "a", "token_type": "bearer"});
    world.script().userinfo["groups"] = json!(["ops"]);
    let renewed = provider.refresh("a-refresh-token", &alice()).await.unwrap();
    let mut person = alice();
    person.groups = [Box::from("ops")].into();
    let expected = SignedIn {
        good_until: None,
        id_token: None,
        person,
        refresh_token: Some("a-refresh-token".to_owned().into()),
        sid: None,
    };
    assert_eq!(renewed, expected);
    // Where nothing is said of the person, they are as they were.
    world
        .script()
        .metadata
        .as_object_mut()
        .unwrap()
        .remove("userinfo_endpoint");
    let renewed = world
        .provider()
        .refresh("a-refresh-token", &alice())
        .await
        .unwrap();
    assert_eq!(renewed.person, alice());
}

#[tokio::test]
async fn a_no_ends_the_session_and_an_outage_does_not() {
    use Outcome::{Refused, Unavailable};

    let world = World::new();
    for (name, lie, reason, outcome) in CASES {
        let renewed = world.provider().refresh("a-refresh-token", &alice()).await;
        assert_eq!(renewed.unwrap().person, alice(), "the twin of: {name}");
        lie(&mut world.script());
        let error = world
            .provider()
            .refresh("a-refresh-token", &alice())
            .await
            .unwrap_err();
        let found = match error {
            RefreshError::Refused { .. } => Refused,
            RefreshError::Unavailable { .. } => Unavailable,
        };
        assert_eq!(
            (found, error.reason()),
            (*outcome, *reason),
            "{name}: {error:?}"
        );
        world.repent();
    }
}

#[tokio::test]
async fn nobody_is_renewed_by_another_provider() {
    let world = World::new();
    let mut stranger = alice();
    stranger.provider = "other".parse().unwrap();
    let error = world
        .provider()
        .refresh("a-refresh-token", &stranger)
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "other_subject");
    assert!(matches!(error, RefreshError::Refused { .. }));
    assert!(
        world.heard().is_empty(),
        "the token went to another provider"
    );
}

fn no(script: &mut Script, status: &str, code: &str) {
    say(
        script,
        "/token",
        &answer(status, &json!({"error": code}).to_string()),
    );
}

fn say(script: &mut Script, path: &'static str, raw: &str) {
    script.raw.insert(path, raw.to_owned());
}

type Case = (&'static str, fn(&mut Script), &'static str, Outcome);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    Refused,
    Unavailable,
}

/// What is said, the word for it, and what becomes of the session.
const CASES: &[Case] = &[
    (
        "revoked",
        |s| no(s, "400 Bad Request", "invalid_grant"),
        "refused",
        Outcome::Refused,
    ),
    (
        "revoked, with 401",
        |s| no(s, "401 Unauthorized", "invalid_grant"),
        "refused",
        Outcome::Refused,
    ),
    (
        "no client for it",
        |s| no(s, "400 Bad", "unauthorized_client"),
        "client_not_taken",
        Outcome::Refused,
    ),
    (
        "no scope",
        |s| no(s, "400 Bad", "invalid_scope"),
        "client_not_taken",
        Outcome::Refused,
    ),
    (
        "our own secret",
        |s| no(s, "401 Unauthorized", "invalid_client"),
        "client_not_taken",
        Outcome::Unavailable,
    ),
    (
        "failing",
        |s| no(s, "500 Oh", "invalid_grant"),
        "unwell",
        Outcome::Unavailable,
    ),
    (
        "away",
        |s| no(s, "503 Oh", ""),
        "unwell",
        Outcome::Unavailable,
    ),
    (
        "too often",
        |s| no(s, "429 Oh", "slow_down"),
        "unwell",
        Outcome::Unavailable,
    ),
    (
        "a page",
        |s| say(s, "/token", &answer("403 No", "<html>")),
        "unwell",
        Outcome::Unavailable,
    ),
    (
        "elsewhere",
        |s| say(s, "/token", &answer("302 No", "")),
        "redirected",
        Outcome::Unavailable,
    ),
    (
        "silent",
        |s| say(s, "/token", ""),
        "broken",
        Outcome::Unavailable,
    ),
    (
        "no tokens",
        |s| say(s, "/token", &good("{}")),
        "bad_token_answer",
        Outcome::Unavailable,
    ),
    (
        "somebody else",
        |s| s.claims["sub"] = json!("mallory"),
        "other_subject",
        Outcome::Refused,
    ),
    (
        "nobody",
        |s| s.claims["sub"] = json!(null),
        "malformed",
        Outcome::Refused,
    ),
    (
        "another issuer",
        |s| s.claims["iss"] = json!("https://evil.example"),
        "other_issuer",
        Outcome::Refused,
    ),
    (
        "another client",
        |s| s.claims["aud"] = json!("other"),
        "not_for_us",
        Outcome::Refused,
    ),
    (
        "not by the provider",
        |s| s.signer = Signer::Other,
        "bad_signature",
        Outcome::Refused,
    ),
    (
        "over",
        |s| s.claims["exp"] = json!(NOW - 60),
        "expired",
        Outcome::Refused,
    ),
    (
        "another token's",
        |s| s.claims["at_hash"] = json!("A"),
        "bad_access_token_hash",
        Outcome::Refused,
    ),
    (
        "somebody else beside it",
        |s| s.userinfo["sub"] = json!("mallory"),
        "userinfo_other_subject",
        Outcome::Refused,
    ),
    (
        "not any more",
        |s| say(s, "/userinfo", &answer("401 No", "")),
        "userinfo_refused",
        Outcome::Refused,
    ),
    (
        "nothing to be told",
        |s| say(s, "/userinfo", &answer("502 Oh", "")),
        "userinfo_unwell",
        Outcome::Unavailable,
    ),
    (
        "too many groups",
        |s| s.claims["groups"] = json!(vec!["a"; 201]),
        "too_many_groups",
        Outcome::Refused,
    ),
    (
        "groups elsewhere",
        |s| s.claims["_claim_names"] = json!({"groups": "a"}),
        "groups_elsewhere",
        Outcome::Refused,
    ),
    (
        "no keys to check with",
        |s| say(s, "/jwks", &answer("500 Oh", "")),
        "bad_status",
        Outcome::Unavailable,
    ),
];
