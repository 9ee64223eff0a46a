//! What policies may speak about, as configuration declares it.
//!
//! A policy can name only what stands here: a header that is not declared, a
//! service that does not exist and a zone without a clock are mistakes at load,
//! not conditions that are silently false.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use http::HeaderName;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::id::SpiffeId;
use crate::id::TrustDomain;
use crate::policy::claim::ClaimName;
use crate::policy::claim::ClaimType;
use crate::policy::group_file;
use crate::policy::group_file::GroupLines;
use crate::policy::mistake::Mistake;
use crate::policy::name::GroupName;
use crate::policy::name::ServiceName;
use crate::policy::person::ProviderName;
use crate::policy::signal::SignalHeader;
use crate::policy::signal::SignalType;
use crate::policy::signal::Signals;
use crate::policy::signal_name::SignalName;
use crate::policy::template::Template;

/// Everything that a policy set is checked against.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The services whose requests are decided, with their declared routes.
    pub services: BTreeMap<ServiceName, Vec<Route>>,
    /// The request headers that policies may read.
    pub headers: Vec<HeaderName>,
    /// The claims of people that policies may read.
    pub claims: BTreeMap<ClaimName, ClaimType>,
    /// The zones that policies may ask the time of, besides `utc`.
    pub zones: BTreeMap<ZoneName, Zone>,
    /// Workloads by the name of their group.
    pub workload_groups: Groups,
    /// A file that says who is in which groups besides. It is read whenever a
    /// directory of policies is.
    pub workload_groups_file: Option<PathBuf>,
    /// What that file says.
    pub group_lines: GroupLines,
    /// The signals that policies may read, and whose values are in a file.
    pub signals: BTreeMap<SignalName, SignalType>,
    /// The file with their values. It is read whenever a directory of policies is.
    pub signals_file: Option<PathBuf>,
    /// Those whose values are what a header of the request says; they are not
    /// among the others.
    pub signal_headers: BTreeMap<SignalName, SignalHeader>,
    /// What that file says.
    pub signal_values: Signals,
    /// The providers that people sign in with. A policy that names a user or a
    /// group of another one is warned about. Empty means not known.
    pub providers: BTreeSet<ProviderName>,
    /// The trust domains that callers can come from. A policy that names a
    /// workload of another one is warned about. Empty means not known.
    pub trust_domains: BTreeSet<TrustDomain>,
}

/// Workloads by the name of their group.
pub type Groups = BTreeMap<GroupName, BTreeSet<SpiffeId>>;

impl Settings {
    /// Adds groups, and members to those that are there.
    pub fn add_groups(&mut self, groups: &Groups) {
        for (name, members) in groups {
            let known = self.workload_groups.entry(name.clone()).or_default();
            known.extend(members.iter().cloned());
        }
    }

    /// These, with what the files of groups and signals say now.
    ///
    /// # Errors
    ///
    /// All that is wrong with one of them.
    pub(super) fn with_files(&self) -> Result<Self, Vec<Mistake>> {
        let mut settings = self.clone();
        if let Some(path) = &self.workload_groups_file {
            settings.group_lines = group_file::read(path)?;
            for name in settings.group_lines.iter().flat_map(|(_, names)| names) {
                settings.workload_groups.entry(name.clone()).or_default();
            }
        }
        if let Some(path) = &self.signals_file {
            settings.signal_values = Signals::read(path, &self.signals)?;
        }
        Ok(settings)
    }

    /// Adds services, and routes to those that are there.
    pub fn add_services(&mut self, services: &BTreeMap<ServiceName, Vec<Route>>) {
        for (name, routes) in services {
            let known = self.services.entry(name.clone()).or_default();
            known.extend(routes.iter().cloned());
        }
    }
}

/// A declared route of a service.
#[derive(Clone, Debug)]
pub struct Route {
    /// The paths it stands for.
    pub path: Template,
    /// The route groups it belongs to.
    pub groups: BTreeSet<GroupName>,
}

/// What policies call a zone: `berlin` in `context.berlin.weekday`.
///
/// Parsing is the only way to make one: a plain identifier of at most 32 bytes
/// that is not already the name of something in the context.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ZoneName(Arc<str>);

impl ZoneName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ZoneName {
    type Err = ZoneError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if RESERVED.contains(&name) {
            return Err(ZoneError::Reserved { name: name.into() });
        }
        let plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && name.len() <= 32;
        if plain {
            Ok(Self(name.into()))
        } else {
            Err(ZoneError::BadName { name: name.into() })
        }
    }
}

impl fmt::Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A time zone with its whole history, such as `Europe/Berlin`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Coordinated Universal Time.
    pub(super) const UTC: Self = Self(TimeZone::UTC);

    /// What the time zone database calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        // Every zone was found by its name; the one that is made here is UTC.
        self.0.iana_name().unwrap_or("UTC")
    }

    /// What calendar and clock show there at `instant`.
    pub(super) fn at(&self, instant: Timestamp) -> DateTime {
        self.0.to_datetime(instant)
    }
}

impl FromStr for Zone {
    type Err = ZoneError;

    fn from_str(iana: &str) -> Result<Self, Self::Err> {
        TimeZone::get(iana)
            .map(Self)
            .map_err(|cause| ZoneError::Unknown {
                zone: iana.into(),
                cause,
            })
    }
}

/// Why a zone cannot be declared so.
#[derive(Debug, thiserror::Error)]
pub enum ZoneError {
    /// Not a plain identifier.
    #[error("`{name}` is not 1 to 32 of a-z, A-Z, 0-9, `_`, beginning with a letter")]
    BadName {
        /// What was given.
        name: String,
    },
    /// Something else in the context has this name.
    #[error("`context.{name}` already means something else")]
    Reserved {
        /// What was given.
        name: String,
    },
    /// The time zone database has no such zone.
    #[error("`{zone}` is not an IANA time zone")]
    Unknown {
        /// What was given.
        zone: String,
        /// What the database said.
        #[source]
        cause: jiff::Error,
    },
}

/// The names that the context has of itself, and Cedar's own words.
const RESERVED: [&str; 23] = [
    "authAge", "headers", "host", "method", "now", "params", "path", "query", "signals",
    "sourceIp", "user", "utc", "tls", "true", "false", "if", "then", "else", "in", "is", "like",
    "has", "__cedar",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_may_not_hide_something_else() {
        assert_eq!("berlin".parse::<ZoneName>().unwrap().as_str(), "berlin");
        for name in ["path", "utc", "headers", "in"] {
            assert!(
                matches!(name.parse::<ZoneName>(), Err(ZoneError::Reserved { .. })),
                "{name}"
            );
        }
        for name in ["", "1st", "a-b", "new york"] {
            assert!(
                matches!(name.parse::<ZoneName>(), Err(ZoneError::BadName { .. })),
                "{name}"
            );
        }
    }

    #[test]
    fn a_zone_is_one_that_the_database_knows() {
        assert!("Europe/Berlin".parse::<Zone>().is_ok());
        assert!(matches!(
            "Europe/Berlinn".parse::<Zone>(),
            Err(ZoneError::Unknown { .. })
        ));
    }
}
