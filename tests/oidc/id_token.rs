//! What an ID token says, one claim at a time (OpenID Connect Core 3.1.3.7).

use std::time::Duration;

use portreeve::oidc::SignedIn;
use portreeve::oidc::Verifier;
use serde_json::Value;
use serde_json::json;
use zeroize::Zeroizing;

use crate::keys::encoded;
use crate::world::ACCESS_TOKEN;
use crate::world::CLIENT;
use crate::world::NOW;
use crate::world::World;
use crate::world::alice;
use crate::world::at;

#[tokio::test]
async fn whom_the_provider_names_is_signed_in_and_nobody_else() {
    let world = World::new();
    let signed_in = world.sign_in().await.unwrap();
    let expected = SignedIn {
        good_until: Some(at(NOW + 600)),
        id_token: signed_in.id_token.clone(),
        person: alice(),
        refresh_token: Some(Zeroizing::new("a-refresh-token".to_owned())),
        sid: Some("session-1".to_owned()),
    };
    assert_eq!(signed_in, expected);
    assert_eq!(signed_in.id_token.as_ref().unwrap().split('.').count(), 3);
    let shown = format!("{signed_in:?} {:?}", world.back());
    assert!(
        !shown.contains("a-refresh-token") && !shown.contains("a-code"),
        "{shown}"
    );

    let heard = world.heard();
    let paths: Vec<&str> = heard.iter().map(|heard| heard.path.as_str()).collect();
    let discovery = "/.well-known/openid-configuration";
    assert_eq!(paths, [discovery, "/token", "/jwks", "/userinfo"]);
    // `portreeve:s3cret%3A%20%25`, in base64.
    let basic = "authorization: Basic cG9ydHJlZXZlOnMzY3JldCUzQSUyMCUyNQ==";
    assert!(heard[1].head.contains(basic), "{}", heard[1].head);
    let verifier = world.verifier.as_str();
    let posted = format!(
        "grant_type=authorization_code&code=a-code&redirect_uri=\
         https%3A%2F%2Fapp.example%2F.portreeve%2Fcallback%2Fcorp&code_verifier={verifier}"
    );
    assert_eq!(heard[1].body, posted);
    let bearer = format!("authorization: Bearer {ACCESS_TOKEN}");
    assert!(heard[3].head.contains(&bearer), "{}", heard[3].head);
    assert!(heard[3].head.starts_with("GET "), "{}", heard[3].head);
}

#[tokio::test]
async fn one_claim_that_is_not_right_is_enough() {
    let world = World::new();
    for (claim, value, reason) in wrong_claims(&world) {
        let name = format!("{claim}: {value}");
        let lie = |script: &mut crate::world::Script| {
            let claims = script.claims.as_object_mut().unwrap();
            claims.remove(claim);
            if !value.is_null() {
                claims.insert(claim.to_owned(), value.clone());
            }
        };
        world.refuses_one(&name, lie, reason).await;
    }
}

#[tokio::test]
async fn what_is_unusual_and_right_is_believed() {
    let world = World::new();
    let half = |text: &str| {
        use aws_lc_rs::digest;
        let digest = digest::digest(&digest::SHA256, text.as_bytes());
        encoded(&digest.as_ref()[..16])
    };
    let cases = [
        json!({"aud": [CLIENT]}),
        json!({"aud": [CLIENT, CLIENT]}),
        json!({"aud": [CLIENT, "other"], "azp": CLIENT}),
        json!({"azp": CLIENT}),
        json!({"exp": NOW - 59}),
        json!({"exp": f64::from(u32::try_from(NOW).unwrap()) + 0.5}),
        json!({"nbf": NOW + 60, "iat": NOW + 60}),
        json!({"iat": 0}),
        json!({"at_hash": half(ACCESS_TOKEN), "c_hash": half("a-code")}),
        json!({"unknown": {"a": [1, null]}}),
    ];
    for claims in cases {
        for (claim, value) in claims.as_object().unwrap() {
            world.script().claims[claim] = value.clone();
        }
        let signed_in = world.sign_in().await;
        assert_eq!(signed_in.unwrap().person, alice(), "{claims}");
        world.repent();
    }
}

#[tokio::test]
async fn a_sign_in_that_must_be_recent_is() {
    let world = World::new();
    let minute = Some(Duration::from_secs(60));
    let sign_in = async |max_age| {
        let mut back = world.back();
        back.max_age = max_age;
        let outcome = world.provider().exchange(&back).await;
        outcome
            .map(|signed_in| signed_in.person)
            .map_err(|error| error.reason())
    };
    assert_eq!(sign_in(minute).await, Ok(alice()));
    for (proved, reason) in [
        (json!(NOW - 121), "authentication_too_old"),
        (json!(0), "authentication_too_old"),
        (Value::Null, "malformed"),
    ] {
        world.script().claims["auth_time"] = proved.clone();
        assert_eq!(sign_in(minute).await, Err(reason), "{proved}");
        world.repent();
    }
    world
        .script()
        .claims
        .as_object_mut()
        .unwrap()
        .remove("auth_time");
    assert_eq!(sign_in(minute).await, Err("authentication_too_old"));
    assert_eq!(sign_in(None).await.unwrap().authenticated_at, None);
    // Whoever writes a fraction may.
    world.repent();
    world.script().claims["auth_time"] = json!(1_893_455_999.25);
    assert!(sign_in(minute).await.is_ok());
}

#[tokio::test]
async fn the_clock_in_use_says_what_time_it_is() {
    let world = World::new();
    assert!(world.sign_in().await.is_ok());
    for (clock, reason) in [(NOW + 360, "expired"), (NOW - 61, "from_the_future")] {
        world.clock.set(clock);
        assert_eq!(
            world.sign_in().await.unwrap_err().reason(),
            reason,
            "{clock}"
        );
    }
    for clock in [NOW + 359, NOW - 60, NOW] {
        world.clock.set(clock);
        assert!(world.sign_in().await.is_ok(), "{clock}");
    }
}

#[tokio::test]
async fn whoever_comes_back_says_from_where() {
    let world = World::new();
    let provider = world.provider();
    let slashed = format!("{}/", world.issuer);
    for iss in [None, Some(""), Some("https://evil.example"), Some(&slashed)] {
        assert!(provider.exchange(&world.back()).await.is_ok());
        let mut back = world.back();
        back.iss = iss;
        world.heard();
        let refused = provider.exchange(&back).await.unwrap_err();
        assert_eq!(refused.reason(), "bad_issuer_parameter", "{iss:?}");
        let refused = provider.check_return(iss).await.unwrap_err();
        assert_eq!(refused.reason(), "bad_issuer_parameter", "{iss:?}");
        assert_eq!(
            world.count("/token"),
            0,
            "a code went to the wrong provider"
        );
    }
    assert!(provider.check_return(Some(&world.issuer)).await.is_ok());
    // A provider that never says so may leave it out, and may not say it wrongly.
    world.script().metadata["authorization_response_iss_parameter_supported"] = json!(false);
    let provider = world.provider();
    assert!(provider.check_return(None).await.is_ok());
    assert!(provider.check_return(Some(&slashed)).await.is_err());
}

#[tokio::test]
async fn a_person_is_sent_away_with_what_ties_the_answer_to_us() {
    let world = World::new();
    let verifier: Verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
        .parse()
        .unwrap();
    let mut departure = portreeve::oidc::Departure {
        max_age: None,
        nonce: &world.nonce,
        prompt: None,
        redirect_uri: "https://app.example/.portreeve/callback/corp",
        state: "a&state=b",
        verifier: &verifier,
    };
    let provider = world.provider();
    let url = provider.authorization_url(&departure).await.unwrap();
    let expected = format!(
        "{}/authorize?tenant=1&response_type=code&client_id=portreeve&redirect_uri=\
         https%3A%2F%2Fapp.example%2F.portreeve%2Fcallback%2Fcorp&scope=openid%20email%20profile\
         &state=a%26state%3Db&nonce={}&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
         &code_challenge_method=S256",
        world.issuer,
        world.nonce.as_str()
    );
    assert_eq!(url, expected);
    departure.max_age = Some(Duration::from_secs(300));
    departure.prompt = Some(portreeve::oidc::Prompt::Login);
    let url = provider.authorization_url(&departure).await.unwrap();
    assert_eq!(url, format!("{expected}&max_age=300&prompt=login"));
}

/// A claim, what it says, and the word for that; null: it is not there.
fn wrong_claims(world: &World) -> Vec<(&'static str, Value, &'static str)> {
    let names = wrong_names(&world.issuer);
    let others = others_wrong(world.nonce.as_str());
    names.into_iter().chain(others).collect()
}

fn wrong_names(issuer: &str) -> Vec<(&'static str, Value, &'static str)> {
    let gone = Value::Null;
    vec![
        ("iss", json!("https://evil.example"), "other_issuer"),
        ("iss", json!(format!("{issuer}/")), "other_issuer"),
        ("iss", json!(issuer.to_uppercase()), "other_issuer"),
        ("iss", json!(""), "other_issuer"),
        ("iss", json!([issuer]), "malformed"),
        ("iss", gone.clone(), "malformed"),
        ("sub", gone.clone(), "malformed"),
        ("sub", json!(""), "malformed"),
        ("sub", json!(1), "malformed"),
        ("sub", json!("ali\nce"), "malformed"),
        ("sub", json!("al\u{ed}ce"), "malformed"),
        ("sub", json!("a".repeat(256)), "malformed"),
        ("sub", json!(["alice"]), "malformed"),
        ("aud", gone, "malformed"),
        ("aud", json!("other"), "not_for_us"),
        ("aud", json!("Portreeve"), "not_for_us"),
        ("aud", json!("portreeve "), "not_for_us"),
        ("aud", json!("portreeve2"), "not_for_us"),
        ("aud", json!([]), "malformed"),
        ("aud", json!(["other"]), "not_for_us"),
        ("aud", json!([CLIENT, 1]), "malformed"),
        ("aud", json!({"portreeve": true}), "malformed"),
        ("aud", json!([[CLIENT]]), "malformed"),
        ("aud", json!([CLIENT, "other"]), "other_client"),
        ("aud", json!(["other", CLIENT]), "other_client"),
        ("azp", json!("other"), "other_client"),
        ("azp", json!(""), "other_client"),
        ("azp", json!([CLIENT]), "malformed"),
    ]
}

fn others_wrong(nonce: &str) -> Vec<(&'static str, Value, &'static str)> {
    let gone = Value::Null;
    vec![
        ("exp", gone.clone(), "malformed"),
        ("exp", json!((NOW + 300).to_string()), "malformed"),
        ("exp", json!(NOW - 60), "expired"),
        ("exp", json!(0), "expired"),
        ("exp", json!(-1), "malformed"),
        ("exp", json!(1e300), "malformed"),
        ("exp", json!(true), "malformed"),
        ("exp", json!([NOW + 300]), "malformed"),
        ("nbf", json!(NOW + 61), "not_yet"),
        ("nbf", json!("0"), "malformed"),
        ("iat", gone.clone(), "malformed"),
        ("iat", json!(NOW + 61), "from_the_future"),
        ("iat", json!("0"), "malformed"),
        ("nonce", gone, "other_login"),
        ("nonce", json!(""), "other_login"),
        ("nonce", json!("A".repeat(43)), "other_login"),
        ("nonce", json!([nonce]), "other_login"),
        ("auth_time", json!(NOW + 61), "from_the_future"),
        ("auth_time", json!("now"), "malformed"),
        (
            "at_hash",
            json!("AAAAAAAAAAAAAAAAAAAAAA"),
            "bad_access_token_hash",
        ),
        ("at_hash", json!(""), "bad_access_token_hash"),
        ("at_hash", json!(7), "bad_access_token_hash"),
        ("c_hash", json!("AAAAAAAAAAAAAAAAAAAAAA"), "bad_code_hash"),
        ("c_hash", json!([]), "bad_code_hash"),
        ("sid", json!(""), "malformed"),
        ("sid", json!(1), "malformed"),
        ("sid", json!("a\u{0}"), "malformed"),
    ]
}
