//! The calendar as sessions have it: whole seconds.

use std::time::Duration;
use std::time::SystemTime;

/// Seconds since 1970. Dates that are not in the calendar are its ends.
pub(super) fn seconds(at: SystemTime) -> u64 {
    at.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs().min(LAST))
}

/// [`seconds`] back.
pub(super) fn date(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH
        .checked_add(Duration::from_secs(seconds))
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

/// As the store has it.
pub(super) fn column(seconds: u64) -> i64 {
    i64::try_from(seconds.min(LAST)).unwrap_or(i64::MAX)
}

/// [`column()`] back; none if it is none of ours.
pub(super) fn from_column(column: i64) -> Option<u64> {
    u64::try_from(column)
        .ok()
        .filter(|seconds| *seconds <= LAST)
}

/// The end of the year 9999: later is nonsense, and sums stay small.
pub(super) const LAST: u64 = 253_402_300_799;
