//! Who is in which groups, from a file that something else keeps.
//!
//! A map in YAML or JSON, from a SPIFFE ID or a pattern of them to the names of
//! groups. It is valid whole or refused whole, like the policies that it is
//! read with: a group that is in no line is one that nobody has declared, so a
//! `forbid` that names it is a mistake and not a policy about nobody.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::path::Path;

use cedar_policy::EntityUid;
use serde_saphyr::Spanned;

use crate::id::SpiffeId;
use crate::id::SpiffeIdPattern;
use crate::policy::mistake::Mistake;
use crate::policy::name::GroupName;
use crate::policy::ordered;
use crate::policy::ordered::Ordered;
use crate::policy::words::Kind;
use crate::policy::words::Words;

/// Lines of such a file: which workloads, and their groups.
pub type GroupLines = Vec<(SpiffeIdPattern, Vec<GroupName>)>;

/// Reads the file, which is called `name` in mistakes.
pub(super) fn read(path: &Path) -> Result<GroupLines, Vec<Mistake>> {
    let (name, text) = ordered::text_of(path, MAX_BYTES)?;
    parse(&name, &text)
}

/// What the text of the file `name` says.
///
/// # Errors
///
/// All mistakes, with their lines.
pub fn parse(name: &str, text: &str) -> Result<GroupLines, Vec<Mistake>> {
    let Ordered(written) = Ordered::<Vec<Spanned<String>>>::read(name, text)?;
    let mut lines = GroupLines::new();
    let mut mistakes = Vec::new();
    for (pattern, groups) in written {
        let mut refuse = |of: &Spanned<String>, why: &dyn std::error::Error| {
            let why = why
                .source()
                .map_or_else(|| why.to_string(), |cause| format!("{why}: {cause}"));
            let text = format!("`{}`: {why}", of.value);
            mistakes.push(ordered::at(name, ordered::place(of), text));
        };
        let mut names = Vec::with_capacity(groups.len());
        for group in &groups {
            match group.value.parse::<GroupName>() {
                Ok(name) => names.push(name),
                Err(why) => refuse(group, &why),
            }
        }
        match pattern.value.parse::<SpiffeIdPattern>() {
            Ok(pattern) => lines.push((pattern, names)),
            Err(why) => refuse(&pattern, &why),
        }
    }
    let open = lines.iter().filter(|(pattern, _)| exact(pattern).is_none());
    let open = open.count();
    if open > MAX_PATTERNS {
        let text = format!("has {open} patterns with wildcards, more than {MAX_PATTERNS}");
        mistakes.push(Mistake::whole(name, text));
    }
    if mistakes.is_empty() {
        Ok(lines)
    } else {
        mistakes.sort_unstable();
        Err(mistakes)
    }
}

/// The groups of each workload, ready to be asked.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Listed {
    exact: HashMap<SpiffeId, Vec<EntityUid>>,
    /// Looked through once for each caller that a worker meets.
    patterns: Vec<(SpiffeIdPattern, Vec<EntityUid>)>,
}

impl Listed {
    pub(super) fn new(lines: &GroupLines, words: &Words) -> Self {
        let mut uids: BTreeMap<&GroupName, EntityUid> = BTreeMap::new();
        let mut listed = Self::default();
        for (pattern, names) in lines {
            let groups = names.iter().map(|name| {
                let uid = uids
                    .entry(name)
                    .or_insert_with(|| words.uid(Kind::WorkloadGroup, name.as_str()));
                uid.clone()
            });
            let groups: Vec<EntityUid> = groups.collect();
            match exact(pattern) {
                Some(id) => listed.exact.entry(id).or_default().extend(groups),
                None => listed.patterns.push((pattern.clone(), groups)),
            }
        }
        listed
    }

    /// The groups that `id` is in.
    pub(super) fn of(&self, id: &SpiffeId) -> impl Iterator<Item = &EntityUid> {
        let exact = self.exact.get(id).into_iter().flatten();
        let fits = self.patterns.iter();
        let fits = fits.filter(move |(pattern, _)| pattern.fits(id));
        exact.chain(fits.flat_map(|(_, groups)| groups))
    }
}

/// The one workload that a pattern without wildcards is.
fn exact(pattern: &SpiffeIdPattern) -> Option<SpiffeId> {
    pattern.to_string().parse().ok()
}

/// Some hundred thousand workloads.
const MAX_BYTES: u64 = 16 << 20;
/// Some hundred microseconds for each caller that is new.
const MAX_PATTERNS: usize = 10_000;

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    fn groups(text: &str, id: &str) -> Vec<String> {
        let words = Words::new().unwrap();
        let listed = Listed::new(&parse("g.yaml", text).unwrap(), &words);
        let id = id.parse().unwrap();
        let groups = listed.of(&id);
        groups.map(|uid| uid.id().unescaped().to_owned()).collect()
    }

    #[test]
    fn a_workload_is_in_the_groups_of_every_line_that_it_fits() {
        let text = "spiffe://td/ns/shop/*: [shop, all]\n\"spiffe://td/ns/shop/web\": [web]\n\"spiffe://td/**\": [td]\n";
        assert_eq!(
            groups(text, "spiffe://td/ns/shop/web"),
            ["web", "shop", "all", "td"]
        );
        assert_eq!(groups(text, "spiffe://td/x"), ["td"]);
        assert!(groups(text, "spiffe://other/ns/shop/web").is_empty());
        assert_eq!(
            groups("{\"spiffe://td/a\": [\"g\"]}", "spiffe://td/a"),
            ["g"]
        );
        assert!(groups("{}", "spiffe://td/a").is_empty());
    }

    #[test]
    fn every_mistake_is_told_with_its_place() {
        let text = "spiffe://td/a: [good, \"b:ad\"]\nspiffe://*/b: []\nspiffe://td/a*: [g]\n";
        let mistakes = parse("g.yaml", text).unwrap_err();
        let places = mistakes.iter().map(|one| (one.line, one.column));
        assert_eq!(
            places.collect::<Vec<_>>(),
            [(1, 23), (2, 1), (3, 1)],
            "{mistakes:?}"
        );
        for (text, line, said) in [
            ("- a\n", 1, "expected mapping"),
            ("spiffe://td/a: g\n", 1, "sequence"),
            ("spiffe://td/a: []\nspiffe://td/a: []\n", 2, "duplicate"),
            ("a: [", 1, ""),
        ] {
            let mistakes = parse("g.yaml", text).unwrap_err();
            assert_eq!(
                mistakes.iter().map(|one| one.line).collect::<Vec<_>>(),
                [line],
                "{text}{mistakes:?}"
            );
            assert!(mistakes[0].text.contains(said), "{text}{mistakes:?}");
        }
    }

    #[test]
    fn a_file_says_what_its_text_says() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("g.yaml");
        let line = "spiffe://td/a: [g]\n";
        fs::write(&path, line).unwrap();
        assert_eq!(read(&path).unwrap(), parse("g.yaml", line).unwrap());
        assert_eq!(read(&path).unwrap().len(), 1);
    }

    #[test]
    fn there_may_be_so_many_patterns() {
        let lines = |count: usize| {
            let lines = (0..count).map(|number| format!("\"spiffe://td/{number}/*\": [g]\n"));
            lines
                .chain(["spiffe://td/exact: [g]\n".to_owned()])
                .collect::<String>()
        };
        assert!(parse("g.yaml", &lines(MAX_PATTERNS)).is_ok());
        let mistakes = parse("g.yaml", &lines(MAX_PATTERNS + 1)).unwrap_err();
        let told = mistakes[0].to_string();
        assert!(
            told.ends_with("has 10001 patterns with wildcards, more than 10000"),
            "{told}"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_lines_or_mistakes(text in "(spiffe://td/(a|\\*|\\*\\*): ?)?([a-z:\\[\\], \n\"*/]{0,12}){0,6}") {
            if let Err(mistakes) = parse("g.yaml", &text) {
                prop_assert!(!mistakes.is_empty());
            }
        }
    }
}
