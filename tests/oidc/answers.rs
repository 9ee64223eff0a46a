//! What the token endpoint and the userinfo endpoint answer.

use portreeve::oidc::ClientAuthentication;
use serde_json::json;

use crate::world::CLIENT;
use crate::world::Lie;
use crate::world::NOW;
use crate::world::World;
use crate::world::alice;
use crate::world::answer;
use crate::world::at;
use crate::world::good;

#[tokio::test]
async fn an_answer_that_is_not_one_signs_nobody_in() {
    let world = World::new();
    world.refuses(NO_ANSWERS).await;
}

#[tokio::test]
async fn a_no_is_a_no_and_a_failure_is_a_failure() {
    let world = World::new();
    let cases = [
        ("400 Bad Request", r#"{"error":"invalid_grant"}"#, "refused"),
        (
            "401 Unauthorized",
            r#"{"error":"invalid_grant"}"#,
            "refused",
        ),
        (
            "400 Bad Request",
            r#"{"error":"unauthorized_client"}"#,
            "client_not_taken",
        ),
        ("403 Forbidden", r#"{"error":"access_denied"}"#, "refused"),
        (
            "401 Unauthorized",
            r#"{"error":"invalid_client"}"#,
            "client_not_taken",
        ),
        (
            "400 Bad Request",
            r#"{"error":"temporarily_unavailable"}"#,
            "unwell",
        ),
        ("400 Bad Request", "", "unwell"),
        ("404 Not Found", "<html>", "unwell"),
        (
            "429 Too Many Requests",
            r#"{"error":"invalid_grant"}"#,
            "unwell",
        ),
        (
            "500 Internal Server Error",
            r#"{"error":"invalid_grant"}"#,
            "unwell",
        ),
        ("503 Service Unavailable", "", "unwell"),
        ("201 Created", "{}", "unwell"),
        ("400 Bad Request", r#"{"error":"a\r\nb"}"#, "unwell"),
        ("302 Found", "", "redirected"),
        ("307 Temporary Redirect", "", "redirected"),
    ];
    for (status, body, reason) in cases {
        let lie = |s: &mut crate::world::Script| say(s, "/token", &answer(status, body));
        world.refuses_one(status, lie, reason).await;
    }
    for raw in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}",
        "nonsense\r\n\r\n",
    ] {
        let lie = |s: &mut crate::world::Script| say(s, "/token", raw);
        world.refuses_one(raw, lie, "broken").await;
    }
    let large = "a".repeat((1 << 20) + 1);
    let lie = |s: &mut crate::world::Script| say(s, "/token", &good(&large));
    world
        .refuses_one("a megabyte and more", lie, "too_large")
        .await;
}

#[tokio::test]
async fn what_is_said_of_somebody_else_is_said_of_nobody() {
    let world = World::new();
    world.refuses(NOBODY).await;
}

#[tokio::test]
async fn whoever_does_not_ask_is_told_nothing_more() {
    let world = World::new();
    let mut settings = world.settings();
    settings.userinfo = false;
    let signed_in = world
        .provider_with(settings)
        .exchange(&world.back())
        .await
        .unwrap();
    assert!(signed_in.person.groups.is_empty());
    assert_eq!(signed_in.person.email, None);
    assert_eq!(world.count("/userinfo"), 0);
    // Nor is there anything to be told where there is no such place.
    world
        .script()
        .metadata
        .as_object_mut()
        .unwrap()
        .remove("userinfo_endpoint");
    world.script().claims["groups"] = json!(["eng", "oncall"]);
    assert_eq!(world.sign_in().await.unwrap().person.groups, alice().groups);
}

#[tokio::test]
async fn a_client_proves_who_it_is_in_the_way_it_is_told() {
    let world = World::new();
    let secret_file = world.folder.path().join("secret");
    let post = ClientAuthentication::Post {
        secret_file: secret_file.clone(),
    };
    for (authentication, proof) in [
        (post, "&client_id=portreeve&client_secret=s3cret%3A%20%25"),
        (ClientAuthentication::Public, "&client_id=portreeve"),
    ] {
        let mut settings = world.settings();
        settings.client.as_mut().unwrap().authentication = authentication;
        let provider = world.provider_with(settings);
        assert_eq!(
            provider.exchange(&world.back()).await.unwrap().person,
            alice()
        );
        let heard = world.heard();
        let asked = heard.iter().find(|heard| heard.path == "/token").unwrap();
        assert!(asked.body.ends_with(proof), "{}", asked.body);
        assert!(!asked.head.contains("authorization"), "{}", asked.head);
    }
    // A secret that is renewed in its file is used at once; one that is gone is not.
    let provider = world.provider();
    assert!(provider.exchange(&world.back()).await.is_ok());
    std::fs::write(&secret_file, "\n").unwrap();
    let refused = provider.exchange(&world.back()).await.unwrap_err();
    assert_eq!(refused.reason(), "no_secret");
    assert_eq!(world.count("/token"), 1);
    std::fs::write(&secret_file, "new").unwrap();
    assert!(provider.exchange(&world.back()).await.is_ok());
    let heard = world.heard();
    // `portreeve:new`
    assert!(
        heard[0].head.contains("Basic cG9ydHJlZXZlOm5ldw=="),
        "{}",
        heard[0].head
    );
    assert_eq!(CLIENT, "portreeve");
}

#[tokio::test]
async fn when_to_ask_again_is_what_the_provider_says_within_reason() {
    let world = World::new();
    for (said, expected) in [
        (json!(600), NOW + 600),
        (json!(0), NOW + 10),
        (json!(1_000_000_000), NOW + 24 * 3600),
        // Not said: the ID token's own end.
        (json!(null), NOW + 300),
    ] {
        world.script().tokens["expires_in"] = said.clone();
        let signed_in = world.sign_in().await.unwrap();
        assert_eq!(signed_in.good_until, Some(at(expected)), "{said}");
    }
}

fn say(script: &mut crate::world::Script, path: &'static str, raw: &str) {
    script.raw.insert(path, raw.to_owned());
}

/// What is no answer with tokens.
const NO_ANSWERS: &[Lie] = &[
    (
        "no ID token",
        |s| s.tokens["id_token"] = json!(null),
        "no_id_token",
    ),
    (
        "an empty ID token",
        |s| s.tokens["id_token"] = json!(""),
        "bad_token_answer",
    ),
    (
        "an ID token that is a number",
        |s| s.tokens["id_token"] = json!(1),
        "bad_token_answer",
    ),
    (
        "an ID token that is a text",
        |s| s.tokens["id_token"] = json!("alice"),
        "not_a_token",
    ),
    (
        "an ID token in JSON form",
        |s| s.tokens["id_token"] = json!("{}"),
        "not_a_token",
    ),
    (
        "no access token",
        |s| s.tokens["access_token"] = json!(null),
        "bad_token_answer",
    ),
    (
        "an empty access token",
        |s| s.tokens["access_token"] = json!(""),
        "bad_token_answer",
    ),
    (
        "an access token that ends a line",
        |s| s.tokens["access_token"] = json!("a\r\nx: y"),
        "userinfo_bad_access_token",
    ),
    (
        "no type",
        |s| s.tokens["token_type"] = json!(null),
        "bad_token_answer",
    ),
    (
        "a type that needs proof",
        |s| s.tokens["token_type"] = json!("DPoP"),
        "bad_token_answer",
    ),
    (
        "a lifetime in words",
        |s| s.tokens["expires_in"] = json!("600"),
        "bad_token_answer",
    ),
    (
        "a lifetime below zero",
        |s| s.tokens["expires_in"] = json!(-1),
        "bad_token_answer",
    ),
    (
        "a list",
        |s| say(s, "/token", &good("[]")),
        "bad_token_answer",
    ),
    (
        "nothing",
        |s| say(s, "/token", &good("")),
        "bad_token_answer",
    ),
    (
        "two tokens by one name",
        |s| {
            let twice = format!(
                r#"{{"id_token":"a",{}"#,
                s.tokens.to_string().trim_start_matches('{')
            );
            say(s, "/token", &good(&twice));
        },
        "bad_token_answer",
    ),
    (
        "a page",
        |s| say(s, "/token", &good("<html>")),
        "bad_token_answer",
    ),
];

/// What says nothing of her.
const NOBODY: &[Lie] = &[
    (
        "somebody else",
        |s| s.userinfo["sub"] = json!("mallory"),
        "userinfo_other_subject",
    ),
    (
        "nobody",
        |s| s.userinfo["sub"] = json!(null),
        "userinfo_other_subject",
    ),
    (
        "a list",
        |s| s.userinfo["sub"] = json!(["alice"]),
        "userinfo_other_subject",
    ),
    (
        "another case",
        |s| s.userinfo["sub"] = json!("Alice"),
        "userinfo_other_subject",
    ),
    ("no object", |s| s.userinfo = json!([]), "userinfo_not_json"),
    (
        "a token",
        |s| say(s, "/userinfo", &good("e30.e30.e30")),
        "userinfo_not_json",
    ),
    (
        "two subjects",
        |s| say(s, "/userinfo", &good(r#"{"sub":"alice","sub":"alice"}"#)),
        "userinfo_not_json",
    ),
    (
        "not to us",
        |s| say(s, "/userinfo", &answer("401 Unauthorized", "")),
        "userinfo_refused",
    ),
    (
        "forbidden",
        |s| say(s, "/userinfo", &answer("403 Forbidden", "")),
        "userinfo_refused",
    ),
    (
        "gone",
        |s| say(s, "/userinfo", &answer("404 Not Found", "")),
        "userinfo_unwell",
    ),
    (
        "failing",
        |s| say(s, "/userinfo", &answer("500 Oh", "")),
        "userinfo_unwell",
    ),
    (
        "elsewhere",
        |s| say(s, "/userinfo", &answer("302 Found", "")),
        "redirected",
    ),
];
