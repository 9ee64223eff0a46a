//! Pods that come with the token that Kubernetes has given them.

use std::fs;

use serde_json::Value;
use serde_json::json;

use crate::application::Application;
use crate::authority::cluster::Key;
use crate::authority::cluster::NOON;
use crate::authority::cluster::Token;
use crate::authority::cluster::by_kubernetes;
use crate::authority::cluster::key_set;
use crate::authority::petitioner::key;
use crate::authority::town::Town;
use crate::authority::town::refused;
use crate::caller::Caller;
use crate::trial::served;

/// A town that believes the cluster `east`, whose keys are `keys`.
pub(crate) fn town(keys: &[Value]) -> Town {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("jwks.json"), key_set(keys)).unwrap();
    fs::create_dir(folder.path().join("entries")).unwrap();
    fs::write(folder.path().join("entries/pods.yaml"), PODS).unwrap();
    Town::on(folder, SETTINGS)
}

#[test]
fn a_pod_is_named_by_its_namespace_and_service_account() {
    let signers = [Key::rsa(), Key::ecdsa()];
    let town = town(&[signers[0].published("one"), signers[1].published("two")]);
    for (signer, kid) in signers.iter().zip(["one", "two"]) {
        let token = Token::new(signer, kid).signed(signer);
        let svid = town.newcomer().enrol(&key(), by_kubernetes(&token));
        assert_eq!(svid.unwrap().id().as_str(), WEB, "{kid}");
        let record = town.records.next();
        assert_eq!(
            record.says(["decision", "proof", "selectors", "entry", "spiffe_id"]),
            format!(
                "permit kubernetes k8s:cluster:east k8s:node:node-1 k8s:ns:shop k8s:pod:web-0 k8s:sa:web pods {WEB}"
            )
        );
        // Its hour, as its entry has it.
        assert_eq!(record.text("not_after"), "2030-01-01T00:30:00Z");
    }
}

#[test]
fn sidecars_of_pods_join_and_a_request_passes_between_them() {
    let signer = Key::ecdsa();
    let town = town(&[signer.published("one")]);
    let application = Application::start();
    let prove = |name: &str| {
        let token = Token::new(&signer, "one")
            .with("/kubernetes.io/namespace", "mesh".into())
            .with("/kubernetes.io/serviceaccount/name", name.into());
        fs::write(town.path(&format!("{name}.token")), token.signed(&signer)).unwrap();
        format!("kubernetes_token_file: {name}.token")
    };
    let orders = town.orders(application.address(), &prove("orders"));
    let web = town.web(orders.inbound(), &prove("web"));
    let mut caller = Caller::plain(web.outbound());
    caller.send("GET /a HTTP/1.1\r\nhost: orders\r\n\r\n");
    served(&mut application.call());
    assert_eq!(caller.answer().text(), "ok");
}

#[test]
fn a_token_that_is_not_a_pods_for_us_and_now_proves_nothing() {
    let signer = Key::rsa();
    let town = town(&[signer.published("one")]);
    let good = Token::new(&signer, "one");
    let cases = [
        (
            good.clone().with("/aud", json!(["vault"])),
            "other_audience",
        ),
        (good.clone().with("/aud", json!([])), "other_audience"),
        (
            good.clone().with("/iss", "https://west".into()),
            "other_issuer",
        ),
        (good.clone().with("/exp", (NOON - 31).into()), "expired"),
        (good.clone().with("/exp", 0.into()), "expired"),
        (
            good.clone().with("/nbf", (NOON + 31).into()),
            "not_yet_valid",
        ),
        (
            good.clone().without("nbf").with("/iat", (NOON + 31).into()),
            "not_yet_valid",
        ),
        (good.clone().without("kubernetes.io"), "not_projected"),
        (good.clone().without("aud"), "malformed"),
        (good.clone().without("iss"), "malformed"),
        (good.clone().without("exp"), "malformed"),
        (good.clone().with("/exp", "tomorrow".into()), "malformed"),
        (good.clone().with("/exp", json!(-1)), "malformed"),
        (
            good.clone().with("/kubernetes.io/namespace", json!(null)),
            "malformed",
        ),
        (
            good.clone().with("/kubernetes.io/namespace", "".into()),
            "malformed",
        ),
        (
            good.clone().with("/kubernetes.io/namespace", "a\nb".into()),
            "malformed",
        ),
    ];
    for (token, why) in cases {
        refuse(&town, &token.signed(&signer), why);
        // Its twin, of which no more than that differs.
        let twin = by_kubernetes(&good.signed(&signer));
        town.newcomer().enrol(&key(), twin).unwrap();
        assert_eq!(town.records.next().text("decision"), "permit");
    }
}

#[test]
fn a_namespace_cannot_leave_its_place_in_the_name() {
    let signer = Key::ecdsa();
    let town = town(&[signer.published("one")]);
    for namespace in ["shop/sa/admin", "..", ".", "sh%6Fp", "shop?", "sh op"] {
        let token = Token::new(&signer, "one")
            .with("/kubernetes.io/namespace", namespace.into())
            .signed(&signer);
        let told = refused(town.newcomer().enrol(&key(), by_kubernetes(&token)));
        assert!(
            told.starts_with("PermissionDenied: no entry names "),
            "{told}"
        );
        assert_eq!(
            town.records
                .next()
                .says(["decision", "reason", "spiffe_id"]),
            "deny no_entry ",
            "{namespace}"
        );
    }
    let token = Token::new(&signer, "one").signed(&signer);
    town.newcomer()
        .enrol(&key(), by_kubernetes(&token))
        .unwrap();
}

pub(crate) fn refuse(town: &Town, token: &str, why: &str) {
    let told = refused(town.newcomer().enrol(&key(), by_kubernetes(token)));
    assert!(
        told.starts_with("Unauthenticated: nothing was proved: the Kubernetes token is refused: "),
        "{why}: {told}"
    );
    assert!(
        token.is_empty() || !told.contains(token),
        "the token is told: {told}"
    );
    assert_eq!(
        town.records
            .next()
            .says(["decision", "reason", "proof", "selectors"]),
        format!("deny kubernetes_token_{why} kubernetes "),
        "{told}"
    );
}

pub(crate) const WEB: &str = "spiffe://mesh.example/ns/shop/sa/web";

const SETTINGS: &str = "entries: entries
proofs: { kubernetes: [{ name: east, issuer: \"https://kubernetes.default.svc\", jwks_file: jwks.json }] }";

pub(crate) const PODS: &str = r#"
entries:
  - name: pods
    selectors: ["k8s:cluster:east", "k8s:ns:shop"]
    spiffe_id: spiffe://mesh.example/ns/{k8s:ns}/sa/{k8s:sa}
    svid_ttl_s: 1800
  - name: any-pod
    selectors: ["k8s:cluster:east"]
    spiffe_id: spiffe://mesh.example/ns/{k8s:ns}/sa/{k8s:sa}
  - name: mesh
    selectors: ["k8s:cluster:east", "k8s:ns:mesh"]
    spiffe_id: spiffe://mesh.example/{k8s:sa}
"#;
