//! Entries in files that are edited while the authority serves.

use std::fs;

use crate::authority::cluster::Key;
use crate::authority::cluster::Token;
use crate::authority::cluster::by_kubernetes;
use crate::authority::kubernetes;
use crate::authority::petitioner::key;
use crate::authority::town::Town;
use crate::authority::town::until;

#[test]
fn an_edited_file_is_followed_and_one_with_a_mistake_is_not() {
    let signer = Key::ecdsa();
    let town = kubernetes::town(&[signer.published("one")]);
    let token = Token::new(&signer, "one").signed(&signer);
    let named = || {
        let svid = town.newcomer().enrol(&key(), by_kubernetes(&token));
        let id = svid.unwrap().id().to_string();
        assert_eq!(town.records.next().text("decision"), "permit");
        id
    };
    assert_eq!(named(), kubernetes::WEB);

    edit(&town, &entry("second", "spiffe://mesh.example/{k8s:pod}"));
    until(|| town.has_entry("second"));
    assert!(!town.has_entry("pods"));
    assert_eq!(named(), "spiffe://mesh.example/web-0");
    town.shows("portreeve_authority_entries 1");
    town.shows("portreeve_authority_entry_load_failures_total 0");

    for (count, text) in [
        entry("third", "spiffe://other.example/web"),
        entry("third", "spiffe://mesh.example/portreeve/authority"),
        "entries: [".to_owned(),
        "entries: []\nentry: []".to_owned(),
    ]
    .iter()
    .enumerate()
    {
        edit(&town, text);
        town.shows(&format!(
            "portreeve_authority_entry_load_failures_total {}",
            count + 1
        ));
        assert!(town.has_entry("second") && !town.has_entry("third"));
        assert_eq!(named(), "spiffe://mesh.example/web-0");
    }
    // One good file does not make up for another's mistake.
    let more = town.path("entries/more.yml");
    fs::write(&more, entry("fourth", "spiffe://mesh.example/x")).unwrap();
    town.shows("portreeve_authority_entry_load_failures_total 5");
    assert!(!town.has_entry("fourth"));
    edit(&town, &entry("fifth", "spiffe://mesh.example/{k8s:node}"));
    until(|| town.has_entry("fifth"));
    assert!(town.has_entry("fourth") && !town.has_entry("second"));
}

/// In place, as some editors do it.
fn edit(town: &Town, text: &str) {
    fs::write(town.path("entries/pods.yaml"), text).unwrap();
}

fn entry(name: &str, id: &str) -> String {
    format!("entries:\n  - {{ name: {name}, selectors: [\"k8s:ns:shop\"], spiffe_id: \"{id}\" }}\n")
}
