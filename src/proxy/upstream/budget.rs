//! How often requests may be tried again.
//!
//! A destination that fails must not be asked the more for it: of all requests
//! of the last ten seconds only a share may be retries. The floor is for those
//! who ask so rarely that a share of it would be nothing.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

/// When requests are tried again.
#[derive(Clone, Copy, Debug)]
pub struct Retries {
    /// How often one request is. 0: never.
    pub most: u32,
    /// How many retries there may be for a hundred requests.
    pub budget_percent: u32,
    /// How many there may be in ten seconds, however few requests there are.
    pub budget_floor: u32,
}

/// One worker's requests and retries to one destination.
#[derive(Debug)]
pub(super) struct Budget {
    settings: Retries,
    window: Cell<Window>,
}

/// Two halves of the last ten seconds.
#[derive(Clone, Copy, Debug)]
struct Window {
    /// When the newer half began.
    begun: Instant,
    older: Counts,
    newer: Counts,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    requests: u32,
    retries: u32,
}

impl Budget {
    pub(super) fn new(settings: Retries, now: Instant) -> Self {
        Self {
            settings,
            window: Cell::new(Window {
                begun: now,
                older: Counts::default(),
                newer: Counts::default(),
            }),
        }
    }

    pub(super) const fn settings(&self) -> &Retries {
        &self.settings
    }

    /// Notes a request.
    pub(super) fn request(&self, now: Instant) {
        let mut window = self.turned(now);
        window.newer.requests = window.newer.requests.saturating_add(1);
        self.window.set(window);
    }

    /// Spends a retry, if there is one left.
    pub(super) fn spend(&self, now: Instant) -> bool {
        let mut window = self.turned(now);
        let sum = |count: fn(&Counts) -> u32| {
            u64::from(count(&window.older)) + u64::from(count(&window.newer))
        };
        let (requests, retries) = (sum(|counts| counts.requests), sum(|counts| counts.retries));
        let share = requests * u64::from(self.settings.budget_percent) / 100;
        let left = share.max(self.settings.budget_floor.into()) > retries;
        if left {
            window.newer.retries = window.newer.retries.saturating_add(1);
        }
        self.window.set(window);
        left
    }

    fn turned(&self, now: Instant) -> Window {
        let window = self.window.get();
        let age = now.saturating_duration_since(window.begun);
        if age < HALF {
            return window;
        }
        let older = if age < HALF * 2 {
            window.newer
        } else {
            Counts::default()
        };
        Window {
            begun: now,
            older,
            newer: Counts::default(),
        }
    }
}

const HALF: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SETTINGS: Retries = Retries {
        most: 2,
        budget_percent: 20,
        budget_floor: 3,
    };

    #[test]
    fn a_fifth_of_the_requests_may_be_retries() {
        let now = Instant::now();
        let budget = Budget::new(SETTINGS, now);
        (0..100).for_each(|_| budget.request(now));
        let spent = (0..100).filter(|_| budget.spend(now)).count();
        assert_eq!(spent, 20);
        let later = now + HALF * 4;
        let spent = (0..100).filter(|_| budget.spend(later)).count();
        assert_eq!(spent, 3, "the floor");
    }

    proptest! {
        /// Whenever requests and retries come: never more than a fifth, and the floor.
        #[test]
        fn no_ten_seconds_have_more(steps in proptest::collection::vec((0_u64..400, any::<bool>()), 1..400)) {
            let start = Instant::now();
            let budget = Budget::new(SETTINGS, start);
            let (mut at, mut requests, mut retries) = (start, 0_u32, 0_u32);
            for (pause, is_request) in steps {
                at += Duration::from_millis(pause);
                if is_request {
                    budget.request(at);
                    requests += 1;
                } else if budget.spend(at) {
                    retries += 1;
                }
                let windows = u32::try_from(at.duration_since(start).as_secs() / 5 + 1).unwrap();
                prop_assert!(retries <= requests / 5 + 3 * windows);
            }
        }
    }
}
