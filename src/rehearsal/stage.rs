//! The policies that descriptions are put to, and the doors that they would come through.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use crate::app;
use crate::app::NoPolicy;
use crate::config::AuthorityConfig;
use crate::config::Config;
use crate::config::PolicySource;
use crate::policy;
use crate::policy::GroupName;
use crate::policy::Groups;
use crate::policy::Policy;
use crate::policy::ServiceName;
use crate::policy::SignalName;
use crate::policy::SignalType;
use crate::policy::Signals;
use crate::proxy::Terms;
use crate::rehearsal::who::Who;

/// Policies in force, and what the doors of their services take.
#[derive(Debug)]
pub struct Stage {
    groups: Groups,
    /// The service that others ask here.
    own: Option<ServiceName>,
    policy: Arc<Policy>,
    services: BTreeSet<ServiceName>,
    /// Those that are declared.
    signals: BTreeMap<SignalName, SignalType>,
    /// Of the services whose doors are known.
    terms: BTreeMap<ServiceName, Terms>,
}

/// No service of the sidecar is meant.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("which service? there are: {}", listed(.known))]
pub struct NoService {
    /// Those that there are.
    pub known: Vec<ServiceName>,
}

/// Why there is nothing to put a description to.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The configuration is none.
    #[error("{}", lines(.0))]
    Config(Vec<crate::config::Mistake>),
    /// The policies have mistakes.
    #[error("{}", lines(.0))]
    Mistakes(Vec<policy::Mistake>),
    /// What the authority gave is not to be had.
    #[error("the authority's policies cannot be looked at")]
    NoKept(#[source] NoPolicy),
    /// The policies are the authority's, and none was kept.
    #[error(
        "policies come from the authority, and none was kept yet: start the sidecar once, or look at the authority's folder"
    )]
    NoneKept,
    /// The authority gives no policies.
    #[error("its configuration has no `policy` section, so it gives out no policies")]
    NoWords,
}

impl Stage {
    /// Policies and doors of a sidecar's configuration.
    ///
    /// # Errors
    ///
    /// [`StageError`] says what is wrong with either.
    pub fn of_sidecar(path: &Path) -> Result<Self, StageError> {
        let config = Config::load(path).map_err(StageError::Config)?;
        match &config.policy_source {
            PolicySource::Folder(dir) => Self::of_folder(dir, &config),
            PolicySource::Authority => {
                let kept = app::look_at_kept_policy(&config).map_err(StageError::NoKept)?;
                let kept = kept.ok_or(StageError::NoneKept)?;
                let alone = Self::new(kept.policy, kept.groups);
                Ok(alone.beside(&config))
            }
        }
    }

    /// The policies of the folder `dir`, beside the doors of `config`.
    ///
    /// # Errors
    ///
    /// [`StageError::Mistakes`]
    pub fn of_folder(dir: &Path, config: &Config) -> Result<Self, StageError> {
        let (policy, _) = Policy::load(dir, &config.policy).map_err(StageError::Mistakes)?;
        let groups = config.policy.workload_groups.clone();
        Ok(Self::new(policy, groups).beside(config))
    }

    /// The policies of the folder `dir` alone: services and groups are what they name.
    ///
    /// # Errors
    ///
    /// [`StageError::Mistakes`]
    pub fn of_folder_alone(dir: &Path) -> Result<Self, StageError> {
        let settings = policy::Settings::as_named_in(dir);
        let (policy, _) = Policy::load(dir, &settings).map_err(StageError::Mistakes)?;
        let groups = settings.workload_groups;
        Ok(Self::new(policy, groups))
    }

    /// The policies of the folder `dir` with the words of an authority that
    /// would give them out. Groups that they name count as declared: entries
    /// may have them.
    ///
    /// # Errors
    ///
    /// [`StageError`] says what is wrong with either.
    pub fn of_authority(dir: &Path, config: &AuthorityConfig) -> Result<Self, StageError> {
        let given = config.authority.policy.as_ref();
        let mut settings = given.ok_or(StageError::NoWords)?.words.clone();
        settings.add_groups(&policy::Settings::as_named_in(dir).workload_groups);
        let (policy, _) = Policy::load(dir, &settings).map_err(StageError::Mistakes)?;
        Ok(Self::new(policy, settings.workload_groups))
    }

    fn new(policy: Policy, groups: Groups) -> Self {
        Self {
            groups,
            own: None,
            services: policy.services().cloned().collect(),
            policy: Arc::new(policy),
            signals: BTreeMap::new(),
            terms: BTreeMap::new(),
        }
    }

    fn beside(self, config: &Config) -> Self {
        Self {
            own: config.inbound.as_ref().map(|door| door.service.clone()),
            signals: config.policy.signals.clone(),
            terms: terms(config),
            ..self
        }
    }

    /// The policies.
    #[must_use]
    pub const fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// The services that can be asked.
    #[must_use]
    pub const fn services(&self) -> &BTreeSet<ServiceName> {
        &self.services
    }

    /// The service that is asked: the one that is named, that of the door for
    /// others, or the only one.
    ///
    /// # Errors
    ///
    /// The services that there are, where none of them can be meant.
    pub fn service(&self, named: Option<ServiceName>) -> Result<ServiceName, NoService> {
        let known = || NoService {
            known: self.services.iter().cloned().collect(),
        };
        let only = || {
            self.services
                .iter()
                .next()
                .filter(|_| self.services.len() == 1)
        };
        let chosen = named.or_else(|| self.own.as_ref().or_else(only).cloned());
        let chosen = chosen.ok_or_else(known)?;
        if self.services.contains(&chosen) {
            Ok(chosen)
        } else {
            Err(known())
        }
    }

    /// What the doors of `service` take.
    pub(super) fn terms(&self, service: &ServiceName) -> Terms {
        self.terms.get(service).copied().unwrap_or_default()
    }

    /// `signals`, with values for `caller` besides: names, and texts in YAML.
    ///
    /// # Errors
    ///
    /// What is no value of a signal that is declared.
    pub fn signals<'a>(
        &self,
        signals: Signals,
        caller: &Who,
        values: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Signals, String> {
        let (name, mut values) = (caller.name(), values.into_iter());
        values.try_fold(signals, |signals, value| {
            signals.with(&name, value, &self.signals)
        })
    }

    /// The policies, with `caller` in `more` groups.
    pub(super) fn policy_for(&self, caller: &Who, more: &[GroupName]) -> Arc<Policy> {
        let Who::Workload(caller) = caller else {
            return Arc::clone(&self.policy);
        };
        if more.is_empty() {
            return Arc::clone(&self.policy);
        }
        let mut groups = self.groups.clone();
        for group in more {
            let members = groups.entry(group.clone()).or_default();
            members.insert(caller.clone());
        }
        let with = self.policy.with_groups(&groups);
        with.map_or_else(|| Arc::clone(&self.policy), Arc::new)
    }
}

/// What the doors for HTTP take. A service with two doors is asked at the one for others,
/// and at that for people only if it has no other, as any of its routes would.
fn terms(config: &Config) -> BTreeMap<ServiceName, Terms> {
    let mut all: BTreeMap<ServiceName, Terms> = BTreeMap::new();
    for door in config.edge.iter().map(|edge| &edge.door) {
        for route in &door.routes {
            let terms = all.entry(route.service.clone()).or_default();
            terms.latitude = terms.latitude.or(route.latitude);
            terms.limits = Some(door.limits);
        }
    }
    let outbound = config.outbound.iter();
    let outbound = outbound.map(|door| (&door.service, door.limits, door.latitude));
    let inbound = config.inbound.iter();
    let inbound = inbound.map(|door| (&door.service, door.limits, door.latitude));
    for (service, limits, latitude) in outbound.chain(inbound) {
        let limits = Some(limits);
        all.insert(service.clone(), Terms { latitude, limits });
    }
    all
}

fn listed(services: &[ServiceName]) -> String {
    let names: Vec<&str> = services.iter().map(ServiceName::as_str).collect();
    names.join(", ")
}

fn lines(mistakes: &[impl Display]) -> String {
    let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
