//! Each parser, with anything: an answer and never a panic; and what is read
//! keeps the rules by which it was to be read.

use std::collections::BTreeMap;
use std::time::Duration;

use portreeve::jwt::Algorithm;
use portreeve::jwt::HeaderRule;
use portreeve::jwt::Jws;
use portreeve::jwt::KeySet;
use portreeve::oidc::DeviceAnswer;
use portreeve::oidc::Expected;
use portreeve::oidc::IdToken;
use portreeve::oidc::Issuer;
use portreeve::oidc::LogoutToken;
use portreeve::oidc::Metadata;
use portreeve::oidc::Nonce;
use portreeve::oidc::Places;
use portreeve::oidc::Reading;
use portreeve::oidc::Refusal;
use portreeve::oidc::Settings;
use portreeve::oidc::TokenAnswer;
use portreeve::oidc::UserinfoError;
use proptest::prelude::*;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::world::NOW;
use crate::world::at;

const ISSUER: &str = "https://id.example";

/// Values that claims have, good and bad.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        "[a-zé\\n@:/.-]{0,12}".prop_map(Value::from),
        Just(json!("portreeve")),
        Just(json!(ISSUER)),
        (NOW - 4000..NOW + 400).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,6}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Claims of which some are right, some wrong, some missing.
fn claims(right: &Value) -> impl Strategy<Value = Map<String, Value>> + use<> {
    let right: BTreeMap<String, Value> = right.as_object().unwrap().clone().into_iter().collect();
    let members: Vec<_> = right
        .into_iter()
        .map(|(name, good)| {
            let choice = prop_oneof![
                12 => Just(Some(good)),
                1 => value().prop_map(Some),
                1 => Just(None),
            ];
            (Just(name), choice)
        })
        .collect();
    members.prop_map(|members| {
        let said = members.into_iter();
        said.filter_map(|(name, value)| Some((name, value?)))
            .collect()
    })
}

fn nonce() -> Nonce {
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        .parse()
        .unwrap()
}

fn id_claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "alice", "aud": "portreeve", "azp": "portreeve", "exp": NOW + 300,
        "iat": NOW, "nbf": NOW, "nonce": nonce().as_str(), "auth_time": NOW, "sid": "s",
    })
}

fn logout_claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "alice", "aud": ["portreeve"], "exp": NOW + 300, "iat": NOW,
        "sid": "s", "jti": "j", "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    })
}

fn settings() -> Settings {
    Settings::new(
        "corp".parse().unwrap(),
        Issuer::parse(ISSUER, Places::Https).unwrap(),
    )
}

fn names_us(claims: &Map<String, Value>) -> bool {
    match &claims["aud"] {
        Value::Array(several) => several.contains(&json!("portreeve")),
        one => *one == json!("portreeve"),
    }
}

proptest! {
    #[test]
    fn an_id_token_that_is_read_is_for_us_and_of_this_login(claims in claims(&id_claims())) {
        let nonce = nonce();
        let expected = Expected {
            access_token: Some("a"),
            client_id: "portreeve",
            code: Some("c"),
            issuer: ISSUER,
            max_age: Some(Duration::from_secs(60)),
            nonce: Some(&nonce),
            now: at(NOW),
        };
        let read = IdToken::read(&claims, Algorithm::Es256, &expected);
        if claims == *id_claims().as_object().unwrap() {
            prop_assert!(read.is_ok(), "{read:?}");
        }
        let Ok(read) = read else { return Ok(()) };
        prop_assert_eq!(&claims["iss"], ISSUER);
        prop_assert_eq!(&claims["nonce"], nonce.as_str());
        prop_assert_eq!(&claims["sub"], read.subject.as_str());
        prop_assert!(names_us(&claims));
        prop_assert!(claims.get("azp").is_none_or(|azp| azp == "portreeve"));
        prop_assert!(read.expires_at + IdToken::LEEWAY > at(NOW));
        prop_assert!(claims["iat"].as_f64().unwrap() <= (at(NOW + 60)).duration_since(at(0)).unwrap().as_secs_f64());
        prop_assert!(claims["auth_time"].as_f64().unwrap() >= at(NOW - 120).duration_since(at(0)).unwrap().as_secs_f64());
        prop_assert_eq!(claims.get("sid").and_then(Value::as_str), read.sid.as_deref());
    }

    #[test]
    fn a_logout_token_that_is_read_names_somebody_and_a_logout(claims in claims(&logout_claims())) {
        let read = LogoutToken::read(&claims, ISSUER, "portreeve", at(NOW));
        if claims == *logout_claims().as_object().unwrap() {
            prop_assert!(read.is_ok(), "{read:?}");
        }
        let Ok(read) = read else { return Ok(()) };
        prop_assert_eq!(&claims["iss"], ISSUER);
        prop_assert!(names_us(&claims));
        prop_assert!(read.sid.is_some() || read.subject.is_some());
        prop_assert!(!read.jti.is_empty() && read.until >= at(NOW));
        prop_assert!(read.until <= at(NOW + 60) + LogoutToken::OLDEST + IdToken::LEEWAY);
        prop_assert!(!claims.contains_key("nonce"));
        prop_assert!(claims["events"].is_object());
    }

    #[test]
    fn a_person_has_no_more_groups_than_were_told(
        token in prop::option::of(prop::collection::btree_map("groups|roles|email|name|amr|acr|auth_time|_claim_names", value(), 0..8)),
        userinfo in prop::option::of(prop::collection::btree_map("groups|roles|email|name|email_verified", value(), 0..5)),
    ) {
        let object = |members: BTreeMap<String, Value>| members.into_iter().collect::<Map<_, _>>();
        let (token, userinfo) = (token.map(object), userinfo.map(object));
        let reading = Reading { token: token.as_ref(), userinfo: userinfo.as_ref() };
        let Ok(person) = reading.person("alice".parse().unwrap(), &settings()) else {
            return Ok(());
        };
        let told = token.as_ref().and_then(|claims| claims.get("groups"));
        let told = told.or_else(|| userinfo.as_ref()?.get("groups"));
        for group in &person.groups {
            let group = json!(group);
            let is_told = told.is_some_and(|told| *told == group || told.as_array().is_some_and(|all| all.contains(&group)));
            prop_assert!(is_told, "{group}");
        }
        prop_assert!(person.email.is_none_or(|email| email.matches('@').count() == 1));
    }

    #[test]
    fn metadata_that_is_read_is_of_the_issuer_and_names_https_only(
        members in prop::collection::btree_map(
            "issuer|jwks_uri|token_endpoint|userinfo_endpoint|authorization_endpoint|end_session_endpoint",
            prop_oneof![
                Just(json!(ISSUER)),
                "(https|http|ftp|javascript)://(id.example|127.0.0.1|a@b|[::1])(:[0-9]{1,5})?/[a-z?#]{0,6}".prop_map(Value::from),
                value(),
            ],
            0..7,
        ),
    ) {
        let text = json!(members).to_string();
        let Ok(read) = Metadata::parse(text.as_bytes(), &Issuer::parse(ISSUER, Places::Https).unwrap()) else {
            return Ok(());
        };
        prop_assert_eq!(&members["issuer"], ISSUER);
        let places = [
            read.authorization_endpoint, read.end_session_endpoint, Some(read.jwks_uri),
            read.token_endpoint, read.userinfo_endpoint,
        ];
        for place in places.into_iter().flatten() {
            prop_assert!(place.to_string().starts_with("https://"), "{place}");
        }
    }

    #[test]
    fn any_bytes_are_an_answer_or_not(bytes in prop::collection::vec(any::<u8>(), 0..64), status in 100_u16..600) {
        let issuer = Issuer::parse(ISSUER, Places::Https).unwrap();
        prop_assert!(Metadata::parse(&bytes, &issuer).is_err());
        prop_assert!(KeySet::parse(&bytes).is_err());
        prop_assert!(TokenAnswer::parse(&bytes).is_err());
        prop_assert!(DeviceAnswer::parse(&bytes, &issuer).is_err());
        prop_assert!(UserinfoError::read(status, &bytes, &"alice".parse().unwrap()).is_err());
        prop_assert_eq!(Refusal::read(status, &bytes).status, Some(status));
        prop_assert!(Refusal::read(status, &bytes).code.len() <= Refusal::MAX_BYTES);
    }

    #[test]
    fn a_token_answer_that_is_read_has_a_bearer_token(
        members in prop::collection::btree_map(
            "access_token|token_type|id_token|refresh_token|expires_in",
            prop_oneof![Just(json!("Bearer")), Just(json!("token")), value()],
            0..6,
        ),
    ) {
        let Ok(read) = TokenAnswer::parse(json!(members).to_string().as_bytes()) else {
            return Ok(());
        };
        prop_assert_eq!(&members["access_token"], read.access_token.as_str());
        prop_assert!(members["token_type"].as_str().unwrap().eq_ignore_ascii_case("bearer"));
        let told = members.get("refresh_token").and_then(Value::as_str);
        prop_assert_eq!(told, read.refresh_token.as_ref().map(|token| token.as_str()));
    }

    #[test]
    fn a_set_of_keys_signs_nothing_by_itself(keys in prop::collection::vec(value(), 0..6), text in "[A-Za-z0-9_-]{0,24}(\\.[A-Za-z0-9_-]{0,24}){0,4}") {
        let set = KeySet::parse(json!({"keys": keys}).to_string().as_bytes());
        prop_assert!(set.is_err(), "no value here is a key");
        prop_assert!(Jws::read(&text, 1024, HeaderRule::Harmless).is_err());
    }
}
