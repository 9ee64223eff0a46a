//! The provider tells of a logout, and is told of one.

use portreeve::oidc::FrontChannelFault;
use portreeve::oidc::LogoutToken;
use serde_json::Value;
use serde_json::json;

use crate::keys::Signer;
use crate::world::CLIENT;
use crate::world::NOW;
use crate::world::World;
use crate::world::at;

#[tokio::test]
async fn a_provider_tells_who_signed_out_there() {
    let world = World::new();
    let provider = world.provider();
    for typ in [
        Some("logout+jwt"),
        Some("Logout+JWT"),
        Some("application/logout+jwt"),
        Some("JWT"),
        None,
    ] {
        let told = provider
            .logout_token(&world.token(typ, &claims(&world)))
            .await
            .unwrap();
        let expected = LogoutToken {
            jti: "once".to_owned(),
            sid: Some("session-1".to_owned()),
            subject: Some("alice".parse().unwrap()),
            until: at(NOW - 10 + 3600 + 60),
        };
        assert_eq!(told, expected, "{typ:?}");
    }
    for (gone, sid, subject) in [("sid", false, true), ("sub", true, false)] {
        let mut claims = claims(&world);
        claims.as_object_mut().unwrap().remove(gone);
        let told = provider
            .logout_token(&world.token(None, &claims))
            .await
            .unwrap();
        assert_eq!((told.sid.is_some(), told.subject.is_some()), (sid, subject));
    }
    let mut several = claims(&world);
    several["aud"] = json!([CLIENT, "other"]);
    several["iat"] = json!(NOW - 3659);
    assert!(
        provider
            .logout_token(&world.token(None, &several))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn one_claim_that_is_not_right_ends_no_session() {
    let world = World::new();
    let provider = world.provider();
    for (claim, value, reason) in wrong_claims(world.nonce.as_str()) {
        let told = provider
            .logout_token(&world.token(None, &claims(&world)))
            .await;
        assert!(told.is_ok(), "the twin of: {claim}: {value}");
        let mut claims = claims(&world);
        let members = claims.as_object_mut().unwrap();
        members.remove(claim);
        if !value.is_null() {
            members.insert(claim.to_owned(), value.clone());
        }
        let refused = provider
            .logout_token(&world.token(None, &claims))
            .await
            .unwrap_err();
        assert_eq!(refused.reason(), reason, "{claim}: {value}");
        assert!(!refused.may_pass());
    }
    let mut nobody = claims(&world);
    nobody.as_object_mut().unwrap().remove("sub");
    nobody.as_object_mut().unwrap().remove("sid");
    let refused = provider
        .logout_token(&world.token(None, &nobody))
        .await
        .unwrap_err();
    assert_eq!(refused.reason(), "malformed");
    // A null is not a nonce that is absent.
    let mut null = claims(&world);
    null["nonce"] = Value::Null;
    let refused = provider
        .logout_token(&world.token(None, &null))
        .await
        .unwrap_err();
    assert_eq!(refused.reason(), "member_forbidden");
}

#[tokio::test]
async fn whoever_is_not_the_provider_ends_no_session() {
    let world = World::new();
    let provider = world.provider();
    let claims = claims(&world);
    let own = json!({"alg": "ES256", "kid": "p256", "typ": "logout+jwt"});
    for (member, value, signer, reason) in wrong_signers() {
        let told = provider
            .logout_token(&world.token(Some("logout+jwt"), &claims))
            .await;
        assert!(told.is_ok(), "the twin of: {member}: {value}");
        let mut header = own.clone();
        header[member] = value.clone();
        let header = header.to_string();
        let token = world
            .keys()
            .token(header.as_bytes(), claims.to_string().as_bytes(), &signer);
        let refused = provider.logout_token(&token).await.unwrap_err();
        assert_eq!(refused.reason(), reason, "{member}: {value}");
    }
    for token in ["", "a", "a.b", "a.b.c.d", &"a".repeat(1 << 20)] {
        let refused = provider.logout_token(token).await.unwrap_err();
        let reason = if token.len() > 100 {
            "too_long"
        } else {
            "not_a_token"
        };
        assert_eq!(refused.reason(), reason);
    }
    // An ID token tells of no logout, though it is by the provider and for us.
    let id_token = world.script().claims.clone();
    let refused = provider
        .logout_token(&world.token(None, &id_token))
        .await
        .unwrap_err();
    assert_eq!(refused.reason(), "not_logout");
}

#[tokio::test]
async fn a_browser_that_is_sent_names_the_provider_and_the_session() {
    let world = World::new();
    let provider = world.provider();
    let iss = Some(world.issuer.as_str());
    assert_eq!(
        provider.front_channel(iss, Some("session-1")),
        Ok("session-1")
    );
    use FrontChannelFault::{NoSession, OtherIssuer};
    let slashed = format!("{}/", world.issuer);
    for (iss, sid, fault) in [
        (None, Some("a"), OtherIssuer),
        (Some(""), Some("a"), OtherIssuer),
        (Some(slashed.as_str()), Some("a"), OtherIssuer),
        (Some("https://evil.example"), Some("a"), OtherIssuer),
        (iss, None, NoSession),
        (iss, Some(""), NoSession),
        (iss, Some("a\r\n"), NoSession),
    ] {
        assert_eq!(
            provider.front_channel(iss, sid),
            Err(fault),
            "{iss:?} {sid:?}"
        );
    }
}

#[tokio::test]
async fn a_person_who_signs_out_here_is_sent_to_sign_out_there() {
    let world = World::new();
    let provider = world.provider();
    let back = "https://app.example/.portreeve/signed-out";
    let url = provider
        .end_session_url(Some("a.b.c"), back, Some("s t"))
        .await;
    let expected = format!(
        "{}/end?client_id=portreeve&post_logout_redirect_uri=\
         https%3A%2F%2Fapp.example%2F.portreeve%2Fsigned-out&id_token_hint=a.b.c&state=s%20t",
        world.issuer
    );
    assert_eq!(url.unwrap().as_deref(), Some(expected.as_str()));
    world
        .script()
        .metadata
        .as_object_mut()
        .unwrap()
        .remove("end_session_endpoint");
    let url = world.provider().end_session_url(None, back, None).await;
    assert_eq!(url.unwrap(), None);
}

fn claims(world: &World) -> Value {
    json!({
        "iss": world.issuer, "aud": CLIENT, "sub": "alice", "sid": "session-1", "jti": "once",
        "iat": NOW - 10, "exp": NOW + 110,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    })
}

/// A claim, what it says, and the word for that; null: it is not there.
fn wrong_claims(nonce: &str) -> Vec<(&'static str, Value, &'static str)> {
    let gone = Value::Null;
    let event = "http://schemas.openid.net/event/backchannel-logout";
    vec![
        ("iss", json!("https://evil.example"), "other_issuer"),
        ("iss", gone.clone(), "malformed"),
        ("aud", json!("other"), "not_for_us"),
        ("aud", json!([]), "malformed"),
        ("aud", gone.clone(), "malformed"),
        ("exp", json!(NOW - 60), "expired"),
        ("exp", gone.clone(), "malformed"),
        ("exp", json!("later"), "malformed"),
        ("iat", json!(NOW + 61), "from_the_future"),
        ("iat", json!(NOW - 3661), "too_old"),
        ("iat", gone.clone(), "malformed"),
        ("nbf", json!(NOW + 61), "not_yet"),
        ("jti", gone.clone(), "malformed"),
        ("jti", json!(""), "malformed"),
        ("jti", json!(1), "malformed"),
        ("jti", json!("a".repeat(256)), "malformed"),
        ("events", gone, "not_logout"),
        ("events", json!({}), "not_logout"),
        ("events", json!([event]), "not_logout"),
        ("events", json!(event), "not_logout"),
        ("events", json!({event: true}), "not_logout"),
        ("events", json!({event: []}), "not_logout"),
        (
            "events",
            json!({"http://schemas.openid.net/event/other": {}}),
            "not_logout",
        ),
        ("nonce", json!("a"), "member_forbidden"),
        ("nonce", json!(nonce), "member_forbidden"),
        ("sid", json!(1), "malformed"),
        ("sid", json!(""), "malformed"),
        ("sub", json!(1), "malformed"),
        ("sub", json!(""), "malformed"),
    ]
}

fn wrong_signers() -> Vec<(&'static str, Value, Signer, &'static str)> {
    vec![
        (
            "alg",
            json!("none"),
            Signer::Text(String::new()),
            "algorithm_not_allowed",
        ),
        (
            "alg",
            json!("HS256"),
            Signer::Secret,
            "algorithm_not_allowed",
        ),
        ("kid", json!("p256"), Signer::Other, "bad_signature"),
        ("kid", json!("nobody"), Signer::Own("ES256"), "unknown_key"),
        ("typ", json!("at+jwt"), Signer::Own("ES256"), "other_type"),
        (
            "typ",
            json!("secevent+jwt"),
            Signer::Own("ES256"),
            "other_type",
        ),
        (
            "crit",
            json!(["a"]),
            Signer::Own("ES256"),
            "header_not_allowed",
        ),
    ]
}
