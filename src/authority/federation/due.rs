//! When to ask again.

use std::time::Duration;
use std::time::SystemTime;

use tokio::time::sleep;

use crate::identity::draw;
use crate::time::Clock;

/// When what was fetched at `fetched_at` should be fetched again: a little
/// before `interval` is over, and not at the same moment everywhere.
pub(super) fn due(fetched_at: SystemTime, interval: Duration) -> SystemTime {
    let spread = interval.mul_f64(0.9 + 0.1 * draw());
    fetched_at.checked_add(spread).unwrap_or(fetched_at)
}

/// Ends when the calendar shows `due`, or is at a moment from which that is
/// more than `interval` away: then it was set back.
pub(super) async fn wait_for(due: SystemTime, interval: Duration, clock: &dyn Clock) {
    // The calendar may jump, and the machine sleep.
    while let Ok(left) = due.duration_since(clock.now())
        && !left.is_zero()
        && left <= interval
    {
        sleep(left.min(LOOK_AT_CALENDAR_EVERY)).await;
    }
}

/// How long to wait after `failures` in a row, counted from 1: from one second,
/// doubling, to `interval` or five minutes (SPIFFE Federation 6.2: never
/// aggressively).
pub(super) fn pause(failures: u32, interval: Duration) -> Duration {
    let doublings = failures.saturating_sub(1).min(MOST_DOUBLINGS);
    let longest = Duration::from_secs(1 << doublings)
        .min(interval)
        .min(LONGEST_PAUSE);
    longest.mul_f64(1.0 - draw() / 2.0)
}

const LOOK_AT_CALENDAR_EVERY: Duration = Duration::from_secs(1);

/// Whoever says that once a day is enough is not waited for so long.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// More than the longest pause.
const MOST_DOUBLINGS: u32 = 9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_fetched_is_fetched_again_before_its_time_is_over() {
        let interval = Duration::from_secs(300);
        let at = SystemTime::UNIX_EPOCH;
        for _ in 0..100 {
            let wait = due(at, interval).duration_since(at).unwrap();
            assert!((Duration::from_secs(270)..=interval).contains(&wait));
        }
    }

    #[test]
    fn a_pause_grows_to_the_interval_and_no_further() {
        let cases = [
            (1, 60, 1),
            (2, 60, 2),
            (5, 60, 16),
            (7, 60, 60),
            (u32::MAX, 86_400, 300),
        ];
        for (failures, interval, most) in cases {
            let most = Duration::from_secs(most);
            let pause = pause(failures, Duration::from_secs(interval));
            assert!((most / 2..=most).contains(&pause), "{failures}: {pause:?}");
        }
    }
}
