//! Instants and spans of time as Cedar writes them, in milliseconds.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// `2026-11-24` and `2026-11-24T08:00:00Z`, with or without milliseconds;
/// since 1970. Other forms stay Cedar's.
pub(super) fn instant(text: &str) -> Option<i64> {
    if text.len() == DATE {
        let date: Date = text.parse().ok()?;
        let midnight = TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
        return Some(midnight.as_millisecond());
    }
    let is_plain = matches!(text.len(), SECONDS | MILLISECONDS) && text.ends_with('Z');
    let instant: Timestamp = text.parse().ok().filter(|_| is_plain)?;
    Some(instant.as_millisecond())
}

/// `1d2h3m4s5ms` and parts of it, in this order.
pub(super) fn span(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut millis = 0_i64;
    for (unit, worth) in UNITS {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (count, after) = rest.split_at_checked(digits)?;
        let Some(after) = after.strip_prefix(unit).filter(|_| digits > 0) else {
            continue;
        };
        // Minutes are not the first letter of milliseconds.
        if unit == "m" && after.starts_with('s') {
            continue;
        }
        let part = count.parse::<i64>().ok()?.checked_mul(worth)?;
        millis = millis.checked_add(part)?;
        rest = after;
    }
    (rest.is_empty() && !text.is_empty()).then_some(millis)
}

/// How far a day has come at this instant.
pub(super) const fn time_of_day(millis: i64) -> i64 {
    millis.rem_euclid(DAY)
}

const UNITS: [(&str, i64); 5] = [
    ("d", DAY),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];
const DAY: i64 = 86_400_000;
const DATE: usize = "2026-11-24".len();
const SECONDS: usize = "2026-11-24T08:00:00Z".len();
const MILLISECONDS: usize = "2026-11-24T08:00:00.000Z".len();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_counted_from_1970() {
        let cases = [
            ("1970-01-01", Some(0)),
            ("1970-01-02", Some(DAY)),
            ("1969-12-31", Some(-DAY)),
            ("1970-01-01T00:00:01Z", Some(1_000)),
            ("1970-01-01T00:00:01.005Z", Some(1_005)),
            ("1970-01-01T00:00:01+0000", None),
            ("1970-01-01T00:00:01", None),
            ("1970-13-01", None),
            ("", None),
        ];
        for (text, millis) in cases {
            assert_eq!(instant(text), millis, "{text}");
        }
    }

    #[test]
    fn spans_add_their_parts() {
        let cases = [
            ("9h", Some(32_400_000)),
            ("1d2h3m4s5ms", Some(93_784_005)),
            ("5ms", Some(5)),
            ("5m5ms", Some(300_005)),
            ("1h1d", None),
            ("-1h", None),
            ("1", None),
            ("h", None),
            ("", None),
            ("1hh", None),
        ];
        for (text, millis) in cases {
            assert_eq!(span(text), millis, "{text}");
        }
        assert_eq!(time_of_day(DAY + 5), 5);
        assert_eq!(time_of_day(-1), DAY - 1);
    }
}
