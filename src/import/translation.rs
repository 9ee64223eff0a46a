//! What becomes of a file: policies that load, or all that stands in the way.

use std::collections::BTreeMap;

use http::HeaderName;

use crate::import::refusals::Refusals;
use crate::import::refusals::Untranslatable;
use crate::policy::ClaimName;
use crate::policy::ClaimType;
use crate::policy::Policy;
use crate::policy::ServiceName;
use crate::policy::Settings;
use crate::policy::Severity;
use crate::policy::Zone;
use crate::policy::ZoneName;

/// A translation.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Imported {
    /// The policies.
    pub cedar: String,
    /// The claims that the configuration must declare for them.
    pub claims: BTreeMap<ClaimName, ClaimType>,
    /// The headers that the configuration must declare for them.
    pub headers: Vec<HeaderName>,
    /// The time zones that the configuration must declare for them.
    pub zones: BTreeMap<ZoneName, Zone>,
}

impl Imported {
    /// Adds a header that is read.
    pub(super) fn reads(&mut self, name: HeaderName) {
        if !self.headers.contains(&name) {
            self.headers.push(name);
        }
    }

    /// What cannot be loaded for `service` is no translation.
    pub(super) fn finish(
        self,
        service: &ServiceName,
        mut notes: Refusals,
    ) -> Result<Self, Vec<Untranslatable>> {
        let settings = Settings {
            services: [(service.clone(), Vec::new())].into(),
            claims: self.claims.clone(),
            headers: self.headers.clone(),
            zones: self.zones.clone(),
            ..Settings::default()
        };
        if notes.0.is_empty()
            && let Err(mistakes) = Policy::parse(&[("translation", &self.cedar)], &settings)
        {
            let errors = mistakes
                .into_iter()
                .filter(|m| m.severity == Severity::Error);
            for mistake in errors {
                notes.whole(0, mistake.to_string());
            }
        }
        if notes.0.is_empty() {
            return Ok(self);
        }
        notes.0.sort_by_key(|note| note.line);
        Err(notes.0)
    }
}
