//! How long a CA wants to be left alone.

use std::time::Duration;
use std::time::SystemTime;

/// What a `retry-after` field says at `now`, at most a day: whoever would
/// be silent for longer asks again then, and is told again.
///
/// None if it says nothing that makes sense.
#[must_use]
pub fn retry_after(field: &str, now: SystemTime) -> Option<Duration> {
    let field = field.trim();
    if !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number holds are a long time.
        let seconds = field.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds).min(MOST));
    }
    let date = httpdate::parse_http_date(field).ok()?;
    Some(date.duration_since(now).unwrap_or_default().min(MOST))
}

/// The longest that is heeded.
pub(super) const MOST: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn seconds_and_dates_are_read_and_bounded() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let cases = [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("86401", Some(86_400)),
            ("99999999999999999999999", Some(86_400)),
            ("Sun, 06 Nov 1994 08:49:38 GMT", Some(1)),
            ("Sun, 06 Nov 1994 08:49:36 GMT", Some(0)),
            ("Sat, 06 Nov 2094 08:49:37 GMT", Some(86_400)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("soon", None),
        ];
        for (field, seconds) in cases {
            let read = retry_after(field, now);
            assert_eq!(read, seconds.map(Duration::from_secs), "{field:?}");
        }
    }

    proptest! {
        #[test]
        fn nobody_is_silenced_for_longer_than_a_day(field in "[0-9]{0,40}|\\PC{0,40}") {
            let said = retry_after(&field, SystemTime::UNIX_EPOCH);
            prop_assert!(said.is_none_or(|said| said <= MOST));
        }
    }
}
