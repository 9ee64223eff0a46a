//! When to renew.

use std::time::Duration;
use std::time::SystemTime;

use aws_lc_rs::rand;

/// When to ask for the next certificate.
///
/// The answer is halfway through `lifetime`, moved by at most a tenth of that
/// half: earlier for a `spread` below 0.5, later for one above. `spread` is a
/// fraction from 0.0 to 1.0, drawn once per certificate, so that sidecars
/// started together do not renew together. Values outside that range count as
/// its nearer end, and no number at all as its middle.
///
/// # Errors
///
/// [`RenewalError::BeyondCalendar`] if the moment does not fit in a
/// [`SystemTime`], which means `issued_at` is nonsense.
pub fn renew_at(
    issued_at: SystemTime,
    lifetime: Duration,
    spread: f64,
) -> Result<SystemTime, RenewalError> {
    let spread = if spread.is_nan() {
        0.5
    } else {
        spread.clamp(0.0, 1.0)
    };
    let half = lifetime / 2;
    let wait = half.mul_f64(0.9 + 0.2 * spread);
    issued_at
        .checked_add(wait)
        .ok_or(RenewalError::BeyondCalendar {
            issued_at,
            lifetime,
        })
}

/// How long to wait after `failures` failures in a row, counted from 1.
///
/// Doubles from one second to one minute; `spread`, from 0.0 to 1.0, takes away
/// up to half of it.
#[must_use]
pub(super) fn back_off(failures: u32, spread: f64) -> Duration {
    let spread = if spread.is_nan() {
        0.5
    } else {
        spread.clamp(0.0, 1.0)
    };
    let doublings = failures.saturating_sub(1).min(6);
    let longest = Duration::from_secs(1 << doublings).min(Duration::from_secs(60));
    longest.mul_f64(1.0 - spread / 2.0)
}

/// A fraction from 0.0 to 1.0. Without randomness all sidecars draw the middle,
/// which is harmless.
#[must_use]
pub fn draw() -> f64 {
    let mut bytes = [0_u8; 4];
    if rand::fill(&mut bytes).is_err() {
        return 0.5;
    }
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}

/// Why a moment to renew cannot be told.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RenewalError {
    /// The calendar ends before the moment.
    #[error("half of {lifetime:?} after {issued_at:?} is beyond the calendar")]
    BeyondCalendar {
        /// When the certificate was issued.
        issued_at: SystemTime,
        /// How long it holds.
        lifetime: Duration,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renews_at_half_life_give_or_take_a_tenth() {
        let hour = Duration::from_secs(3600);
        let after = |spread| {
            renew_at(SystemTime::UNIX_EPOCH, hour, spread)
                .unwrap()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap()
                .as_secs()
        };
        assert_eq!(after(0.0), 1620);
        assert_eq!(after(0.5), 1800);
        assert_eq!(after(1.0), 1980);
        assert_eq!(after(-7.0), 1620);
        assert_eq!(after(7.0), 1980);
        assert_eq!(after(f64::NAN), 1800);
        assert_eq!(
            renew_at(SystemTime::UNIX_EPOCH, Duration::MAX, 0.5),
            Err(RenewalError::BeyondCalendar {
                issued_at: SystemTime::UNIX_EPOCH,
                lifetime: Duration::MAX
            })
        );
    }

    #[test]
    fn backs_off_to_a_minute_and_no_further() {
        let seconds = |failures| back_off(failures, 0.0).as_secs();
        assert_eq!([1, 2, 3, 6, 7, 1000].map(seconds), [1, 2, 4, 32, 60, 60]);
        assert_eq!(back_off(1, 1.0), Duration::from_millis(500));
    }
}
