//! Policies that the authority gives us.

use std::sync::Arc;

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
use crate::policy::Revision;
use crate::policy::Settings;
use crate::time::SystemClock;

/// Policies that the authority gives us.
#[derive(Debug)]
pub(super) struct PolicyFeed {
    bulletin: Arc<Bulletin>,
    /// What is particular to us: services and routes, and whose callers we know.
    settings: Settings,
}

impl PolicyFeed {
    pub(super) const fn new(bulletin: Arc<Bulletin>, settings: Settings) -> Self {
        Self { bulletin, settings }
    }

    /// The set to begin with: the newest that was told, or else the one that was
    /// kept. Asks the authority, once, only where there is neither.
    pub(super) async fn first(&self, follower: &Follower, live: &Live) -> Result<Good, NoPolicy> {
        let kept = self.bulletin.kept(live.current().bundles());
        let is_good = matches!(kept, Ok(Some(_)));
        let sets = self.bulletin.sets();
        let mut heard = sets.borrow().clone();
        if matches!(heard, Heard::Unheard) && !is_good {
            // What was kept and is not to be believed is the better reason not to start.
            if let Err(cause) = follower.hear_once(live).await {
                kept.map_err(|cause| NoPolicy::Damaged { cause })?;
                return Err(NoPolicy::NotTold { cause });
            }
            heard = sets.borrow().clone();
        }
        let told = match heard {
            Heard::Believed { set, .. } => Ok(set),
            Heard::None | Heard::Unheard => Err(NoPolicy::None),
            Heard::Refused { version, cause } => Err(NoPolicy::NotBelieved { version, cause }),
        };
        match (told, kept) {
            (Ok(told), Ok(Some(kept))) if told.version() < kept.version() => self.put(&kept),
            (Ok(told), Ok(Some(kept))) => self.put(&told).or_else(|mistakes| {
                let error: &dyn std::error::Error = &mistakes;
                tracing::error!(
                    error,
                    "the newest policy set is refused; the last good one stays"
                );
                self.put(&kept)
            }),
            (Ok(told), Ok(None)) => self.put(&told),
            (Ok(told), Err(error)) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "the policy set that was kept is replaced");
                self.put(&told)
            }
            (Err(_), Ok(Some(kept))) => self.put(&kept),
            (Err(none), Ok(None)) => Err(none),
            (Err(_), Err(cause)) => Err(NoPolicy::Damaged { cause }),
        }
    }

    fn put(&self, set: &SignedPolicy) -> Result<Good, NoPolicy> {
        let good = compile(set, &self.settings).map_err(|cause| NoPolicy::Mistakes {
            version: set.version(),
            cause,
        })?;
        self.bulletin.in_force(set);
        Ok(good)
    }

    /// Puts in force what the authority tells, for ever.
    pub(super) async fn watch(&self, policies: &Policies) {
        let mut sets = self.bulletin.sets();
        let mut in_force: Option<Arc<SignedPolicy>> = None;
        loop {
            let heard = sets.borrow_and_update().clone();
            match heard {
                Heard::Believed { set, insists } => {
                    let version = policies.status().version;
                    let is_older = version.is_some_and(|version| set.version() < version);
                    if insists || !is_older {
                        self.take(set, &mut in_force, policies).await;
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
    async fn take(
        &self,
        set: Arc<SignedPolicy>,
        in_force: &mut Option<Arc<SignedPolicy>>,
        policies: &Policies,
    ) {
        let is_signed_anew = in_force
            .as_ref()
            .is_some_and(|known| known.is_same_set_as(&set));
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
                return tracing::error!("checking the policy failed; the last good one stays");
            }
        }
        *in_force = Some(set);
    }
}

/// The set, checked against its own words and what is particular to us.
pub(super) fn compile(set: &SignedPolicy, own: &Settings) -> Result<Good, PolicyMistakes> {
    let document = set.document();
    let mut settings = document.settings().clone();
    settings.add_services(&own.services);
    settings.trust_domains.clone_from(&own.trust_domains);
    let compiled = document.compile(&settings);
    let (policy, warnings) = compiled.map_err(|mistakes| PolicyMistakes { mistakes })?;
    warn(&warnings);
    Ok(Good {
        declared: settings.workload_groups,
        policy,
        version: Some(set.version()),
    })
}

/// The version and the revision of the set that a sidecar with this configuration
/// would begin with if the authority told of none; nothing if none was kept.
///
/// # Errors
///
/// [`NoPolicy`] says why it would not begin with what was kept.
pub fn look_at_kept_policy(config: &Config) -> Result<Option<(u64, Revision)>, NoPolicy> {
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
    Ok(Some((version, good.policy.revision().clone())))
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
}
