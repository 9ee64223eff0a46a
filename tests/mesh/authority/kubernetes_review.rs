//! A cluster whose API server says what a token is worth.

use std::fs;

use serde_json::Value;
use serde_json::json;

use crate::authority::cluster::Key;
use crate::authority::cluster::Token;
use crate::authority::cluster::by_kubernetes;
use crate::authority::kubernetes::PODS;
use crate::authority::kubernetes::WEB;
use crate::authority::kubernetes::refuse;
use crate::authority::petitioner::key;
use crate::authority::site::Says;
use crate::authority::site::Site;
use crate::authority::site::WebCa;
use crate::authority::town::Town;
use crate::authority::town::refused;

#[test]
fn a_pod_is_who_the_api_server_says() {
    let trial = Trial::begin();
    trial.passes();
    let heard = trial.site.next();
    assert!(
        heard
            .head
            .starts_with("POST /apis/authentication.k8s.io/v1/tokenreviews HTTP/1.1\r\n")
    );
    assert!(
        heard
            .head
            .contains("authorization: Bearer of-the-authority")
    );
    let question: Value = serde_json::from_str(&heard.body).unwrap();
    assert_eq!(
        question,
        json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": { "audiences": ["portreeve"], "token": trial.token },
        })
    );
}

#[test]
fn what_the_api_server_does_not_vouch_for_proves_nothing() {
    let trial = Trial::begin();
    let without = |pointer: &str| {
        let mut answer = good();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = answer.pointer_mut(parent).unwrap();
        parent.as_object_mut().unwrap().remove(name).unwrap();
        answer
    };
    let with = |pointer: &str, value: Value| {
        let mut answer = good();
        *answer.pointer_mut(pointer).unwrap() = value;
        answer
    };
    let user = "/status/user/username";
    let pod = "/status/user/extra/authentication.kubernetes.io~1pod-name";
    for (answer, why) in [
        (
            with("/status/authenticated", json!(false)),
            "not_authenticated",
        ),
        (without("/status/authenticated"), "not_authenticated"),
        (
            with("/status/error", json!("the token has expired")),
            "not_authenticated",
        ),
        (
            with("/status/audiences", json!(["vault"])),
            "other_audience",
        ),
        (with("/status/audiences", json!([])), "other_audience"),
        (without("/status/audiences"), "other_audience"),
        (with(user, json!("system:node:node-1")), "not_projected"),
        (
            with(user, json!("system:serviceaccount:shop")),
            "not_projected",
        ),
        (
            with(user, json!("system:serviceaccount:shop:web:x")),
            "not_projected",
        ),
        (with(user, json!("system:serviceaccount::web")), "malformed"),
        (
            with(user, json!("system:serviceaccount:shop:")),
            "malformed",
        ),
        (with(pod, json!(["web-0", "web-1"])), "bad_review"),
        (without("/status/user"), "bad_review"),
        (without("/status"), "bad_review"),
        (with("/kind", json!("SelfSubjectReview")), "bad_review"),
        (
            with("/apiVersion", json!("authentication.k8s.io/v2")),
            "bad_review",
        ),
        (json!("hello"), "bad_review"),
    ] {
        trial.site.answers("201 Created", &answer.to_string());
        refuse(&trial.town, &trial.token, why);
        trial.site.answers("201 Created", &good().to_string());
        trial.passes();
    }
}

#[test]
fn a_token_of_another_cluster_is_not_shown_to_this_one() {
    let trial = Trial::begin();
    let signer = Key::ecdsa();
    let other = Token::new(&signer, "one").with("/iss", "https://west".into());
    refuse(&trial.town, &other.signed(&signer), "other_issuer");
    refuse(&trial.town, "hello", "malformed");
    assert_eq!(trial.site.count(), 0);
    trial.passes();
    assert_eq!(trial.site.count(), 1);
}

#[test]
fn an_api_server_that_is_away_is_no_refusal() {
    let trial = Trial::begin();
    trial.site.answers("500 Internal Server Error", "{}");
    trial.waits();
    trial.site.answers("401 Unauthorized", "{}");
    trial.waits();
    trial.site.says(Says::Silence);
    trial.waits();
    trial.site.says(Says::Endless(" "));
    trial.waits();
    trial.site.shows(WebCa::new().name("127.0.0.1"));
    trial.site.answers("201 Created", &good().to_string());
    trial.site.count();
    trial.waits();
    assert_eq!(trial.site.count(), 0, "who is not believed hears the token");
    trial.site.shows(trial.ca.name("127.0.0.1"));
    trial.passes();
}

/// A town that asks the API server of the cluster `east`.
struct Trial {
    ca: WebCa,
    site: Site,
    token: String,
    town: Town,
}

impl Trial {
    fn begin() -> Self {
        let ca = WebCa::new();
        let site = Site::start(ca.name("127.0.0.1"));
        site.answers("201 Created", &good().to_string());
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ca.pem"), ca.root()).unwrap();
        fs::write(folder.path().join("token"), "of-the-authority\n").unwrap();
        fs::create_dir(folder.path().join("entries")).unwrap();
        fs::write(folder.path().join("entries/pods.yaml"), PODS).unwrap();
        let address = site.address;
        let settings = format!(
            "entries: entries
proofs:
  kubernetes:
    - name: east
      issuer: https://kubernetes.default.svc
      token_review:
        url: https://{address}/apis/authentication.k8s.io/v1/tokenreviews
        ca_file: ca.pem
        token_file: token"
        );
        // Whose key it is, only the API server knows.
        let signer = Key::ecdsa();
        Self {
            ca,
            site,
            token: Token::new(&signer, "one").signed(&signer),
            town: Town::on(folder, &settings),
        }
    }

    fn passes(&self) {
        let shown = by_kubernetes(&self.token);
        let svid = self.town.newcomer().enrol(&key(), shown).unwrap();
        assert_eq!(svid.id().as_str(), WEB);
        assert_eq!(
            self.town.records.next().says(["decision", "selectors"]),
            "permit k8s:cluster:east k8s:node:node-1 k8s:ns:shop k8s:pod:web-0 k8s:sa:web"
        );
    }

    /// What the token is worth is not known: whoever shows it should come again.
    fn waits(&self) {
        let shown = by_kubernetes(&self.token);
        let told = refused(self.town.newcomer().enrol(&key(), shown));
        assert!(
            told.starts_with("Unavailable: nothing was proved: "),
            "{told}"
        );
        for secret in ["of-the-authority", &self.token] {
            assert!(!told.contains(secret), "{told}");
        }
        assert_eq!(
            self.town.records.next().says(["decision", "reason"]),
            "refused kubernetes_review_unavailable"
        );
    }
}

/// What an API server says of the pod `web-0`.
fn good() -> Value {
    json!({
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "metadata": { "creationTimestamp": null },
        "spec": { "audiences": ["portreeve"], "token": "…" },
        "status": {
            "authenticated": true,
            "audiences": ["portreeve"],
            "error": "",
            "user": {
                "username": "system:serviceaccount:shop:web",
                "uid": "1",
                "groups": ["system:serviceaccounts", "system:authenticated"],
                "extra": {
                    "authentication.kubernetes.io/credential-id": ["JTI=1"],
                    "authentication.kubernetes.io/node-name": ["node-1"],
                    "authentication.kubernetes.io/node-uid": ["3"],
                    "authentication.kubernetes.io/pod-name": ["web-0"],
                    "authentication.kubernetes.io/pod-uid": ["2"],
                },
            },
        },
    })
}
