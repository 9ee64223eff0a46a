//! The calendar as a value, so that tests own it.
//!
//! Dates (certificate validity, time-of-day policies, record time stamps) are
//! asked of a [`Clock`] that is handed in. Durations (timeouts, back-off) use
//! `tokio::time`, which tests can pause.

use std::fmt::Debug;
use std::time::SystemTime;

mod turn;

pub use turn::{in_turn, turn};

/// Seconds since 1970; 0 for what was before.
#[must_use]
pub fn seconds(date: SystemTime) -> u64 {
    let since = date.duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

/// Tells the date.
pub trait Clock: Debug + Send + Sync {
    /// The current instant on the calendar, or about when the running task got
    /// its [turn](turn()). It may jump, in either direction.
    fn now(&self) -> SystemTime;
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the calendar"
    )]
    fn now(&self) -> SystemTime {
        turn::date(SystemTime::now)
    }
}
