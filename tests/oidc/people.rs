//! What is said of a person, in the shapes in which it is said.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::error::Error as _;

use portreeve::policy::ClaimType;
use portreeve::policy::ClaimValue;
use portreeve::policy::Person;
use serde_json::Value;
use serde_json::json;

use crate::world::World;
use crate::world::alice;

#[tokio::test]
async fn groups_are_a_list_of_texts_or_one_or_not_there() {
    let world = World::new();
    let cases = [
        (json!(["eng", "ops", "eng"]), vec!["eng", "ops"]),
        (json!("eng"), vec!["eng"]),
        // Not divided: nobody said that a comma divides.
        (json!("eng,ops"), vec!["eng,ops"]),
        (json!([]), vec![]),
        (json!(null), vec![]),
    ];
    for (groups, expected) in cases {
        world.script().userinfo["groups"] = groups.clone();
        let person = world.sign_in().await.unwrap().person;
        assert_eq!(person.groups, texts(&expected), "{groups}");
        assert_eq!(person.subject, alice().subject);
    }
    world
        .script()
        .userinfo
        .as_object_mut()
        .unwrap()
        .remove("groups");
    assert_eq!(world.sign_in().await.unwrap().person.groups, texts(&[]));
}

#[tokio::test]
async fn groups_of_a_shape_that_nobody_knows_sign_nobody_in() {
    let world = World::new();
    let long = "a".repeat(1025);
    let cases = [
        (json!(1), "a number"),
        (json!(true), "true or false"),
        (json!({"eng": true}), "an object"),
        (json!(["eng", 1]), "a list with something else"),
        (json!(["eng", null]), "a list with something else"),
        (json!(["eng", ["ops"]]), "a list with something else"),
        (json!(["eng", {"name": "ops"}]), "a list with objects in it"),
        (json!(["eng", ""]), "a list with a text that is empty"),
        (json!(["eng", "a\nb"]), "a list with a text that is empty"),
        (json!(["eng", long]), "a list with a text that is empty"),
        (json!(""), "a text that is empty"),
    ];
    for name in ["groups", "roles"] {
        for (value, shape) in &cases {
            world.repent();
            assert_eq!(world.sign_in().await.unwrap().person, alice());
            world.script().claims[name] = value.clone();
            let refused = world.sign_in().await.unwrap_err();
            assert_eq!(refused.reason(), "groups_of_unknown_shape", "{value}");
            assert!(!refused.may_pass());
            let why = refused.source().unwrap().to_string();
            assert!(why.starts_with(&format!("`{name}` is {shape}")), "{why}");
        }
    }
}

#[tokio::test]
async fn what_leads_to_groups_and_ends_before_them_signs_nobody_in() {
    let world = World::new();
    let mut settings = world.settings();
    settings.roles_claim = "/realm_access/of/roles".to_owned();
    let sign_in = async || {
        let provider = world.provider_with(settings.clone());
        let outcome = provider.exchange(&world.back()).await;
        outcome
            .map(|signed_in| signed_in.person.roles)
            .map_err(|error| error.reason())
    };
    for nothing in [
        json!(null),
        json!({}),
        json!({"of": {}}),
        json!({"of": null}),
    ] {
        world.script().claims["realm_access"] = nothing.clone();
        assert_eq!(sign_in().await, Ok(BTreeSet::new()), "{nothing}");
    }
    for broken in [json!("admin"), json!({"of": "admin"}), json!({"of": 1})] {
        world.script().claims["realm_access"] = broken.clone();
        assert_eq!(sign_in().await, Err("groups_of_unknown_shape"), "{broken}");
    }
}

#[tokio::test]
async fn groups_that_are_not_all_told_sign_nobody_in() {
    let world = World::new();
    let many = |count: usize| json!((0..count).map(|n| format!("g{n}")).collect::<Vec<_>>());
    world.script().userinfo["groups"] = many(200);
    assert_eq!(world.sign_in().await.unwrap().person.groups.len(), 200);
    for (place, name) in [
        ("userinfo", "groups"),
        ("claims", "groups"),
        ("claims", "roles"),
    ] {
        world.repent();
        match place {
            "userinfo" => world.script().userinfo[name] = many(201),
            _ => world.script().claims[name] = many(201),
        }
        let refused = world.sign_in().await.unwrap_err();
        assert_eq!(refused.reason(), "too_many_groups", "{place} {name}");
    }
    for name in ["groups", "roles"] {
        for place in ["userinfo", "claims"] {
            world.repent();
            let elsewhere = json!({name: "src1"});
            match place {
                "userinfo" => world.script().userinfo["_claim_names"] = elsewhere,
                _ => world.script().claims["_claim_names"] = elsewhere,
            }
            let refused = world.sign_in().await.unwrap_err();
            assert_eq!(refused.reason(), "groups_elsewhere", "{place} {name}");
        }
    }
    // What nobody asks for may be wherever it is.
    world.repent();
    world.script().claims["_claim_names"] = json!({"address": "src1"});
    assert_eq!(world.sign_in().await.unwrap().person, alice());
}

#[tokio::test]
async fn the_id_token_is_believed_before_what_is_beside_it() {
    let world = World::new();
    world.script().claims["groups"] = json!(["ops"]);
    world.script().claims["name"] = json!("Al");
    let person = world.sign_in().await.unwrap().person;
    assert_eq!(person.groups, texts(&["ops"]));
    assert_eq!(person.name.as_deref(), Some("Al"));
    assert_eq!(person.email, alice().email);
}

#[tokio::test]
async fn a_claim_is_found_by_its_name_or_by_its_place() {
    let world = World::new();
    let mut settings = world.settings();
    let sign_in = async |settings| {
        let outcome = world.provider_with(settings).exchange(&world.back()).await;
        outcome
            .map(|signed_in| signed_in.person)
            .map_err(|error| error.reason())
    };
    world.script().claims["realm_access"] = json!({"roles": ["admin"], "a/b": ["c"]});
    world.script().claims["https://corp.example/groups"] = json!(["namespaced"]);
    settings.groups_claim = "https://corp.example/groups".to_owned();
    settings.roles_claim = "/realm_access/roles".to_owned();
    let person = sign_in(settings.clone()).await.unwrap();
    assert_eq!(person.groups, texts(&["namespaced"]));
    assert_eq!(person.roles, texts(&["admin"]));
    settings.roles_claim = "/realm_access/a~1b".to_owned();
    assert_eq!(
        sign_in(settings.clone()).await.unwrap().roles,
        texts(&["c"])
    );
    world.script().claims["a/b"] = json!("d");
    settings.roles_claim = "/a~1b".to_owned();
    assert_eq!(
        sign_in(settings.clone()).await.unwrap().roles,
        texts(&["d"])
    );
    for nowhere in [
        "/realm_access/none",
        "/none/roles",
        "realm_access.roles",
        "/",
    ] {
        settings.roles_claim = nowhere.to_owned();
        let person = sign_in(settings.clone()).await.unwrap();
        assert_eq!(person.roles, BTreeSet::new(), "{nowhere}");
    }
    settings.roles_claim = "/realm_access".to_owned();
    let outcome = sign_in(settings.clone()).await;
    assert_eq!(outcome, Err("groups_of_unknown_shape"));
    settings.roles_claim = "/realm_access/roles".to_owned();
    world.script().claims["_claim_names"] = json!({"realm_access": "src1"});
    assert_eq!(sign_in(settings).await, Err("groups_elsewhere"));
}

#[tokio::test]
async fn an_address_has_one_reading_or_is_none() {
    let world = World::new();
    let long = format!("{}@corp.example", "a".repeat(250));
    let none = [
        json!("a@evil.example@corp.example"),
        json!("@corp.example"),
        json!("alice@"),
        json!("alice"),
        json!("alice @corp.example"),
        json!("alice@corp.example\n"),
        json!("\u{430}lice@corp.example"),
        json!(["alice@corp.example"]),
        json!(null),
        json!(""),
        json!(long),
    ];
    for email in none {
        assert_eq!(world.sign_in().await.unwrap().person.email, alice().email);
        world.script().userinfo["email"] = email.clone();
        assert_eq!(world.sign_in().await.unwrap().person.email, None, "{email}");
        world.repent();
    }
    for (verified, expected) in [
        (json!(true), true),
        (json!(false), false),
        (json!("true"), false),
        (json!(1), false),
        (json!(null), false),
    ] {
        world.script().userinfo["email_verified"] = verified.clone();
        let person = world.sign_in().await.unwrap().person;
        assert_eq!(person.email_verified, expected, "{verified}");
    }
}

#[tokio::test]
async fn a_declared_claim_that_came_in_another_type_did_not_come() {
    let world = World::new();
    let mut settings = world.settings();
    settings.claims = BTreeMap::from([
        ("level".into(), ClaimType::Long),
        ("staff".into(), ClaimType::Bool),
        ("team".into(), ClaimType::Text),
        ("sites".into(), ClaimType::Texts),
    ]);
    let claims = async |said: Value| -> BTreeMap<Box<str>, ClaimValue> {
        for (name, value) in said.as_object().unwrap() {
            world.script().claims[name] = value.clone();
        }
        let provider = world.provider_with(settings.clone());
        let person: Person = provider.exchange(&world.back()).await.unwrap().person;
        world.repent();
        person.claims
    };
    let said = json!({"level": 3, "staff": true, "team": "red", "sites": ["a", "b"], "more": 1});
    let expected = BTreeMap::from([
        ("level".into(), ClaimValue::Long(3)),
        ("staff".into(), ClaimValue::Bool(true)),
        ("team".into(), ClaimValue::Text("red".into())),
        ("sites".into(), ClaimValue::Texts(texts(&["a", "b"]))),
    ]);
    assert_eq!(claims(said).await, expected);
    let one = claims(json!({"sites": "a"})).await;
    assert_eq!(
        one,
        BTreeMap::from([("sites".into(), ClaimValue::Texts(texts(&["a"])))])
    );
    for said in [
        json!({"level": "3", "staff": "true", "team": 7, "sites": [1]}),
        json!({"level": 3.5, "staff": 1, "team": ["red"], "sites": {"a": 1}}),
        json!({"level": 9_223_372_036_854_775_808_u64, "staff": null, "team": "", "sites": null}),
        json!({"level": true, "staff": [], "team": "a\u{0}", "sites": vec!["a"; 201]}),
    ] {
        assert_eq!(claims(said.clone()).await, BTreeMap::new(), "{said}");
    }
}

fn texts(names: &[&str]) -> BTreeSet<Box<str>> {
    names.iter().map(|name| (*name).into()).collect()
}
