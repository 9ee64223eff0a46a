//! A cluster whose keys are asked of its API server.

use std::fs;

use futures_util::future::join_all;
use portreeve::x509::make_request;

use crate::authority::cluster::Key;
use crate::authority::cluster::Token;
use crate::authority::cluster::by_kubernetes;
use crate::authority::cluster::key_set;
use crate::authority::kubernetes::PODS;
use crate::authority::kubernetes::WEB;
use crate::authority::kubernetes::refuse;
use crate::authority::petitioner::key;
use crate::authority::site::Says;
use crate::authority::site::Site;
use crate::authority::site::WebCa;
use crate::authority::town::Town;
use crate::authority::town::refused;
use crate::authority::town::until;

#[test]
fn keys_are_asked_for_once_and_again_for_one_that_is_missing() {
    let (ca, signers) = (WebCa::new(), [Key::ecdsa(), Key::rsa()]);
    let site = Site::start(ca.name("127.0.0.1"));
    site.answers("200 OK", &key_set(&[signers[0].published("one")]));
    let town = town(&site, &ca);
    assert_eq!(site.count(), 0, "nobody has come yet");
    for _ in 0..3 {
        pass(&town, &Token::new(&signers[0], "one").signed(&signers[0]));
    }
    let heard = site.next();
    assert!(heard.head.starts_with("GET /openid/v1/jwks HTTP/1.1\r\n"));
    assert!(
        heard
            .head
            .contains("authorization: Bearer of-the-authority")
    );
    assert_eq!(site.count(), 0);

    // The cluster signs with another key from now on.
    site.answers("200 OK", &key_set(&[signers[1].published("two")]));
    pass(&town, &Token::new(&signers[1], "two").signed(&signers[1]));
    assert_eq!(site.count(), 1);
    // The old one is not believed any more; nor is it looked for each time.
    for _ in 0..3 {
        refuse(
            &town,
            &Token::new(&signers[0], "one").signed(&signers[0]),
            "unknown_key",
        );
    }
    assert_eq!(site.count(), 0);
    // What fits is not enough: the signature is looked at.
    refuse(
        &town,
        &Token::new(&signers[1], "two").sealed(|_| vec![0; 256]),
        "bad_signature",
    );
    pass(&town, &Token::new(&signers[1], "two").signed(&signers[1]));
}

#[test]
fn many_that_come_at_once_make_us_ask_once() {
    let (ca, signer) = (WebCa::new(), Key::ecdsa());
    let site = Site::start(ca.name("127.0.0.1"));
    site.answers("200 OK", &key_set(&[signer.published("one")]));
    let town = town(&site, &ca);
    let token = Token::new(&signer, "one").signed(&signer);
    let callers: Vec<_> = (0..8).map(|_| town.newcomer()).collect();
    let asked = callers
        .iter()
        .map(|caller| caller.asks(&make_request(&key()).unwrap(), by_kubernetes(&token)));
    for outcome in town.wait(join_all(asked)) {
        outcome.unwrap();
    }
    assert_eq!(site.count(), 1);
}

#[test]
fn a_server_that_is_not_believed_or_does_not_answer_is_an_outage() {
    let (ca, signer) = (WebCa::new(), Key::ecdsa());
    let site = Site::start(WebCa::new().name("127.0.0.1"));
    let keys = key_set(&[signer.published("one")]);
    site.answers("200 OK", &keys);
    let town = town(&site, &ca);
    let token = Token::new(&signer, "one").signed(&signer);
    wait(&town, &token);
    assert_eq!(site.count(), 0, "who is not believed hears of it");
    site.shows(ca.name("127.0.0.1"));
    for (status, json) in [("403 Forbidden", "{}"), ("200 OK", "hello")] {
        site.answers(status, json);
        // It is not asked for each that comes.
        until(|| {
            wait(&town, &token);
            site.count() > 0
        });
    }
    site.answers("200 OK", &keys);
    until(|| {
        let outcome = town.newcomer().enrol(&key(), by_kubernetes(&token));
        town.records.next();
        outcome.is_ok()
    });
    // What is known stays known.
    site.says(Says::Silence);
    pass(&town, &token);
}

/// A town that believes the cluster `east` by the keys at `site`.
fn town(site: &Site, ca: &WebCa) -> Town {
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
    - {{ name: east, issuer: \"https://kubernetes.default.svc\", jwks_url: \"https://{address}/openid/v1/jwks\", ca_file: ca.pem, token_file: token }}"
    );
    Town::on(folder, &settings)
}

fn pass(town: &Town, token: &str) {
    let svid = town.newcomer().enrol(&key(), by_kubernetes(token)).unwrap();
    assert_eq!(svid.id().as_str(), WEB);
    assert_eq!(town.records.next().text("decision"), "permit");
}

/// What the token is worth is not known: whoever shows it should come again.
fn wait(town: &Town, token: &str) {
    let told = refused(town.newcomer().enrol(&key(), by_kubernetes(token)));
    assert!(
        told.starts_with("Unavailable: nothing was proved: "),
        "{told}"
    );
    assert!(!told.contains("of-the-authority"), "{told}");
    assert_eq!(
        town.records.next().says(["decision", "reason"]),
        "refused kubernetes_keys_unavailable"
    );
}
