//! Policies that the authority gives us.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::app::policies::Good;
use crate::app::policies::Policies;
use crate::app::policies::PolicyMistakes;
use crate::app::policies::warn;
use crate::config::Config;
use crate::config::IdentitySource;
use crate::enrol;
use crate::enrol::Bulletin;
use crate::enrol::EnrolError;
use crate::enrol::Follower;
use crate::enrol::Heard;
use crate::enrol::SignedPolicy;
use crate::enrol::SignedPolicyError;
use crate::identity::Live;
use crate::policy::Groups;
use crate::policy::Policy;
use crate::policy::Settings;
use crate::time::SystemClock;

/// Policies that the authority gives us.
#[derive(Debug)]
pub(super) struct PolicyFeed {
    bulletin: Arc<Bulletin>,
    in_force: Mutex<Option<Arc<SignedPolicy>>>,
    /// What is particular to us: services and routes.
    settings: Settings,
}

impl PolicyFeed {
    pub(super) const fn new(bulletin: Arc<Bulletin>, settings: Settings) -> Self {
        Self {
            bulletin,
            in_force: Mutex::new(None),
            settings,
        }
    }

    /// The set to begin with: the newest that was told, or else the one that was
    /// kept. Asks the authority, once, where neither can be put in force.
    pub(super) async fn first(&self, follower: &Follower, live: &Live) -> Result<Good, NoPolicy> {
        let mut reasons = Vec::new();
        let kept = self.bulletin.kept(live.current().bundles());
        let kept = kept.unwrap_or_else(|cause| {
            reasons.push(NoPolicy::Damaged { cause });
            None
        });
        let mut sets = Vec::new();
        let told = self.told();
        let was_told = told.is_some();
        match told {
            // One that is older than ours is left to the follower.
            Some(Ok(told)) => {
                let is_older = |kept: &Arc<SignedPolicy>| told.version() < kept.version();
                if !kept.as_ref().is_some_and(is_older) {
                    sets.push(told);
                }
            }
            Some(Err(why)) => reasons.push(why),
            None => {}
        }
        sets.extend(kept);
        if let Some(good) = self.first_good(sets, &mut reasons) {
            return Ok(good);
        }
        if !was_told {
            match follower.hear_once(live).await {
                Ok(()) => match self.told().unwrap_or(Err(NoPolicy::None)) {
                    Ok(told) => {
                        if let Some(good) = self.first_good(vec![told], &mut reasons) {
                            return Ok(good);
                        }
                    }
                    Err(why) => reasons.push(why),
                },
                Err(cause) => reasons.push(NoPolicy::NotTold { cause }),
            }
        }
        // What is wrong with what is here comes before what could not be had.
        Err(reasons.into_iter().next().unwrap_or(NoPolicy::None))
    }

    /// What was told last, if anything was.
    fn told(&self) -> Option<Result<Arc<SignedPolicy>, NoPolicy>> {
        match self.bulletin.sets().borrow().clone() {
            Heard::Believed { set, .. } => Some(Ok(set)),
            Heard::None => Some(Err(NoPolicy::None)),
            Heard::Refused { version, cause } => {
                Some(Err(NoPolicy::NotBelieved { version, cause }))
            }
            Heard::Unheard => None,
        }
    }

    /// The first of `sets` without mistakes, put in force.
    fn first_good(
        &self,
        sets: Vec<Arc<SignedPolicy>>,
        reasons: &mut Vec<NoPolicy>,
    ) -> Option<Good> {
        for set in sets {
            match compile(&set, &self.settings) {
                Ok(good) => {
                    for why in reasons {
                        let error: &dyn std::error::Error = why;
                        tracing::warn!(error, "a policy set is passed over");
                    }
                    self.bulletin.in_force(&set);
                    *self.in_force() = Some(set);
                    return Some(good);
                }
                Err(cause) => reasons.push(NoPolicy::Mistakes {
                    version: set.version(),
                    cause,
                }),
            }
        }
        None
    }

    fn in_force(&self) -> MutexGuard<'_, Option<Arc<SignedPolicy>>> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts in force what the authority tells, for ever.
    pub(super) async fn watch(&self, policies: &Policies) {
        let mut sets = self.bulletin.sets();
        loop {
            let heard = sets.borrow_and_update().clone();
            match heard {
                Heard::Believed { set, insists } => {
                    let version = policies.status().version;
                    let is_older = version.is_some_and(|version| set.version() < version);
                    if insists || !is_older {
                        self.take(set, policies).await;
                    }
                }
                Heard::None => policies.refuse(&NoPolicy::None),
                Heard::Refused { version, cause } => {
                    policies.refuse(&NoPolicy::NotBelieved { version, cause });
                }
                Heard::Unheard => {}
            }
            if sets.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Puts `set` in force, or notes why not. A large one takes seconds, so that
    /// is another thread's work; so is writing it down.
    async fn take(&self, set: Arc<SignedPolicy>, policies: &Policies) {
        let known = self.in_force().clone();
        let is_signed_anew = known.is_some_and(|known| known.is_same_set_as(&set));
        let (bulletin, settings) = (Arc::clone(&self.bulletin), self.settings.clone());
        let taken = Arc::clone(&set);
        let work = tokio::task::spawn_blocking(move || {
            let good = if is_signed_anew {
                None
            } else {
                Some(compile(&taken, &settings)?)
            };
            bulletin.in_force(&taken);
            Ok::<_, PolicyMistakes>(good)
        });
        match work.await {
            Ok(Ok(Some(good))) => policies.accept(good),
            Ok(Ok(None)) => policies.content(),
            Ok(Err(cause)) => {
                let version = set.version();
                return policies.refuse(&NoPolicy::Mistakes { version, cause });
            }
            Err(_panic) => {
                let version = set.version();
                return policies.refuse(&NoPolicy::Unchecked { version });
            }
        }
        *self.in_force() = Some(set);
    }
}

/// The set, checked against its own words and what is particular to us. From
/// where callers may come was looked at by whoever has published it.
pub(super) fn compile(set: &SignedPolicy, own: &Settings) -> Result<Good, PolicyMistakes> {
    let document = set.document();
    let mut settings = document.settings().clone();
    settings.add_services(&own.services);
    let compiled = document.compile(&settings);
    let (policy, warnings) = compiled.map_err(|mistakes| PolicyMistakes { mistakes })?;
    warn(&warnings);
    Ok(Good {
        declared: settings.workload_groups,
        policy,
        version: Some(set.version()),
    })
}

/// The set that a sidecar with this configuration would begin with if the
/// authority told of none; nothing if none was kept.
///
/// # Errors
///
/// [`NoPolicy`] says why it would not begin with what was kept.
pub fn look_at_kept_policy(config: &Config) -> Result<Option<KeptPolicy>, NoPolicy> {
    let IdentitySource::Authority(settings) = &config.identity else {
        return Ok(None);
    };
    let clock = Arc::new(SystemClock);
    let kept = enrol::look_at_kept_policy(settings, clock);
    let Some(set) = kept.map_err(|cause| NoPolicy::Damaged { cause })? else {
        return Ok(None);
    };
    let version = set.version();
    let good = compile(&set, &config.policy);
    let good = good.map_err(|cause| NoPolicy::Mistakes { version, cause })?;
    Ok(Some(KeptPolicy {
        groups: good.declared,
        policy: good.policy,
        version,
    }))
}

/// A set of the authority's that was kept.
#[derive(Debug)]
pub struct KeptPolicy {
    /// The groups that it declares. Whom entries put in groups is not kept in it.
    pub groups: Groups,
    /// The set.
    pub policy: Policy,
    /// Its number.
    pub version: u64,
}

/// Why the authority's policies are not in force.
#[derive(Debug, thiserror::Error)]
pub enum NoPolicy {
    /// What was kept is not to be believed, and nobody tells of another.
    #[error("no policy can be put in force")]
    Damaged {
        /// Which file, and why.
        #[source]
        cause: EnrolError,
    },
    /// The set has mistakes.
    #[error("policy set {version} of the authority is refused")]
    Mistakes {
        /// Which.
        version: u64,
        /// All of them.
        #[source]
        cause: PolicyMistakes,
    },
    /// The authority gives none.
    #[error(
        "the authority gives no policies: it needs a `policy` section with a folder that it can \
         publish (`portreeve authority policy` says what is wrong)"
    )]
    None,
    /// The set is not the authority's.
    #[error("policy set {version} is not to be believed")]
    NotBelieved {
        /// Which it says to be.
        version: u64,
        /// Why not.
        #[source]
        cause: Arc<SignedPolicyError>,
    },
    /// None was kept, and the authority cannot be asked.
    #[error("no policy set was kept from before, and the authority cannot be asked for one")]
    NotTold {
        /// Why not.
        #[source]
        cause: EnrolError,
    },
    /// Checking the set has failed, which is a mistake of ours.
    #[error("policy set {version} cannot be checked")]
    Unchecked {
        /// Which.
        version: u64,
    },
}
