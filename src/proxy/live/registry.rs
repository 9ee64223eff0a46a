//! One worker's list of what is in flight.

use http::HeaderName;
use std::cell::Cell;
use std::cell::RefCell;
use std::rc::Rc;
use tokio::sync::Notify;

use crate::policy::Policy;
use crate::policy::Timing;
use crate::proxy::activity::Activity;
use crate::proxy::live::asker::Asked;
use crate::proxy::live::permission::Withdrawal;
use crate::proxy::live::slots::Slots;
use crate::proxy::live::terms::Cause;
use crate::proxy::live::terms::Moment;
use crate::proxy::live::terms::Terms;

/// All that has a permit, each with the question that it was the answer to.
#[derive(Debug, Default)]
pub(in crate::proxy) struct Registry {
    readable: RefCell<Readable>,
    slots: RefCell<Slots<Entry>>,
    /// How many entries the clock may end.
    timed: Cell<usize>,
    /// Whether somebody looks at the clock for them.
    is_watched: Cell<bool>,
    /// Told when somebody should.
    begun: Notify,
}

/// The fields that the policies of one generation may read.
#[derive(Debug, Default)]
struct Readable {
    generation: Option<u64>,
    names: Rc<[HeaderName]>,
}

#[derive(Debug)]
struct Entry {
    activity: Rc<Activity>,
    asked: Asked,
    /// Has had its no; it only has to end.
    is_lost: bool,
    terms: Terms,
}

impl Registry {
    /// Keeps `asked`, to which the answer was yes on `terms`, until the stake in it is dropped.
    pub(in crate::proxy) fn enter(
        self: &Rc<Self>,
        asked: Asked,
        terms: Terms,
        activity: &Rc<Activity>,
    ) -> Stake {
        self.count(Timing::Never, terms.timing);
        let entry = Entry {
            activity: Rc::clone(activity),
            asked,
            is_lost: false,
            terms,
        };
        Stake {
            registry: Rc::clone(self),
            slot: self.slots.borrow_mut().enter(entry),
        }
    }

    /// The fields that may be read under `policy`, which is of `generation`.
    pub(in crate::proxy) fn readable(&self, policy: &Policy, generation: u64) -> Rc<[HeaderName]> {
        let mut readable = self.readable.borrow_mut();
        if readable.generation != Some(generation) {
            let mut names: Vec<_> = policy.declared_headers().cloned().collect();
            names.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
            readable.generation = Some(generation);
            // The same list while it says the same, so that entries can tell.
            if *readable.names != *names {
                readable.names = names.into();
            }
        }
        Rc::clone(&readable.names)
    }

    /// Asks about entries from number `from` on whose answer may be another at
    /// `moment`, a bounded number of them. Returns where to go on, if there are more.
    pub(in crate::proxy) fn sweep(
        &self,
        from: usize,
        moment: Moment,
        mut ask: impl FnMut(&Asked, Cause) -> Result<Timing, Rc<Withdrawal>>,
    ) -> Option<usize> {
        let mut slots = self.slots.borrow_mut();
        let mut left = BUDGET;
        let mut at = from;
        while at < slots.ends() {
            if left == 0 {
                return Some(at);
            }
            left -= 1;
            let entry = slots.get_mut(at);
            at += 1;
            let Some((entry, cause)) = entry.and_then(|entry| entry.due(moment)) else {
                continue;
            };
            left = left.saturating_sub(ASKING);
            let timing = match ask(&entry.asked, cause) {
                Ok(timing) => timing,
                Err(why) => {
                    entry.is_lost = true;
                    entry.activity.permission().withdraw(why);
                    Timing::Never
                }
            };
            self.count(entry.terms.timing, timing);
            entry.terms = Terms::new(moment, timing);
        }
        None
    }

    /// Whether the clock may end any of them. From now on somebody looks at it
    /// if so, and is to be told of the next if not.
    pub(super) fn is_timed(&self) -> bool {
        let is_timed = self.timed.get() > 0;
        self.is_watched.set(is_timed);
        is_timed
    }

    /// Returns when somebody should look at the clock.
    pub(super) async fn timed_begun(&self) {
        self.begun.notified().await;
    }

    /// An entry has gone from one timing to another.
    fn count(&self, before: Timing, after: Timing) {
        if before == after {
            return;
        }
        let timed = self.timed.get();
        match (before, after) {
            (Timing::Never, _) => {
                self.timed.set(timed + 1);
                if !self.is_watched.replace(true) {
                    self.begun.notify_one();
                }
            }
            (_, Timing::Never) => self.timed.set(timed.saturating_sub(1)),
            _ => {}
        }
    }

    fn leave(&self, slot: usize) {
        let left = self.slots.borrow_mut().leave(slot);
        if let Some(entry) = left {
            self.count(entry.terms.timing, Timing::Never);
        }
    }
}

impl Entry {
    /// Itself, if it must be asked about at `moment`, and why.
    fn due(&mut self, moment: Moment) -> Option<(&mut Self, Cause)> {
        let mut cause = self.terms.outdated(moment).filter(|_| !self.is_lost)?;
        if cause == Cause::Session && !self.asked.is_of_session() {
            self.terms.generation = moment.generation;
            cause = self.terms.outdated(moment)?;
        }
        Some((self, cause))
    }
}

/// A place in the list, free again when dropped.
#[derive(Debug)]
pub(in crate::proxy) struct Stake {
    registry: Rc<Registry>,
    slot: usize,
}

impl Drop for Stake {
    fn drop(&mut self) {
        self.registry.leave(self.slot);
    }
}

/// How much is done before requests have their turn: so many are looked at, or
/// 64 are asked about, which takes less than a millisecond.
const BUDGET: usize = 4_160;
const ASKING: usize = 64;

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Context;
    use std::task::Waker;
    use std::time::Duration;
    use std::time::SystemTime;

    use proptest::prelude::any;
    use proptest::prelude::prop;
    use proptest::proptest;
    use tokio::time::Instant;

    use super::*;
    use crate::policy::Caller;
    use crate::policy::Decider;
    use crate::policy::Settings;
    use crate::proxy::activity::Silence;
    use crate::proxy::live::asker::Asker;
    use crate::proxy::live::asker::NotAdmitted;
    use crate::proxy::live::terms::Generation;
    use crate::proxy::ruling;

    const STEPS: [Timing; 3] = [Timing::Never, Timing::Minutes, Timing::Seconds];

    fn activity() -> Rc<Activity> {
        let limit = Duration::from_secs(60);
        let silence = Silence {
            pace: None,
            request: limit,
            response: limit,
            stream: limit,
        };
        Activity::new(silence, Instant::now())
    }

    fn asked() -> Asked {
        Asked::connection(Rc::new(Asker {
            caller: Caller::workload(&"spiffe://td/web".parse().unwrap()),
            service: "db".parse().unwrap(),
            ends: None,
            session: None,
            source: [127, 0, 0, 1].into(),
        }))
    }

    fn moment(policies: u64, seconds: u64) -> Moment {
        Moment {
            generation: Generation {
                policies,
                sessions: 0,
            },
            now: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
        }
    }

    /// How many are asked in one whole sweep, and in how many parts.
    fn swept(registry: &Registry, at: Moment, timing: Timing) -> (usize, usize) {
        let (mut asked, mut parts) = (0, 0);
        let mut from = Some(0);
        while let Some(next) = from {
            parts += 1;
            from = registry.sweep(next, at, |_, _| {
                asked += 1;
                Ok(timing)
            });
        }
        (asked, parts)
    }

    #[test]
    fn a_sweep_of_many_lets_others_have_their_turn() {
        let registry = Rc::new(Registry::default());
        let terms = Terms::new(moment(0, 0), Timing::Never);
        let _stakes: Vec<_> = (0..10_000)
            .map(|_| registry.enter(asked(), terms, &activity()))
            .collect();
        assert_eq!(swept(&registry, moment(0, 99), Timing::Never), (0, 3));
        let (asked, parts) = swept(&registry, moment(1, 0), Timing::Never);
        assert_eq!(asked, 10_000);
        assert!((150..=160).contains(&parts), "{parts}");
    }

    #[test]
    fn what_the_clock_may_end_is_asked_when_it_may_and_nothing_else_is() {
        let registry = Rc::new(Registry::default());
        let enter = |timing| {
            let terms = Terms::new(moment(0, 30), timing);
            registry.enter(asked(), terms, &activity())
        };
        assert!(!registry.is_timed());
        let stakes = STEPS.map(enter);
        assert!(registry.is_timed());
        for (seconds, count) in [(30, 0), (31, 1), (59, 1), (60, 2), (60, 0), (30, 2)] {
            let mut asked = Vec::new();
            registry.sweep(0, moment(0, seconds), |_, cause| {
                asked.push(cause);
                Ok(STEPS[3 - count + asked.len() - 1])
            });
            assert_eq!(asked, vec![Cause::Time; count], "{seconds}");
        }
        drop(stakes);
        assert!(!registry.is_timed());
    }

    #[test]
    fn who_has_had_its_no_is_not_asked_again() {
        let registry = Rc::new(Registry::default());
        let terms = Terms::new(moment(0, 0), Timing::Seconds);
        let one = activity();
        let _stake = registry.enter(asked(), terms, &one);
        let settings = Settings {
            services: [("db".parse().unwrap(), Vec::new())].into(),
            ..Settings::default()
        };
        let policy = Arc::new(Policy::parse(&[], &settings).unwrap().0);
        let mut decider = Decider::new();
        registry.sweep(0, moment(1, 0), |asked, _| {
            let now = SystemTime::UNIX_EPOCH;
            let said = asked.ask(&mut decider, (&policy, None), &Rc::default(), now);
            let NotAdmitted::Denied(denial) = said.unwrap_err() else {
                panic!("it is no session's");
            };
            let said = ruling::withdrawn(&denial);
            Err(Rc::new(Withdrawal {
                denial: Some(denial),
                said,
            }))
        });
        assert!(!registry.is_timed());
        assert_eq!(swept(&registry, moment(2, 9), Timing::Never), (0, 1));
        // It is told, and only then was it cut for it.
        assert!(one.permission().cut().is_none());
        let cx = Context::from_waker(Waker::noop());
        assert!(one.permission().poll_withdrawn(&cx).is_ready());
        assert_eq!(one.permission().cut().unwrap().said.reason, "no_permit");
    }

    proptest! {
        #[test]
        fn nothing_that_was_decided_before_is_missed(
            doings in prop::collection::vec((0_u8..4, any::<prop::sample::Index>(), 0_usize..3), 1..200),
        ) {
            let registry = Rc::new(Registry::default());
            // The generation that each was decided under.
            let mut held: Vec<(Stake, u64)> = Vec::new();
            let mut generation = 0;
            for (doing, which, timing) in doings {
                match doing {
                    0 => generation += 1,
                    1 if !held.is_empty() => drop(held.swap_remove(which.index(held.len()))),
                    2 => {
                        let outdated = held.iter().filter(|(_, of)| *of != generation).count();
                        let at = moment(generation, 0);
                        assert_eq!(swept(&registry, at, STEPS[timing]).0, outdated);
                        held.iter_mut().for_each(|(_, of)| *of = generation);
                    }
                    _ => {
                        let terms = Terms::new(moment(generation, 0), STEPS[timing]);
                        held.push((registry.enter(asked(), terms, &activity()), generation));
                    }
                }
            }
            assert_eq!(registry.slots.borrow().taken(), held.len());
            held.clear();
            assert_eq!(registry.timed.get(), 0);
            assert_eq!(registry.slots.borrow().taken(), 0);
        }
    }
}
