//! Who may be named what.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use crate::authority::id_template::IdTemplate;
use crate::authority::selector::Selector;
use crate::id::SpiffeId;
use crate::policy::GroupName;

/// Says whom a workload of which all selectors were proved may be named as.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Its own name.
    pub name: EntryName,
    /// All of them must be proved. Never empty.
    pub selectors: BTreeSet<Selector>,
    /// Whom it names.
    pub id: IdTemplate,
    /// How long each SVID holds, if not as long as the authority says.
    pub svid_ttl: Option<Duration>,
    /// The groups that whom it names is in.
    pub groups: BTreeSet<GroupName>,
    /// Who made it.
    pub origin: Origin,
}

impl Entry {
    /// The ID for a workload of which `proved` was proved, if the entry is for it.
    #[must_use]
    pub fn names(&self, proved: &BTreeSet<Selector>) -> Option<SpiffeId> {
        if self.selectors.is_subset(proved) {
            self.id.fill(proved)
        } else {
            None
        }
    }
}

/// Who made an entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// An operator, through the admin service.
    Api,
    /// A file in the folder of entries.
    File,
    /// The making of a join token.
    Token,
}

impl Origin {
    /// The word that operators read.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::File => "file",
            Self::Token => "token",
        }
    }
}

/// The name of an entry: 1 to 128 bytes of `a-z 0-9 . - _`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct EntryName(Arc<str>);

impl EntryName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EntryName {
    type Err = EntryNameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_')
        };
        if name.is_empty() || name.len() > MOST_BYTES || !name.bytes().all(allowed) {
            return Err(EntryNameError {
                name: name.chars().take(MOST_BYTES).collect(),
            });
        }
        Ok(Self(name.into()))
    }
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is no name of an entry.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{name}` is not the name of an entry: 1 to {MOST_BYTES} of a-z 0-9 . - _")]
pub struct EntryNameError {
    /// What was written.
    pub name: String,
}

/// Long enough for a service, its environment and its team.
const MOST_BYTES: usize = 128;

/// All entries at one moment.
#[derive(Clone, Debug, Default)]
pub struct Entries(Vec<Arc<Entry>>);

impl Entries {
    /// In an order of their own: the most particular first.
    #[must_use]
    pub fn new(entries: impl IntoIterator<Item = Arc<Entry>>) -> Self {
        let mut entries: Vec<_> = entries.into_iter().collect();
        entries.sort_by(|one, other| {
            let particular = other.selectors.len().cmp(&one.selectors.len());
            particular.then_with(|| one.name.cmp(&other.name))
        });
        Self(entries)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.0.iter()
    }

    /// All entries that name a workload of which `proved` was proved, and what
    /// they name it: the most particular first, and each name once.
    #[must_use]
    pub fn all(&self, proved: &BTreeSet<Selector>) -> Vec<(Arc<Entry>, SpiffeId)> {
        let mut all: Vec<(Arc<Entry>, SpiffeId)> = Vec::new();
        for entry in &self.0 {
            if let Some(id) = entry.names(proved)
                && !all.iter().any(|(_, named)| *named == id)
            {
                all.push((Arc::clone(entry), id));
            }
        }
        all
    }

    /// The entry that names a workload of which `proved` was proved: as `wished`,
    /// or if nothing was wished the most particular one.
    #[must_use]
    pub fn find(
        &self,
        proved: &BTreeSet<Selector>,
        wished: Option<&SpiffeId>,
    ) -> Option<(&Arc<Entry>, SpiffeId)> {
        self.0
            .iter()
            .filter_map(|entry| Some((entry, entry.names(proved)?)))
            .find(|(_, id)| wished.is_none_or(|wished| wished == id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, selectors: &[&str], id: &str) -> Arc<Entry> {
        Arc::new(Entry {
            name: name.parse().unwrap(),
            selectors: proved(selectors),
            id: IdTemplate::parse(id, &"example.org".parse().unwrap()).unwrap(),
            svid_ttl: None,
            groups: BTreeSet::new(),
            origin: Origin::File,
        })
    }

    fn proved(selectors: &[&str]) -> BTreeSet<Selector> {
        selectors.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn all_names_of_a_workload_are_told_once_and_the_most_particular_first() {
        let entries = Entries::new([
            entry("b", &["unix:uid:1"], "spiffe://example.org/user"),
            entry("a", &["unix:uid:1"], "spiffe://example.org/u/{unix:uid}"),
            entry(
                "c",
                &["unix:uid:1", "unix:gid:2"],
                "spiffe://example.org/user",
            ),
            entry("d", &["unix:gid:3"], "spiffe://example.org/other"),
        ]);
        let all = |selectors: &[&str]| -> Vec<String> {
            let all = entries.all(&proved(selectors)).into_iter();
            all.map(|(entry, id)| format!("{} {}", entry.name, id.path()))
                .collect()
        };
        assert_eq!(all(&["unix:uid:1", "unix:gid:2"]), ["c /user", "a /u/1"]);
        assert_eq!(all(&["unix:uid:1"]), ["a /u/1", "b /user"]);
        assert_eq!(all(&["unix:uid:2"]), [""; 0]);
    }

    #[test]
    fn the_most_particular_entry_names_unless_another_is_wished() {
        let entries = Entries::new([
            entry("any", &["k8s:ns:shop"], "spiffe://example.org/{k8s:sa}"),
            entry(
                "web",
                &["k8s:ns:shop", "k8s:sa:web"],
                "spiffe://example.org/front",
            ),
        ]);
        let web = proved(&["k8s:ns:shop", "k8s:sa:web"]);
        let (found, id) = entries.find(&web, None).unwrap();
        assert_eq!((found.name.as_str(), id.path()), ("web", "/front"));
        let wish: SpiffeId = "spiffe://example.org/web".parse().unwrap();
        let (found, id) = entries.find(&web, Some(&wish)).unwrap();
        assert_eq!((found.name.as_str(), id), ("any", wish));
        let other: SpiffeId = "spiffe://example.org/orders".parse().unwrap();
        assert!(entries.find(&web, Some(&other)).is_none());
        assert!(entries.find(&proved(&["k8s:sa:web"]), None).is_none());
        assert!(entries.find(&BTreeSet::new(), None).is_none());
    }
}
