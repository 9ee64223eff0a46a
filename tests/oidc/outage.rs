//! A provider that is away, that changes its keys, and that many ask at once.

use std::time::Duration;

use serde_json::json;

use crate::keys::Signer;
use crate::world::World;
use crate::world::alice;
use crate::world::answer;

/// The library's own limits, told by the clock that tests move.
const KEYS_OLD_AFTER: Duration = Duration::from_secs(301);
const METADATA_OLD_AFTER: Duration = Duration::from_secs(3601);
const SEARCH_AGAIN_AFTER: Duration = Duration::from_secs(31);
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(6);
const KEPT_FOR: Duration = Duration::from_secs(24 * 3600 + 1);

#[tokio::test]
async fn a_new_key_is_looked_for_once_however_many_names_are_shown() {
    let world = World::new();
    let provider = world.provider();
    assert!(provider.exchange(&world.back()).await.is_ok());
    world.heard();
    // The provider has a new key, which signs from now on.
    world.script().published = json!({"keys": [world.keys().other("new")]});
    world.script().header = json!({"alg": "ES256", "kid": "new"});
    world.script().signer = Signer::Other;
    assert_eq!(
        provider.exchange(&world.back()).await.unwrap().person,
        alice()
    );
    assert_eq!(world.count("/jwks"), 1);
    // The old one is believed no more, and names that nobody has are not asked for.
    for n in 0..20 {
        world.script().header["kid"] = json!(format!("name-{n}"));
        let refused = provider.exchange(&world.back()).await.unwrap_err();
        assert_eq!(refused.reason(), "unknown_key");
    }
    assert_eq!(world.count("/jwks"), 0);
    pass(SEARCH_AGAIN_AFTER).await;
    let refused = provider.exchange(&world.back()).await.unwrap_err();
    assert_eq!(refused.reason(), "unknown_key");
    assert_eq!(world.count("/jwks"), 1);
}

#[tokio::test]
async fn a_key_that_was_taken_back_is_believed_no_longer_than_it_is_fresh() {
    let world = World::new();
    let provider = world.provider();
    assert!(provider.exchange(&world.back()).await.is_ok());
    world.script().published = json!({"keys": [world.keys().other("new")]});
    assert!(provider.exchange(&world.back()).await.is_ok());
    pass(KEYS_OLD_AFTER).await;
    let refused = provider.exchange(&world.back()).await.unwrap_err();
    assert_eq!(refused.reason(), "unknown_key");
}

#[tokio::test]
async fn the_last_good_keys_outlive_an_outage_of_a_day_and_no_more() {
    let world = World::new();
    let provider = world.provider();
    assert!(provider.exchange(&world.back()).await.is_ok());
    for path in ["/jwks", "/.well-known/openid-configuration"] {
        world.script().raw.insert(path, answer("503 Oh", ""));
    }
    pass(METADATA_OLD_AFTER).await;
    assert_eq!(
        provider.exchange(&world.back()).await.unwrap().person,
        alice()
    );
    world.heard();
    // It is not asked again for each of those who come.
    for _ in 0..5 {
        assert!(provider.exchange(&world.back()).await.is_ok());
    }
    assert_eq!(world.count("/.well-known/openid-configuration"), 0);
    pass(KEPT_FOR).await;
    let refused = provider.exchange(&world.back()).await.unwrap_err();
    assert_eq!(refused.reason(), "bad_status");
    assert!(refused.may_pass());
    // And it is well as soon as it answers.
    world.repent();
    pass(ASK_AGAIN_AFTER).await;
    assert!(provider.exchange(&world.back()).await.is_ok());
}

#[tokio::test]
async fn keys_that_are_empty_do_not_replace_those_that_are_good() {
    let world = World::new();
    let provider = world.provider();
    assert!(provider.exchange(&world.back()).await.is_ok());
    world.script().published = json!({"keys": []});
    pass(KEYS_OLD_AFTER).await;
    assert_eq!(
        provider.exchange(&world.back()).await.unwrap().person,
        alice()
    );
}

#[tokio::test]
async fn many_who_come_at_once_ask_once() {
    let world = World::new();
    let provider = world.provider();
    let back = world.back();
    let all = (0..16).map(|_| provider.exchange(&back));
    for outcome in futures_util::future::join_all(all).await {
        assert_eq!(outcome.unwrap().person, alice());
    }
    let heard = world.heard();
    let count = |path: &str| heard.iter().filter(|heard| heard.path == path).count();
    assert_eq!(count("/.well-known/openid-configuration"), 1);
    assert_eq!(count("/jwks"), 1);
    assert_eq!(count("/token"), 16);
}

#[tokio::test]
async fn what_is_from_another_issuer_costs_the_provider_nothing() {
    let world = World::new();
    let provider = world.provider();
    let token = world.token(
        None,
        &json!({"iss": "https://evil.example", "aud": "https://api.example"}),
    );
    let refused = provider.bearer(&token).await.unwrap_err();
    assert_eq!(refused.reason(), "other_issuer");
    assert!(world.heard().is_empty());
}

/// So much time passes, for us.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}
