//! A checked policy set, ready to be asked.
//!
//! A set is valid whole or refused whole, with all of its mistakes. Whoever
//! holds a [`Policy`] may rely on every policy in it having a name of its own,
//! being valid against the schema, and naming only what exists.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use cedar_policy::Effect;
use cedar_policy::EntityUid;
use cedar_policy::pst;
use http::HeaderName;

use crate::id::SpiffeId;
use crate::policy::claim::ClaimType;
use crate::policy::claim::ClaimValue;
use crate::policy::compile;
use crate::policy::decision::PolicyName;
use crate::policy::group_file::Listed;
use crate::policy::index::Index;
use crate::policy::load;
use crate::policy::members;
use crate::policy::mention::Mentions;
use crate::policy::mistake::Mistake;
use crate::policy::name::ServiceName;
use crate::policy::revision::Revision;
use crate::policy::services::Services;
use crate::policy::settings::Groups;
use crate::policy::settings::Settings;
use crate::policy::settings::Zone;
use crate::policy::signal::SignalHeader;
use crate::policy::signal::SignalType;
use crate::policy::signal::Signals;
use crate::policy::signal_name::SignalName;
use crate::policy::words::Words;

/// A policy set in its executable form. Immutable: share it by reference.
#[derive(Debug)]
pub struct Policy {
    pub(super) revision: Revision,
    pub(super) rules: Arc<[Rule]>,
    pub(super) index: Arc<Index>,
    pub(super) services: Arc<Services>,
    /// The groups that a workload is in.
    pub(super) memberships: HashMap<SpiffeId, Vec<EntityUid>>,
    /// Declared claims by name.
    pub(super) claims: Arc<BTreeMap<String, ClaimType>>,
    /// The signals that headers say.
    pub(super) signal_headers: Arc<BTreeMap<SignalName, SignalHeader>>,
    /// The others by name.
    pub(super) signal_types: Arc<BTreeMap<SignalName, SignalType>>,
    /// The groups of people that policies name.
    pub(super) groups_of_people: Arc<HashSet<EntityUid>>,
    /// What a file says of groups besides.
    pub(super) listed: Arc<Listed>,
    /// What is said of callers.
    pub(super) signals: Arc<Signals>,
    /// Declared headers by name.
    pub(super) headers: Arc<HashMap<String, HeaderName>>,
    /// `utc` and the declared zones by name.
    pub(super) zones: Arc<HashMap<String, Zone>>,
}

/// One policy.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: PolicyName,
    pub(super) effect: Effect,
    /// Whether it is watched and not enforced.
    pub(super) is_shadow: bool,
    pub(super) place: Place,
    /// Nothing if its scope is all it asks.
    pub(super) condition: Option<Condition>,
}

/// Where a policy stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// The file's name.
    pub file: Arc<str>,
    /// Counted from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// What a policy asks beyond its scope.
#[derive(Debug)]
pub(super) struct Condition {
    /// The policy without its scope, which the index has already checked.
    pub(super) policy: pst::Policy,
    pub(super) mentions: Mentions,
}

impl Policy {
    /// The headers that policies may read.
    pub fn declared_headers(&self) -> impl Iterator<Item = &HeaderName> {
        self.headers.values()
    }

    /// Reads every `*.cedar` file of a directory. Beside the policy come the
    /// warnings, sorted.
    ///
    /// A directory without policies is valid and denies everything.
    ///
    /// # Errors
    ///
    /// All mistakes, sorted, if there is an error among them. A directory that
    /// cannot be read is one.
    pub fn load(dir: &Path, settings: &Settings) -> Result<(Self, Vec<Mistake>), Vec<Mistake>> {
        let files = load::read(dir)?;
        let settings = settings.with_files()?;
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        Self::parse(&files, &settings)
    }

    /// The same for files that are already read: their names and contents.
    ///
    /// # Errors
    ///
    /// All mistakes, sorted, if there is an error among them.
    pub fn parse(
        files: &[(&str, &str)],
        settings: &Settings,
    ) -> Result<(Self, Vec<Mistake>), Vec<Mistake>> {
        compile::compile(files, settings)
    }

    /// The same set with other workloads in the groups. Costs nothing but the
    /// groups: nothing is read or checked anew, so a policy that names a group
    /// which is there no longer is about nobody.
    ///
    /// Nothing if Cedar does not take our own words, which a test rules out.
    #[must_use]
    pub fn with_groups(&self, groups: &Groups) -> Option<Self> {
        let words = Words::new().ok()?;
        Some(Self {
            memberships: members::by_workload(groups, &words),
            ..self.share()
        })
    }

    /// The same set, where other things are said of callers.
    #[must_use]
    pub fn with_signals(&self, signals: Signals) -> Self {
        Self {
            signals: Arc::new(signals),
            ..self.share()
        }
    }

    /// What is said of callers.
    #[must_use]
    pub fn signals(&self) -> &Signals {
        &self.signals
    }

    /// The signals that are said of callers, and may be pushed.
    #[must_use]
    pub fn signal_types(&self) -> &BTreeMap<SignalName, SignalType> {
        &self.signal_types
    }

    /// The value of the claim `name` that `text`, in YAML, is.
    ///
    /// # Errors
    ///
    /// Why it is none.
    pub fn claim(&self, name: &str, text: &str) -> Result<ClaimValue, String> {
        let kind = self.claims.get(name);
        let kind = kind.ok_or_else(|| format!("the claim `{name}` is not declared"))?;
        let value = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        let value = kind.read(&value);
        value.ok_or_else(|| format!("`{name}` must be {kind}"))
    }

    fn share(&self) -> Self {
        Self {
            revision: self.revision.clone(),
            rules: Arc::clone(&self.rules),
            index: Arc::clone(&self.index),
            services: Arc::clone(&self.services),
            memberships: self.memberships.clone(),
            claims: Arc::clone(&self.claims),
            signal_headers: Arc::clone(&self.signal_headers),
            signal_types: Arc::clone(&self.signal_types),
            groups_of_people: Arc::clone(&self.groups_of_people),
            listed: Arc::clone(&self.listed),
            signals: Arc::clone(&self.signals),
            headers: Arc::clone(&self.headers),
            zones: Arc::clone(&self.zones),
        }
    }

    /// Whether `other` is the same set, and files say the same of groups and callers.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.revision == other.revision
            && self.listed == other.listed
            && self.signals == other.signals
    }

    /// Which set this is.
    #[must_use]
    pub const fn revision(&self) -> &Revision {
        &self.revision
    }

    /// The policies in it, in the order of the files.
    #[must_use]
    pub fn names(&self) -> impl ExactSizeIterator<Item = &PolicyName> {
        self.rules.iter().map(|rule| &rule.name)
    }

    /// The policies in it with their places, in the order of the files.
    pub fn places(&self) -> impl Iterator<Item = (&PolicyName, &Place)> {
        self.rules.iter().map(|rule| (&rule.name, &rule.place))
    }

    /// The services that it decides about.
    pub fn services(&self) -> impl Iterator<Item = &ServiceName> {
        self.services.names()
    }

    /// The templates of a service: those declared and those that policies name.
    #[must_use]
    pub fn templates(&self, service: &ServiceName) -> BTreeSet<&str> {
        let service = self
            .services
            .number(service)
            .and_then(|number| self.services.get(number));
        let routes = service.map_or(&[][..], |service| &service.routes);
        routes.iter().map(|route| route.template.as_str()).collect()
    }
}
