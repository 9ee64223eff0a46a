//! When a CA is asked, in seconds since 1970.
//!
//! Everything has chance in it, a fraction from 0.0 to 1.0, so that sidecars and
//! hosts that begin together do not ask together.

use std::time::Duration;

use crate::acme::retry_after;

/// When a certificate that is good from `begins` to `ends` is renewed: after two
/// thirds of that time, or up to a twelfth of it earlier.
pub(super) fn renew_at((begins, ends): (u64, u64), fraction: f64) -> u64 {
    let lifetime = ends.saturating_sub(begins);
    begins + lifetime / 3 * 2 - part(lifetime / 12, fraction)
}

/// The same where the CA says when: within `window` (RFC 9773, 4.2), at the latest
/// when a tenth of the certificate's time is left.
pub(super) fn renew_within(window: (u64, u64), (begins, ends): (u64, u64), fraction: f64) -> u64 {
    let (from, to) = window;
    let at = from.saturating_add(part(to.saturating_sub(from), fraction));
    at.min(ends.saturating_sub(ends.saturating_sub(begins) / 10))
}

/// When whoever got a certificate that is good from `begins` to `ends` may ask for
/// the next at the earliest, whatever the CA says of renewal: one that says "now"
/// each time must not get an order each second.
pub(super) fn not_before((begins, ends): (u64, u64), issued: u64) -> u64 {
    issued + (ends.saturating_sub(begins) / 3).min(LEAST_PAUSE_S)
}

/// How long nobody asks after the last of `failures` in a row: `first`, doubled
/// for each before it, and up to half as long again. At least what the CA `said`.
pub(super) fn pause(
    failures: u32,
    first: Duration,
    said: Option<Duration>,
    fraction: f64,
) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let pause = first.saturating_mul(1 << doublings).min(MOST_PAUSE);
    let pause = pause + (pause / 2).mul_f64(fraction.clamp(0.0, 1.0));
    pause.max(said.unwrap_or_default())
}

/// When a CA is asked again for its wishes about renewal, which `said` how long
/// they stand.
pub(super) fn ask_after(said: Duration) -> Duration {
    said.clamp(LEAST_ASKING, retry_after::MOST)
}

fn part(seconds: u64, fraction: f64) -> u64 {
    Duration::from_secs(seconds)
        .mul_f64(fraction.clamp(0.0, 1.0))
        .as_secs()
}

/// A host that fails for days is tried some times a day.
const MOST_PAUSE: Duration = Duration::from_hours(6);
const LEAST_PAUSE_S: u64 = 3600;
const LEAST_ASKING: Duration = Duration::from_mins(10);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_certificate_of_ninety_days_is_renewed_thirty_before_its_end_or_a_week_earlier() {
        const DAY: u64 = 86_400;
        assert_eq!(renew_at((0, 90 * DAY), 0.0), 60 * DAY);
        assert_eq!(renew_at((0, 90 * DAY), 1.0), 60 * DAY - 648_000);
        assert_eq!(
            renew_within((70 * DAY, 72 * DAY), (0, 90 * DAY), 0.5),
            71 * DAY
        );
        assert_eq!(renew_within((1, 2), (0, 90 * DAY), 0.0), 1, "at once");
        let late = renew_within((89 * DAY, 95 * DAY), (0, 90 * DAY), 0.5);
        assert_eq!(late, 81 * DAY, "the CA's wish comes too late");
        assert_eq!(not_before((0, 90 * DAY), DAY), DAY + 3600);
        assert_eq!(not_before((0, 30), 0), 10);
    }

    #[test]
    fn pauses_double_up_to_six_hours_and_a_ca_may_want_longer_ones() {
        let first = Duration::from_mins(2);
        for (failures, minutes) in [(0, 2), (1, 2), (2, 4), (5, 32), (9, 360), (u32::MAX, 360)] {
            let least = Duration::from_mins(minutes);
            assert_eq!(pause(failures, first, None, 0.0), least, "{failures}");
            assert_eq!(pause(failures, first, None, 1.0), least * 3 / 2);
        }
        let hour = Duration::from_hours(1);
        assert_eq!(pause(1, first, Some(hour), 1.0), hour);
        assert_eq!(pause(9, first, Some(hour), 0.0), Duration::from_hours(6));
        // A CA that allows five failures in an hour has no more from us.
        let tries = (1..).scan(Duration::ZERO, |at, failures| {
            *at += pause(failures, first, None, 0.0);
            Some(*at)
        });
        assert_eq!(tries.take_while(|at| *at < hour).count() + 1, 5);
        assert_eq!(ask_after(Duration::ZERO), LEAST_ASKING);
    }

    proptest! {
        #[test]
        fn renewal_lies_between_half_of_the_time_and_two_thirds(
            begins in 0..4_000_000_000_u64,
            lifetime in 0..400_000_000_u64,
            fraction in 0.0..=1.0,
            window in (any::<u64>(), any::<u64>()),
        ) {
            let life = (begins, begins + lifetime);
            let at = renew_at(life, fraction);
            prop_assert!(at >= begins + lifetime / 2 - lifetime / 12);
            prop_assert!(at <= begins + lifetime * 2 / 3);
            prop_assert!(renew_within(window, life, fraction) <= begins + lifetime);
        }
    }
}
