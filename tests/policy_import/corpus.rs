//! What Istio and Pomerium document and test of their policies, re-stated as
//! tables: where each case is from, its policies, and who is let in.
//!
//! A case is translated and decided as each of its rows says, or refused at the
//! place and for the reason that it names.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use portreeve::import::Imported;
use portreeve::import::Untranslatable;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// One file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table<P, F> {
    /// The page or the test.
    pub(crate) from: String,
    /// What its policies are translated for, where a case says nothing else.
    #[serde(default)]
    pub(crate) to: F,
    pub(crate) cases: Vec<Case<P, F>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case<P, F> {
    /// What it is called there, and what it shows.
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) to: F,
    pub(crate) policies: P,
    /// Without an ALLOW Istio lets everybody in, and we nobody: rows are about
    /// what is decided beside one that lets everybody in.
    #[serde(default)]
    pub(crate) open: bool,
    #[serde(default)]
    pub(crate) allowed: Vec<String>,
    #[serde(default)]
    pub(crate) denied: Vec<String>,
    /// Rows that are let in there and not here, and why.
    #[serde(default)]
    pub(crate) narrower: BTreeMap<String, String>,
    /// Why all rows have one answer.
    pub(crate) one_sided: Option<String>,
    /// How many policies of the translation are shadows.
    #[serde(default)]
    pub(crate) shadows: usize,
    pub(crate) refused: Option<Refused>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refused {
    /// What for, in the words of the count.
    pub(crate) why: String,
    /// What stands in the line that is named.
    pub(crate) at: String,
    /// What the message says.
    pub(crate) says: String,
}

/// How many cases there are, and what became of them.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) translated: usize,
    pub(crate) rows: usize,
    pub(crate) refused: BTreeMap<String, usize>,
    pub(crate) faults: Vec<String>,
}

impl Counts {
    /// `52 cases, of which 40 are translated and decided in 180 rows, and 12 are refused: 9 for tokens, 3 for hosts`
    pub(crate) fn said(&self) -> String {
        let refused: usize = self.refused.values().sum();
        let mut reasons: Vec<_> = self.refused.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let reasons = reasons
            .iter()
            .map(|(why, count)| format!("{count} for {why}"));
        format!(
            "{} cases, of which {} are translated and decided in {} rows, and {refused} are refused: {}",
            self.translated + refused,
            self.translated,
            self.rows,
            reasons.collect::<Vec<_>>().join(", ")
        )
    }
}

/// All tables of a folder, with their names.
pub(crate) fn tables<P, F>(folder: &str) -> Vec<Table<P, F>>
where
    P: DeserializeOwned,
    F: Default + DeserializeOwned,
{
    let folder = Path::new("tests/policy_import").join(folder);
    let files = fs::read_dir(&folder).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{}", folder.display());
    let read = |file: &std::path::PathBuf| {
        let text = fs::read_to_string(file).unwrap();
        serde_saphyr::from_str(&text).unwrap_or_else(|why| panic!("{}: {why}", file.display()))
    };
    files.iter().map(read).collect()
}

impl<P, F> Case<P, F> {
    /// Holds the case against what became of its policies. What is otherwise is
    /// told with the policies.
    pub(crate) fn check(
        &self,
        (from, text): (&str, &str),
        became: &Result<Imported, Vec<Untranslatable>>,
        lets_in: &dyn Fn(&str) -> bool,
        counts: &mut Counts,
    ) {
        let is_one_sided = self.allowed.is_empty() || self.denied.is_empty();
        let rows = self.allowed.len() + self.denied.len() + self.narrower.len();
        let (faults, cedar) = match (became, &self.refused) {
            (Err(found), Some(refused)) => {
                *counts.refused.entry(refused.why.clone()).or_default() += 1;
                let is_so = refused.is_among(found, text) && rows == 0;
                (
                    (!is_so)
                        .then(|| format!("{found:#?}"))
                        .into_iter()
                        .collect(),
                    "",
                )
            }
            (Ok(imported), None) => {
                counts.translated += 1;
                counts.rows += rows;
                (
                    self.faults(&imported.cedar, lets_in),
                    imported.cedar.as_str(),
                )
            }
            (Ok(imported), Some(_)) => {
                (vec!["it is translated".to_owned()], imported.cedar.as_str())
            }
            (Err(found), None) => (vec![format!("{found:#?}")], ""),
        };
        let is_told =
            self.refused.is_some() || (rows > 0 && is_one_sided == self.one_sided.is_some());
        if !faults.is_empty() || !is_told {
            let faults = faults.join("\n");
            let told = if is_told {
                ""
            } else {
                "its rows have one answer, or not, and why?"
            };
            counts.faults.push(format!(
                "{from}: {}\n{faults}{told}\n{text}\n{cedar}",
                self.name
            ));
        }
    }

    fn faults(&self, cedar: &str, lets_in: &dyn Fn(&str) -> bool) -> Vec<String> {
        let allowed = self.allowed.iter().filter(|row| !lets_in(row));
        let mut faults: Vec<_> = allowed.map(|row| format!("denied: {row}")).collect();
        let denied = self.denied.iter().chain(self.narrower.keys());
        let denied = denied.filter(|row| lets_in(row));
        faults.extend(denied.map(|row| format!("allowed: {row}")));
        let shadows = cedar.matches("@shadow(").count();
        if shadows != self.shadows {
            faults.push(format!("it has {shadows} shadows"));
        }
        faults
    }
}

impl Refused {
    fn is_among(&self, found: &[Untranslatable], text: &str) -> bool {
        found.iter().any(|one| {
            let line = usize::try_from(one.line).unwrap();
            let line = line.checked_sub(1).and_then(|at| text.lines().nth(at));
            one.text.contains(&self.says) && line.unwrap_or_default().contains(&self.at)
        })
    }
}
