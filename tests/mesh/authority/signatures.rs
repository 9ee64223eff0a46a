//! Tokens whose signatures are not what they say.

use std::fs;

use serde_json::json;

use crate::authority::cluster::Key;
use crate::authority::cluster::Token;
use crate::authority::cluster::by_kubernetes;
use crate::authority::cluster::key_set;
use crate::authority::kubernetes::refuse;
use crate::authority::kubernetes::town;
use crate::authority::petitioner::key;
use crate::authority::town::Town;
use crate::authority::town::refused;

#[test]
fn a_signature_that_is_not_the_clusters_proves_nothing() {
    let (signer, other) = (Key::rsa(), Key::ecdsa());
    let town = town(&[signer.published("one"), other.published("two")]);
    let good = Token::new(&signer, "one");
    let header = |alg: &str, kid: &str| json!({ "alg": alg, "kid": kid });
    let key_file = fs::read(town.path("jwks.json")).unwrap();
    let modulus = signer.published("one")["n"].to_string();
    let mut cases = vec![
        (good.signed(&Key::rsa()), "bad_signature"),
        (good.sealed(|_| Vec::new()), "bad_signature"),
        (
            good.clone()
                .under(header("none", "one"))
                .sealed(|_| Vec::new()),
            "malformed",
        ),
        (
            good.clone().under(header("RS256", "three")).signed(&signer),
            "unknown_key",
        ),
        (
            good.clone()
                .under(json!({ "alg": "RS256" }))
                .signed(&signer),
            "unknown_key",
        ),
        // Another key's algorithm, and another algorithm's key.
        (
            good.clone().under(header("ES256", "one")).signed(&other),
            "bad_algorithm",
        ),
        (
            good.clone().under(header("RS256", "two")).signed(&signer),
            "bad_algorithm",
        ),
        (
            good.clone().under(header("PS256", "one")).signed(&signer),
            "bad_algorithm",
        ),
        ("".to_owned(), "malformed"),
        ("a.b.c".to_owned(), "malformed"),
    ];
    for secret in [key_file.as_slice(), modulus.as_bytes(), b""] {
        let token = good.clone().under(header("HS256", "one"));
        cases.push((token.authenticated(secret), "bad_algorithm"));
    }
    cases.push((crossed(&good, &signer), "bad_signature"));
    let good = good.signed(&signer);
    for (token, why) in cases {
        println!("{token}");
        refuse(&town, &token, why);
    }
    town.newcomer().enrol(&key(), by_kubernetes(&good)).unwrap();
    assert_eq!(town.records.next().text("decision"), "permit");
}

#[test]
fn keys_that_the_cluster_has_replaced_are_believed_no_longer() {
    let (before, after) = (Key::ecdsa(), Key::rsa());
    let town = town(&[before.published("one")]);
    let [old, new] =
        [(&before, "one"), (&after, "two")].map(|(key, kid)| Token::new(key, kid).signed(key));
    town.newcomer().enrol(&key(), by_kubernetes(&old)).unwrap();
    town.records.next();
    refuse(&town, &new, "unknown_key");

    replace(
        &town,
        &key_set(&[before.published("one"), after.published("two")]),
    );
    for token in [&old, &new] {
        town.newcomer().enrol(&key(), by_kubernetes(token)).unwrap();
        town.records.next();
    }
    replace(&town, &key_set(&[after.published("two")]));
    refuse(&town, &old, "unknown_key");
    town.newcomer().enrol(&key(), by_kubernetes(&new)).unwrap();
    town.records.next();

    // A file that holds no keys is no answer at all: whoever asks should ask again.
    replace(&town, "{}");
    let told = refused(town.newcomer().enrol(&key(), by_kubernetes(&new)));
    assert!(
        told.starts_with("Unavailable: nothing was proved: "),
        "{told}"
    );
    assert_eq!(
        town.records.next().text("reason"),
        "kubernetes_keys_unavailable"
    );
    replace(&town, &key_set(&[after.published("two")]));
    town.newcomer().enrol(&key(), by_kubernetes(&new)).unwrap();
}

fn replace(town: &Town, keys: &str) {
    fs::write(town.path("next"), keys).unwrap();
    fs::rename(town.path("next"), town.path("jwks.json")).unwrap();
}

/// What says something else than `good`, under the signature of `good`.
fn crossed(good: &Token, signer: &Key) -> String {
    let other = good
        .clone()
        .with("/kubernetes.io/namespace", "admin".into());
    let (other, good) = (other.signed(signer), good.signed(signer));
    let (said, _) = other.rsplit_once('.').unwrap();
    let (_, signature) = good.rsplit_once('.').unwrap();
    format!("{said}.{signature}")
}
