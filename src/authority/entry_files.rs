//! Entries in files that an operator edits.
//!
//! A folder is taken whole or not at all: while one file has a mistake, the
//! entries of before stay.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::authority::entry::Entry;
use crate::authority::entry::EntryName;
use crate::authority::entry::Origin;
use crate::authority::id_template::IdTemplate;
use crate::authority::selector::Selector;
use crate::authority::told::in_full;
use crate::id::TrustDomain;
use crate::policy::GroupName;
use crate::store;

/// A file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    entries: Vec<Written>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    selectors: Vec<String>,
    spiffe_id: String,
    #[serde(default)]
    svid_ttl_s: u64,
    #[serde(default)]
    groups: Vec<String>,
}

/// A mistake in a file of entries.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}: {place}{text}", path.display())]
pub struct EntryMistake {
    /// The file or folder.
    pub path: PathBuf,
    /// Where in it, with a colon; nothing where the whole is meant.
    pub place: String,
    /// What is wrong.
    pub text: String,
}

/// Reads all `*.yaml` and `*.yml` files directly in `folder`.
///
/// # Errors
///
/// All mistakes of all files.
pub fn read_entries(
    folder: &Path,
    trust_domain: &TrustDomain,
) -> Result<Vec<Entry>, Vec<EntryMistake>> {
    let files = files_in(folder).map_err(|error| vec![whole(folder, error.to_string())])?;
    gather(
        files.into_iter().map(|path| (parse(&path), path)),
        trust_domain,
    )
}

/// Reads the text of one file.
///
/// # Errors
///
/// All mistakes in it; they name no file.
pub fn parse_entries(
    text: &str,
    trust_domain: &TrustDomain,
) -> Result<Vec<Entry>, Vec<EntryMistake>> {
    gather([(parse_text(text), PathBuf::new())], trust_domain)
}

fn whole(path: &Path, text: String) -> EntryMistake {
    EntryMistake {
        path: path.to_owned(),
        place: String::new(),
        text,
    }
}

fn gather(
    files: impl IntoIterator<Item = (Result<File, String>, PathBuf)>,
    trust_domain: &TrustDomain,
) -> Result<Vec<Entry>, Vec<EntryMistake>> {
    let mut mistakes = Vec::new();
    let mut entries = Vec::new();
    let mut places: BTreeMap<EntryName, PathBuf> = BTreeMap::new();
    for (file, path) in files {
        let file = match file {
            Ok(file) => file,
            Err(text) => {
                mistakes.push(whole(&path, text));
                continue;
            }
        };
        for (at, written) in file.entries.iter().enumerate() {
            let mut note = |key: &str, text: String| {
                mistakes.push(EntryMistake {
                    path: path.clone(),
                    place: format!("entries[{at}]{key}: "),
                    text,
                });
            };
            let Some(entry) = check(written, trust_domain, &mut note) else {
                continue;
            };
            if let Some(first) = places.insert(entry.name.clone(), path.clone()) {
                let first = first.display();
                note(".name", format!("`{}` is taken, in {first}", entry.name));
            }
            entries.push(entry);
        }
    }
    if mistakes.is_empty() {
        Ok(entries)
    } else {
        Err(mistakes)
    }
}

fn files_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        let is_yaml = path
            .extension()
            .is_some_and(|ending| ending == "yaml" || ending == "yml");
        if is_yaml {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn parse(path: &Path) -> Result<File, String> {
    let text = store::read(path).map_err(|error| in_full(&error))?;
    let text = String::from_utf8(text).map_err(|error| error.to_string())?;
    parse_text(&text)
}

fn parse_text(text: &str) -> Result<File, String> {
    serde_saphyr::from_str_with_options(text, serde_saphyr::options! { with_snippet: false })
        .map_err(|error| error.to_string().replace('\n', " "))
}

/// The entry, or notes of all that is wrong with it.
fn check(
    written: &Written,
    trust_domain: &TrustDomain,
    note: &mut impl FnMut(&str, String),
) -> Option<Entry> {
    let name = noted(written.name.parse::<EntryName>(), ".name", note);
    let id = noted(
        IdTemplate::parse(&written.spiffe_id, trust_domain),
        ".spiffe_id",
        note,
    );
    let selectors: Vec<Option<Selector>> = written
        .selectors
        .iter()
        .enumerate()
        .map(|(at, text)| noted(text.parse(), &format!(".selectors[{at}]"), note))
        .collect();
    let groups: Vec<Option<GroupName>> = written
        .groups
        .iter()
        .enumerate()
        .map(|(at, text)| noted(text.parse(), &format!(".groups[{at}]"), note))
        .collect();
    if selectors.is_empty() {
        note(".selectors", "is empty: it would name everybody".to_owned());
        return None;
    }
    Some(Entry {
        name: name?,
        selectors: selectors.into_iter().collect::<Option<BTreeSet<_>>>()?,
        id: id?,
        svid_ttl: (written.svid_ttl_s > 0).then(|| Duration::from_secs(written.svid_ttl_s)),
        groups: groups.into_iter().collect::<Option<BTreeSet<_>>>()?,
        origin: Origin::File,
    })
}

fn noted<T, E: std::error::Error>(
    parsed: Result<T, E>,
    key: &str,
    note: &mut impl FnMut(&str, String),
) -> Option<T> {
    parsed.map_err(|error| note(key, in_full(&error))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(
        clippy::unwrap_in_result,
        reason = "the test's own folder is no result"
    )]
    fn read(files: &[(&str, &str)]) -> Result<Vec<Entry>, Vec<String>> {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let prefix = format!("{}/", dir.path().display());
        read_entries(dir.path(), &"example.org".parse().unwrap()).map_err(|mistakes| {
            mistakes
                .iter()
                .map(|mistake| mistake.to_string().replace(&prefix, ""))
                .collect()
        })
    }

    #[test]
    fn reads_every_yaml_file_of_the_folder() {
        let entries = read(&[
            (
                "a.yaml",
                "entries:\n  - name: web\n    selectors: [k8s:ns:shop, k8s:sa:web]\n    spiffe_id: spiffe://example.org/web\n    svid_ttl_s: 600\n    groups: [operators, staff]\n",
            ),
            ("b.yml", "entries: []\n"),
            ("c.txt", "not read"),
        ])
        .unwrap();
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].svid_ttl, Some(Duration::from_secs(600)));
        assert_eq!(entries[0].selectors.len(), 2);
        let groups: Vec<_> = entries[0].groups.iter().map(GroupName::as_str).collect();
        assert_eq!(groups, ["operators", "staff"]);
    }

    #[test]
    fn says_all_that_is_wrong_and_where() {
        let mistakes = read(&[
            (
                "a.yaml",
                "entries:\n  - name: Web\n    selectors: [k8s:sb:web]\n    spiffe_id: spiffe://example.com/web\n    groups: [Ops]\n  - name: web\n    selectors: []\n    spiffe_id: spiffe://example.org/web\n",
            ),
            ("b.yaml", "entries:\n  - name: x\n    selector: [k8s:sa:x]\n"),
        ])
        .unwrap_err();
        let begins: Vec<&str> = mistakes
            .iter()
            .map(|mistake| mistake.split(": ").next().unwrap())
            .collect();
        assert_eq!(
            begins,
            ["a.yaml"; 5]
                .into_iter()
                .chain(["b.yaml"])
                .collect::<Vec<_>>()
        );
        for (mistake, place) in mistakes.iter().zip([
            "entries[0].name",
            "entries[0].spiffe_id",
            "entries[0].selectors[0]",
            "entries[0].groups[0]",
            "entries[1].selectors",
            "selector",
        ]) {
            assert!(mistake.contains(place), "{mistake} lacks {place}");
        }
    }

    #[test]
    fn two_entries_of_one_name_are_a_mistake() {
        let file = "entries:\n  - name: web\n    selectors: [k8s:sa:web]\n    spiffe_id: spiffe://example.org/web\n";
        let mistakes = read(&[("a.yaml", file), ("b.yaml", file)]).unwrap_err();
        assert_eq!(mistakes.len(), 1);
        assert!(
            mistakes[0].starts_with("b.yaml: entries[0].name: `web` is taken"),
            "{mistakes:?}"
        );
    }
}
