//! Policies that the authority gives us.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio::time::sleep;

use crate::app::policies::Good;
use crate::app::policies::Policies;
use crate::app::policies::PolicyMistakes;
use crate::app::policies::warn;
use crate::app::policy_files::Changed;
use crate::app::policy_files::LOOK_EVERY;
use crate::app::policy_files::PolicyFiles;
use crate::app::policy_files::TRY_AGAIN_AFTER;
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
    /// Those that each set is read with.
    files: PolicyFiles,
    in_force: Mutex<Option<Arc<SignedPolicy>>>,
    /// What is particular to us: services and routes, and files of groups and signals.
    settings: Settings,
}

impl PolicyFeed {
    pub(super) fn new(bulletin: Arc<Bulletin>, settings: Settings) -> Self {
        Self {
            bulletin,
            files: PolicyFiles::new(None, &settings),
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
            self.files.see(self.files.look());
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

    /// Puts in force what the authority tells and what the files say, for ever;
    /// reads them at once when `asked`.
    pub(super) async fn watch(&self, policies: &Policies, asked: &Notify) {
        let mut sets = self.bulletin.sets();
        // What was told before this.
        sets.mark_changed();
        let mut before = self.files.seen();
        let mut tried = Instant::now();
        loop {
            let is_due = tokio::select! {
                told = sets.changed() => {
                    if told.is_err() {
                        return std::future::pending().await;
                    }
                    let heard = sets.borrow_and_update().clone();
                    self.heed(heard, policies).await;
                    false
                }
                () = sleep(LOOK_EVERY), if !self.files.are_none() => {
                    match self.files.changed(&mut before) {
                        Some(Changed::Signals) if !policies.is_refused() => {
                            self.files.reload_signals(policies).await;
                            false
                        }
                        Some(_) => true,
                        None => policies.is_refused() && tried.elapsed() >= TRY_AGAIN_AFTER,
                    }
                }
                () = asked.notified() => true,
            };
            if is_due {
                self.read_again(policies).await;
                tried = Instant::now();
            }
        }
    }

    /// What is `heard` is put in force, or it is noted why not.
    async fn heed(&self, heard: Heard, policies: &Policies) {
        match heard {
            Heard::Believed { set, insists } => {
                let version = policies.status().version;
                let is_older = version.is_some_and(|version| set.version() < version);
                if insists || !is_older {
                    let known = self.in_force().clone();
                    let is_known = known.is_some_and(|known| known.is_same_set_as(&set));
                    // What was refused may be a file that it is read with.
                    if is_known && !policies.is_refused() {
                        self.sign_anew(set).await;
                    } else {
                        self.take(set, policies).await;
                    }
                }
            }
            Heard::None => policies.refuse(&NoPolicy::None),
            Heard::Refused { version, cause } => {
                policies.refuse(&NoPolicy::NotBelieved { version, cause });
            }
            Heard::Unheard => {}
        }
    }

    /// The set in force, with what the files say now; then the one that was told
    /// last, if that is another.
    async fn read_again(&self, policies: &Policies) {
        let in_force = self.in_force().clone();
        let told = self.bulletin.sets().borrow().clone();
        match (told, in_force) {
            (Heard::Believed { set, .. }, Some(known)) if known.is_same_set_as(&set) => {
                self.take(set, policies).await;
            }
            (told, known) => {
                if let Some(known) = known {
                    self.take(known, policies).await;
                }
                self.heed(told, policies).await;
            }
        }
    }

    /// The set in force has other signatures, and is as good as before.
    async fn sign_anew(&self, set: Arc<SignedPolicy>) {
        let (bulletin, signed) = (Arc::clone(&self.bulletin), Arc::clone(&set));
        let kept = tokio::task::spawn_blocking(move || bulletin.in_force(&signed)).await;
        if kept.is_ok() {
            *self.in_force() = Some(set);
        }
    }

    /// Puts `set` in force, or notes why not. A large one takes seconds, so that
    /// is another thread's work; so is writing it down.
    async fn take(&self, set: Arc<SignedPolicy>, policies: &Policies) {
        let seen = self.files.look();
        let (bulletin, settings) = (Arc::clone(&self.bulletin), self.settings.clone());
        let taken = Arc::clone(&set);
        let work = tokio::task::spawn_blocking(move || {
            let good = compile(&taken, &settings)?;
            bulletin.in_force(&taken);
            Ok::<_, PolicyMistakes>(good)
        });
        let done = work.await;
        self.files.see(seen);
        let version = set.version();
        match done {
            Ok(Ok(good)) => policies.accept(good),
            Ok(Err(cause)) => return policies.refuse(&NoPolicy::Mistakes { version, cause }),
            Err(_panic) => return policies.refuse(&NoPolicy::Unchecked { version }),
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
    settings
        .workload_groups_file
        .clone_from(&own.workload_groups_file);
    settings.signals_file.clone_from(&own.signals_file);
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
