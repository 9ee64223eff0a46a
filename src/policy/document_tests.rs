//! Documents are read back as they were written, and in no other form.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::policy::ClaimType;
use crate::policy::Document;
use crate::policy::DocumentError;
use crate::policy::Groups;
use crate::policy::Route;
use crate::policy::Settings;
use crate::policy::SignalHeader;
use crate::policy::SignalType;

fn document() -> Document {
    let dir = tempfile::tempdir().unwrap();
    let text = "@id(\"a\") permit(principal in WorkloadGroup::\"ops\", action, resource in Service::\"orders\");";
    std::fs::write(dir.path().join("a.cedar"), text).unwrap();
    let mut settings = Settings::default();
    let route = |path: &str, group: &str| Route {
        path: path.parse().unwrap(),
        groups: BTreeSet::from([group.parse().unwrap()]),
    };
    settings.services.insert(
        "orders".parse().unwrap(),
        vec![
            route("/x/{id}", "one"),
            route("/a/**", "two"),
            route("/x/{id}", "two"),
        ],
    );
    settings
        .claims
        .insert("/org/level".parse().unwrap(), ClaimType::Long);
    settings
        .signals
        .insert("risk".parse().unwrap(), SignalType::Long);
    let header = SignalHeader {
        kind: SignalType::Text,
        name: "x-site".parse().unwrap(),
    };
    settings
        .signal_headers
        .insert("site".parse().unwrap(), header);
    settings.headers = vec!["x-b".parse().unwrap(), "x-a".parse().unwrap()];
    settings
        .zones
        .insert("berlin".parse().unwrap(), "Europe/Berlin".parse().unwrap());
    settings
        .trust_domains
        .insert("example.org".parse().unwrap());
    Document::load(dir.path(), &settings).unwrap()
}

#[test]
fn what_is_read_back_is_the_same() {
    let mut document = document();
    let group = "ops".parse().unwrap();
    let other = "others".parse().unwrap();
    let told = Groups::from([(group, BTreeSet::new()), (other, BTreeSet::new())]);
    assert!(document.compile(document.settings()).is_err());
    document.know_groups(&told);
    let text = document.to_text();
    assert_eq!(
        text.split_once("},\"headers\"").unwrap().1,
        r#":["x-a","x-b"],"services":{"orders":{"/a/**":["two"],"/x/{id}":["one","two"]}},"signal_headers":{"site":"x-site"},"signals":{"risk":"long","site":"string"},"time_zones":{"berlin":"Europe/Berlin"},"workload_groups":{"ops":[]}}"#
    );
    assert!(
        text.starts_with("{\"claims\":{\"/org/level\":\"long\"},\"files\":{"),
        "{text}"
    );
    let again = Document::parse(&text).unwrap();
    let (read, written) = (again.settings(), document.settings());
    assert_eq!(read.claims, written.claims);
    assert_eq!(read.signals, written.signals);
    assert_eq!(read.signal_headers, written.signal_headers);
    assert_eq!(again.to_text(), text);
    assert_eq!(again.revision(), document.revision());
    let (policy, _) = again.compile(again.settings()).unwrap();
    assert_eq!(*policy.revision(), document.revision());
    assert!(again.settings().trust_domains.is_empty());
}

#[test]
fn there_is_one_form_and_no_other() {
    let text = document().to_text();
    assert!(Document::parse(&text).is_ok());
    let spaced = text.replacen(':', ": ", 1);
    let twice = text.replacen("[\"x-a\",", "[\"x-a\",\"x-a\",", 1);
    let turned = text.replace("[\"x-a\",\"x-b\"]", "[\"x-b\",\"x-a\"]");
    let escaped = text.replace("x-a", "x\\u002da");
    for other in [spaced, twice, turned, escaped] {
        assert_ne!(other, text);
        let refused = Document::parse(&other);
        assert!(
            matches!(refused, Err(DocumentError::NotCanonical)),
            "{other}"
        );
    }
    let more = text.replacen('{', "{\"agents\":{},", 1);
    assert!(matches!(
        Document::parse(&more),
        Err(DocumentError::Malformed { .. })
    ));
    for (from, to) in [
        ("\"orders\":{", "\"Orders\":{"),
        ("/x/{id}", "/x/{i"),
        ("[\"two\"]", "[\"Two\"]"),
        ("x-b", "x b"),
        ("/org/level", "a b"),
        ("\"long\"", "\"float\""),
        ("\"risk\":", "\"ri sk\":"),
        ("\"string\"", "\"float\""),
        ("x-site", "x site"),
        ("\"site\":\"string\"", "\"sites\":\"string\""),
        ("Europe/Berlin", "Europe/Nowhere"),
        (
            "\"workload_groups\":{",
            "\"workload_groups\":{\"g\":[\"x\"]",
        ),
    ] {
        let other = text.replace(from, to);
        assert_ne!(other, text);
        let refused = Document::parse(&other).unwrap_err();
        assert!(
            !refused.to_string().contains("version"),
            "{from}: {refused}"
        );
    }
    let long = " ".repeat(Document::MAX_BYTES + 1);
    assert!(matches!(
        Document::parse(&long),
        Err(DocumentError::TooLarge { .. })
    ));
}

#[test]
fn a_text_is_read_up_to_its_limit() {
    let most = " ".repeat(Document::MAX_BYTES);
    assert!(matches!(
        Document::parse(&most),
        Err(DocumentError::Malformed { .. })
    ));
    assert!(matches!(
        Document::parse(&format!("{most} ")),
        Err(DocumentError::TooLarge { bytes }) if bytes == Document::MAX_BYTES + 1
    ));
}

#[test]
fn whose_callers_come_is_for_each_reader_to_say() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings {
        trust_domains: ["td".parse().unwrap()].into(),
        ..Settings::default()
    };
    let document = Document::load(dir.path(), &settings).unwrap();
    assert!(document.settings().trust_domains.is_empty());
}

#[test]
fn a_digest_is_the_sha256_of_the_text() {
    // FIPS 180-2, appendix B.1.
    let hex: String = Document::digest("abc")
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        hex,
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}

proptest! {
    #[test]
    fn any_text_is_a_document_or_not(text in ".*") {
        if let Ok(document) = Document::parse(&text) {
            prop_assert_eq!(document.to_text(), text);
        }
    }

    #[test]
    fn any_files_are_read_back(files in proptest::collection::btree_map(".*", ".*", 0..4)) {
        let files: BTreeMap<String, String> = files;
        let files = serde_json::to_string(&files).unwrap();
        let rest = r#","headers":[],"services":{},"time_zones":{},"workload_groups":{}}"#;
        let text = format!("{{\"files\":{files}{rest}");
        let document = Document::parse(&text).unwrap();
        prop_assert_eq!(document.to_text(), text);
    }
}
