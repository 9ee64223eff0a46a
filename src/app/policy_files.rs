//! Files that policies are read with, and whether they have changed.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use crate::app::policies::Policies;
use crate::app::policies::PolicyMistakes;
use crate::policy::Settings;
use crate::policy::Signals;
use crate::store::Fingerprint;

/// The files, and what was read of them last.
#[derive(Debug)]
pub(super) struct PolicyFiles {
    seen: Mutex<Seen>,
    /// What a set is made of, besides what it is told.
    set: Vec<PathBuf>,
    signals: Option<PathBuf>,
}

/// What all that is read looks like.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Seen {
    set: Fingerprint,
    signals: Fingerprint,
}

/// What is to be read again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Changed {
    /// All of it.
    Set,
    /// What is said of callers, which may change often.
    Signals,
}

impl PolicyFiles {
    /// Those that `settings` name, and the folder `dir` if policies are in one.
    pub(super) fn new(dir: Option<PathBuf>, settings: &Settings) -> Self {
        let set = dir.into_iter().chain(settings.workload_groups_file.clone());
        let set: Vec<PathBuf> = set.collect();
        let signals = settings.signals_file.clone();
        Self {
            seen: Mutex::new(Seen {
                set: Fingerprint::take(set.iter()),
                signals: Fingerprint::take(signals.iter()),
            }),
            set,
            signals,
        }
    }

    /// Whether there are any.
    pub(super) const fn are_none(&self) -> bool {
        self.set.is_empty() && self.signals.is_none()
    }

    /// How they look now. Before they are read: a change during the reading is seen
    /// by the next look.
    pub(super) fn look(&self) -> Seen {
        Seen {
            set: Fingerprint::take(self.set.iter()),
            signals: Fingerprint::take(self.signals.iter()),
        }
    }

    /// How they looked when they were read.
    pub(super) fn seen(&self) -> Seen {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clone()
    }

    /// They were read as they looked `then`.
    pub(super) fn see(&self, then: Seen) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = then;
    }

    /// What changed, when two looks in a row see the same: a file that is still
    /// being written may read as a whole one with less in it.
    pub(super) fn changed(&self, before: &mut Seen) -> Option<Changed> {
        let (now, seen) = (self.look(), self.seen());
        let is_settled = now == *before && now != seen;
        let is_same_set = now.set == seen.set;
        *before = now;
        is_settled.then_some(if is_same_set {
            Changed::Signals
        } else {
            Changed::Set
        })
    }

    /// Puts in force what is said of callers now, by the signals of the set in force.
    pub(super) async fn reload_signals(&self, policies: &Policies) {
        let seen = self.look();
        let file = self.signals.clone();
        let set = policies.current().load();
        let reading = tokio::task::spawn_blocking(move || {
            let read = |path: &PathBuf| Signals::read(path, set.signal_types());
            file.as_ref().map(read).transpose()
        });
        let Ok(read) = reading.await else {
            tracing::error!("reading the signals failed; the last good ones stay");
            return;
        };
        self.see(seen);
        match read {
            Ok(signals) => policies.signal(signals.unwrap_or_default()),
            Err(mistakes) => policies.refuse(&PolicyMistakes { mistakes }),
        }
    }
}

/// Soon enough that one file dropped into the folder works within a second.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(250);
/// What was refused is read again now and then, because the reason may have been a
/// want of descriptors or memory that is over. Reading a large set takes seconds of
/// a core.
pub(super) const TRY_AGAIN_AFTER: Duration = Duration::from_secs(60);
