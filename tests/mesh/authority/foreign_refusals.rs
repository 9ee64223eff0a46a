//! Bundles that are not believed.

use std::fs;

use portreeve::rpc::authority as rpc;

use crate::authority::foreign::Foreign;
use crate::authority::foreign::document;
use crate::authority::foreign::fetched;
use crate::authority::foreign::settings;
use crate::authority::foreign::told;
use crate::authority::foreign::town;
use crate::authority::site::Says;
use crate::authority::site::Site;
use crate::authority::site::WebCa;
use crate::authority::town::Town;
use crate::authority::town::until;

/// After this long the bundle is asked for again.
const LATER: u64 = 400;

#[test]
fn whoever_is_not_the_endpoint_is_not_believed() {
    let trial = Trial::begin();
    let [impostor, third] = ["other.example", "third.example"].map(Foreign::new);
    for shown in [
        trial.other.svid("web"),
        impostor.svid("bundle"),
        third.svid("bundle"),
        WebCa::new().name("127.0.0.1"),
    ] {
        trial.site.shows(shown);
        // Even if what it would say is true.
        trial.refuses("not_believed");
        trial.site.shows(trial.other.svid("bundle"));
        trial.passes();
    }
    assert_eq!(told(&trial.town), "mesh.example 1+1, other.example 1+0");
}

#[test]
fn an_endpoint_that_we_have_revoked_is_not_believed() {
    let trial = Trial::begin();
    trial.town.pass(LATER);
    trial.passes();
    let shown = "spiffe://other.example/bundle".to_owned();
    let request = rpc::RevokeRequest {
        reason: "stolen".to_owned(),
        what: Some(rpc::revoke_request::What::SpiffeId(shown)),
    };
    let town = &trial.town;
    town.wait(town.operator().revoke(request)).unwrap();
    trial.refuses("not_believed");
}

#[test]
fn what_is_no_bundle_of_the_trust_domain_is_refused() {
    let trial = Trial::begin();
    let third = Foreign::new("third.example");
    let redirect =
        "HTTP/1.1 302 Found\r\nlocation: https://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    let raw = |body: &str| {
        let length = body.len();
        Says::Raw(format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
    };
    for (says, why) in [
        (raw(&third.document(9)), "bad_bundle"),
        (raw(&document(9, &[&trial.other, &third])), "bad_bundle"),
        (raw("hello"), "bad_document"),
        (raw("{}"), "bad_document"),
        (raw(r#"{"keys":[],"keys":[]}"#), "bad_document"),
        (raw(&trial.other.document(4)), "older"),
        (Says::Endless(" "), "too_large"),
        (Says::Raw(redirect.to_owned()), "redirected"),
    ] {
        trial.site.says(says);
        trial.refuses(why);
        trial.site.answers("200 OK", &trial.other.document(5));
        trial.passes();
    }
    assert_eq!(told(&trial.town), "mesh.example 1+1, other.example 1+0");
}

#[test]
fn an_outage_takes_nothing_away_and_is_no_refusal() {
    let mut trial = Trial::begin();
    trial.site.answers("500 Internal Server Error", "");
    trial.town.pass(LATER);
    fetched(&trial.town, "bad_status", 1);
    assert_eq!(told(&trial.town), "mesh.example 1+1, other.example 1+0");
    // Nor does a restart, and what is known is not asked for again.
    trial.site.answers("200 OK", &trial.other.document(5));
    fetched(&trial.town, "unchanged", 1);
    trial.site.count();
    trial.town.stop();
    trial.town.start();
    assert_eq!(told(&trial.town), "mesh.example 1+1, other.example 1+0");
    assert_eq!(trial.site.count(), 0);
}

#[test]
fn another_bundle_to_begin_with_begins_anew() {
    let mut trial = Trial::begin();
    // The other trust domain has lost all that it had.
    let anew = Foreign::new("other.example");
    trial.site.shows(anew.svid("bundle"));
    trial.site.answers("200 OK", &anew.document(1));
    trial.refuses("not_believed");
    fs::write(trial.town.path("other.pem"), anew.document(1)).unwrap();
    let record = trial.town.record_of("bundle_fetched");
    assert_eq!(record.says(["decision", "sequence"]), "permit 1");
    // From here on it is the same as ever.
    trial.site.answers("200 OK", &anew.document(0));
    trial.refuses("older");
    trial.town.stop();
}

#[test]
fn an_endpoint_whose_last_word_was_that_nobody_is_believed_is_believed_no_more() {
    let trial = Trial::begin();
    trial
        .site
        .answers("200 OK", r#"{"keys":[],"spiffe_sequence":6}"#);
    trial.town.pass(LATER);
    let record = trial.town.record_of("bundle_fetched");
    assert_eq!(record.says(["trust_domain", "roots"]), "other.example 0");
    until(|| told(&trial.town) == "mesh.example 1+1, other.example 0+0");
    trial.site.answers("200 OK", &trial.other.document(7));
    trial.refuses("not_believed");
}

#[test]
fn a_server_of_the_web_is_believed_by_its_name_and_root() {
    let ca = WebCa::new();
    let site = Site::start(ca.name("127.0.0.1"));
    let other = Foreign::new("other.example");
    site.answers("200 OK", &other.document(5));
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("web.pem"), ca.root()).unwrap();
    let address = site.address;
    let town = Town::on(
        folder,
        &format!(
            "federation: {{ with: [ {{ trust_domain: other.example, url: \"https://{address}/b?c\", profile: https_web, roots: web.pem }} ] }}"
        ),
    );
    assert!(site.next().head.starts_with("GET /b?c HTTP/1.1\r\n"));
    let record = town.record_of("bundle_fetched");
    assert_eq!(
        record.says(["decision", "trust_domain", "sequence", "roots", "url"]),
        format!("permit other.example 5 1 https://{address}/b")
    );
    let strangers = [
        ca.name("127.0.0.2"),
        ca.name("localhost"),
        WebCa::new().name("127.0.0.1"),
        other.svid("bundle"),
    ];
    for (shown, times) in strangers.into_iter().zip(1..) {
        site.shows(shown);
        town.pass(LATER);
        let record = town.record_of("bundle_refused");
        assert_eq!(record.says(["decision", "reason"]), "deny not_believed");
        site.shows(ca.name("127.0.0.1"));
        fetched(&town, "unchanged", times);
    }
    // TLS 1.2 is good enough for the web.
    site.is_old(ca.name("127.0.0.1"));
    town.pass(LATER);
    fetched(&town, "unchanged", 5);
}

#[test]
fn a_bundle_that_is_no_longer_configured_is_forgotten() {
    let mut trial = Trial::begin();
    trial.town.stop();
    trial.town.settings = String::new();
    trial.town.start();
    let record = trial.town.record_of("bundle_forgotten");
    assert_eq!(
        record.says(["decision", "trust_domain"]),
        "permit other.example"
    );
    assert_eq!(told(&trial.town), "mesh.example 1+1");
    trial.site.says(Says::Silence);
    trial.town.stop();
    trial.town.settings = settings(&trial.site);
    trial.town.start();
    assert_eq!(told(&trial.town), "mesh.example 1+1");
}

#[test]
fn a_foreign_bundle_that_somebody_else_wrote_is_not_believed() {
    let mut trial = Trial::begin();
    trial.town.put_away();
    trial
        .town
        .tamper("UPDATE foreign_bundle SET document = '{}'");
    let error = trial.town.try_build().unwrap_err();
    let told = in_full(&error);
    let row = "row `other.example` of table `foreign_bundle` is not valid";
    assert!(told.contains(row), "{told}");
}

#[test]
fn a_relation_without_its_bundle_to_begin_with_does_not_start() {
    let mut trial = Trial::begin();
    trial.town.stop();
    for text in ["", "hello", &Foreign::new("third.example").pem()] {
        fs::write(trial.town.path("other.pem"), text).unwrap();
        let told = in_full(&trial.town.try_build().unwrap_err());
        let why = "`other.example` cannot be federated with: ";
        assert!(told.contains(why), "{told}");
    }
    fs::write(trial.town.path("other.pem"), trial.other.pem()).unwrap();
    trial.town.start();
}

/// A town that has once been told what `other.example` is.
struct Trial {
    other: Foreign,
    passed: std::cell::Cell<u32>,
    site: Site,
    town: Town,
}

impl Trial {
    fn begin() -> Self {
        let other = Foreign::new("other.example");
        let site = Site::start(other.svid("bundle"));
        site.answers("200 OK", &other.document(5));
        let town = town(&site, &other);
        let record = town.record_of("bundle_fetched");
        assert_eq!(record.text("decision"), "permit");
        until(|| told(&town) == "mesh.example 1+1, other.example 1+0");
        Self {
            other,
            passed: std::cell::Cell::new(0),
            site,
            town,
        }
    }

    /// What is served now is not believed, and that is recorded.
    fn refuses(&self, why: &str) {
        self.town.pass(LATER);
        let record = self.town.record_of("bundle_refused");
        assert_eq!(
            record.says(["decision", "reason", "trust_domain"]),
            format!("deny {why} other.example")
        );
    }

    /// It is asked again, and what is served by now is believed.
    fn passes(&self) {
        self.passed.set(self.passed.get() + 1);
        fetched(&self.town, "unchanged", self.passed.get());
    }
}

/// An error with all its causes.
fn in_full(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    let causes: Vec<_> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}
