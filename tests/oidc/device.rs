//! A person lets a program in that has no browser (RFC 8628).

use std::time::Duration;

use portreeve::oidc::DeviceProgress;
use serde_json::Value;
use serde_json::json;

use crate::world::World;
use crate::world::alice;
use crate::world::answer;
use crate::world::good;

#[tokio::test]
async fn a_program_waits_until_the_person_has_let_it_in() {
    let world = World::new();
    offer(&world, |_answer| {});
    let provider = world.provider();
    let shown = provider.device_authorization().await.unwrap();
    assert_eq!(shown.user_code, "WDJB-MJHT");
    assert_eq!(shown.verification_uri, "https://id.example/device");
    assert_eq!(shown.verification_uri_complete, None);
    let times = (shown.interval, shown.expires_in);
    assert_eq!(times, (Duration::from_secs(5), Duration::from_secs(1800)));
    assert!(!format!("{shown:?}").contains("a-device-code"));
    let heard = world.heard();
    assert_eq!(heard[1].body, "scope=openid%20email%20profile");
    assert!(
        heard[1].head.contains("authorization: Basic "),
        "{}",
        heard[1].head
    );

    for (code, progress) in [
        ("authorization_pending", DeviceProgress::Waiting),
        ("slow_down", DeviceProgress::SlowDown),
    ] {
        let no = answer("400 Bad Request", &json!({"error": code}).to_string());
        world.script().raw.insert("/token", no);
        let found = provider.device_poll(&shown.device_code).await.unwrap();
        assert_eq!(found, progress);
    }
    for (code, reason) in [
        ("access_denied", "refused"),
        ("expired_token", "refused"),
        ("temporarily_unavailable", "unwell"),
    ] {
        let no = answer("400 Bad Request", &json!({"error": code}).to_string());
        world.script().raw.insert("/token", no);
        let refused = provider.device_poll(&shown.device_code).await.unwrap_err();
        assert_eq!(refused.reason(), reason, "{code}");
    }
    world.script().raw.remove("/token");
    world
        .script()
        .claims
        .as_object_mut()
        .unwrap()
        .remove("nonce");
    world.heard();
    let progress = provider.device_poll(&shown.device_code).await.unwrap();
    let DeviceProgress::SignedIn(signed_in) = progress else {
        panic!("nobody is let in: {progress:?}");
    };
    assert_eq!(signed_in.person, alice());
    let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code\
                 &device_code=a-device-code";
    assert_eq!(world.heard()[0].body, grant);
}

#[tokio::test]
async fn nobody_is_sent_to_a_place_that_is_none() {
    let world = World::new();
    let cases: &[(&str, Value)] = &[
        ("device_code", json!(null)),
        ("device_code", json!(1)),
        ("user_code", json!("")),
        ("user_code", json!("\u{1b}[2J")),
        ("user_code", json!(null)),
        ("verification_uri", json!(null)),
        ("verification_uri", json!("http://id.example/device")),
        ("verification_uri", json!("javascript:alert(1)")),
        (
            "verification_uri_complete",
            json!("http://id.example/device?a"),
        ),
        ("expires_in", json!(null)),
        ("expires_in", json!("1800")),
        ("interval", json!(-5)),
    ];
    for (member, value) in cases {
        offer(&world, |_answer| {});
        assert!(world.provider().device_authorization().await.is_ok());
        offer(&world, |answer| answer[member] = value.clone());
        let refused = world.provider().device_authorization().await.unwrap_err();
        assert_eq!(refused.reason(), "bad_device_answer", "{member}: {value}");
    }
    world.repent();
    let refused = world.provider().device_authorization().await.unwrap_err();
    assert_eq!(refused.reason(), "no_endpoint");
}

fn offer(world: &World, lie: impl Fn(&mut Value)) {
    let mut said = json!({
        "device_code": "a-device-code", "user_code": "WDJB-MJHT",
        "verification_uri": "https://id.example/device", "expires_in": 1800,
    });
    lie(&mut said);
    let mut script = world.script();
    let endpoint = format!("{}/device", world.issuer);
    script.metadata["device_authorization_endpoint"] = json!(endpoint);
    script.raw.insert("/device", good(&said.to_string()));
}
