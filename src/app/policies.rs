//! Keeps the policy in force, and who is in its groups.
//!
//! A set with a mistake never takes effect; the last good one stays. Groups are
//! another matter: who is in them changes at once, and without a new set.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::SystemTime;

use tokio::sync::Notify;
use tokio::time::sleep;

use crate::admin;
use crate::enrol::Bulletin;
use crate::policy::Current;
use crate::policy::Groups;
use crate::policy::Metrics;
use crate::policy::Mistake;
use crate::policy::Policy;
use crate::policy::PushError;
use crate::policy::Pushed;
use crate::policy::PushedSignal;
use crate::policy::Signals;
use crate::time::Clock;

/// The policy's keeper.
#[derive(Debug)]
pub(super) struct Policies {
    bulletin: Option<Arc<Bulletin>>,
    clock: Arc<dyn Clock>,
    current: Arc<Current>,
    metrics: Metrics,
    /// Told when what was refused may be good now, since there are other groups.
    retry: Notify,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The groups that go with the set in force, whatever else is told.
    declared: Groups,
    last_error: Option<admin::Trouble>,
    loaded_at: SystemTime,
    /// What operators say of callers, over what the file says.
    pushed: Pushed,
    /// What the file says of callers.
    signals: Signals,
    version: Option<u64>,
}

/// A set without mistakes.
#[derive(Debug)]
pub(super) struct Good {
    /// The groups that go with it.
    pub(super) declared: Groups,
    pub(super) policy: Policy,
    /// Its number, if an authority has given it.
    pub(super) version: Option<u64>,
}

impl Policies {
    /// Begins with `first`, without which nothing starts. `bulletin` tells who
    /// else is in groups, if there is an authority.
    pub(super) fn new(
        first: Good,
        bulletin: Option<Arc<Bulletin>>,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Self {
        metrics.loaded(&first.policy);
        let told = all_groups(&first.declared, bulletin.as_deref());
        let policy = first.policy.with_groups(&told).unwrap_or(first.policy);
        let signals = policy.signals().clone();
        let pushed = Pushed::new(policy.signal_types().clone());
        let state = Mutex::new(State {
            declared: first.declared,
            last_error: None,
            loaded_at: clock.now(),
            pushed,
            signals,
            version: first.version,
        });
        Self {
            bulletin,
            clock,
            current: Arc::new(Current::new(policy)),
            metrics,
            retry: Notify::new(),
            state,
        }
    }

    pub(super) const fn current(&self) -> &Arc<Current> {
        &self.current
    }

    /// How it is, for the operator.
    pub(super) fn status(&self) -> admin::Policy {
        let state = self.state();
        admin::Policy {
            revision: self.current.load().revision().as_str().to_owned(),
            version: state.version,
            loaded_at: state.loaded_at,
            last_error: state.last_error.clone(),
        }
    }

    /// Puts `next` in force, unless it is from a folder that says what it has
    /// said before. Sets of an authority differ in their words, too.
    pub(super) fn accept(&self, next: Good) {
        let Good {
            declared,
            policy,
            version,
        } = next;
        let signals = policy.signals().clone();
        let policy = policy.with_signals(self.pushed_over(&signals, &policy));
        let is_same = policy.is_same_as(&self.current.load());
        if is_same && version.is_none() {
            return self.content();
        }
        let revision = policy.revision().short();
        tracing::info!(revision, version, "the policy changed");
        self.metrics.loaded(&policy);
        let told = all_groups(&declared, self.bulletin.as_deref());
        let policy = policy.with_groups(&told).unwrap_or(policy);
        self.current.replace(policy);
        let mut state = self.state();
        state.declared = declared;
        state.last_error = None;
        state.loaded_at = self.clock.now();
        state.signals = signals;
        state.version = version;
    }

    /// What `signals` say, and over it what operators push of those that `next` knows.
    fn pushed_over(&self, signals: &Signals, next: &Policy) -> Signals {
        let mut state = self.state();
        let forgotten = state.pushed.redeclare(next.signal_types());
        let all = state.pushed.over(signals);
        drop(state);
        if forgotten > 0 {
            tracing::warn!(
                forgotten,
                "values that operators pushed are of signals that the policy has no more"
            );
        }
        all
    }

    /// Puts other values of signals in force.
    pub(super) fn signal(&self, signals: Signals) {
        self.state().signals = signals;
        self.resignal();
        self.content();
    }

    /// Puts in force what is said of callers now: by the file, and by operators.
    fn resignal(&self) {
        let state = self.state();
        let signals = state.pushed.over(&state.signals);
        drop(state);
        let policy = self.current.load();
        if *policy.signals() != signals {
            self.current.replace(policy.with_signals(signals));
        }
    }

    /// Forgets what operators pushed when it is over, for ever: then the file's
    /// word is good again.
    pub(super) async fn forget(&self) {
        loop {
            sleep(LOOK_EVERY).await;
            let now = self.clock.now();
            if self.state().pushed.expire(now) {
                self.resignal();
            }
        }
    }

    /// Notes why the newest set is not put in force.
    pub(super) fn refuse(&self, why: &(dyn Error + 'static)) {
        let causes = std::iter::successors(why.source(), |&cause| cause.source());
        let reason = causes.fold(why.to_string(), |text, cause| format!("{text}: {cause}"));
        let mut chain = std::iter::successors(Some(why), |&cause| cause.source());
        let mistakes = chain.find_map(|cause| cause.downcast_ref::<PolicyMistakes>());
        let mistakes = mistakes.map_or(&[][..], |found| &found.mistakes);
        self.metrics.refused(mistakes);
        let mut state = self.state();
        let is_known = state
            .last_error
            .as_ref()
            .is_some_and(|known| known.reason == reason);
        if !is_known {
            tracing::error!(reason, "the policy is refused; the last good one stays");
            let since = self.clock.now();
            state.last_error = Some(admin::Trouble { reason, since });
        }
    }

    /// Notes that nothing is wrong with what is in force.
    pub(super) fn content(&self) {
        self.metrics.content();
        self.state().last_error = None;
    }

    /// Whether the newest set was refused.
    pub(super) fn is_refused(&self) -> bool {
        self.state().last_error.is_some()
    }

    /// The groups that the authority tells of.
    pub(super) fn told_groups(&self) -> Groups {
        all_groups(&Groups::new(), self.bulletin.as_deref())
    }

    /// Puts other members in force whenever the authority tells of them, for ever.
    pub(super) async fn follow_groups(&self) {
        let Some(bulletin) = &self.bulletin else {
            return std::future::pending().await;
        };
        let mut groups = bulletin.groups();
        loop {
            let told = all_groups(&self.state().declared, Some(bulletin));
            if let Some(next) = self.current.load().with_groups(&told) {
                self.current.replace(next);
            }
            if self.is_refused() {
                self.retry.notify_one();
            }
            if groups.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Ends when what was refused may be good now.
    pub(super) async fn may_be_good_now(&self) {
        self.retry.notified().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl admin::Signals for Policies {
    fn set(&self, caller: &str, said: (&str, &str), until: SystemTime) -> Result<(), PushError> {
        self.state().pushed.set(caller, said, until)?;
        self.resignal();
        Ok(())
    }

    fn clear(&self, caller: &str, name: &str) -> Result<bool, PushError> {
        let was_said = self.state().pushed.clear(caller, name)?;
        self.resignal();
        Ok(was_said)
    }

    fn pushed(&self) -> Vec<PushedSignal> {
        self.state().pushed.all()
    }
}

/// `declared`, and what is told.
fn all_groups(declared: &Groups, bulletin: Option<&Bulletin>) -> Groups {
    let mut all = declared.clone();
    if let Some(bulletin) = bulletin {
        for (name, members) in bulletin.groups().borrow().iter() {
            let known = all.entry(name.clone()).or_default();
            known.extend(members.iter().cloned());
        }
    }
    all
}

pub(super) fn warn(warnings: &[Mistake]) {
    for warning in warnings {
        tracing::warn!(%warning, "the policy may not say what was meant");
    }
}

/// Everything that is wrong with a policy set.
#[derive(Debug, thiserror::Error)]
pub struct PolicyMistakes {
    /// In the order of the text.
    pub mistakes: Vec<Mistake>,
}

impl fmt::Display for PolicyMistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.mistakes.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// What is over is absent at once: only that it uncovers the file's word waits.
const LOOK_EVERY: Duration = Duration::from_secs(1);
