//! Dates as the log writes them: RFC 3339, UTC, microseconds.

use std::time::Duration;
use std::time::SystemTime;

/// Writes dates, and remembers the last one up to its second.
///
/// Nearly all lines of a busy worker fall into the second of the line before,
/// so the calendar is worked out once per second.
#[derive(Debug, Default)]
pub(super) struct Stamp {
    second: Option<u64>,
    /// The date up to its second and the point after it.
    prefix: Vec<u8>,
}

impl Stamp {
    /// Appends `at` to `out`. A date before 1970 is written as 1970's first
    /// instant, one after 9999 as 9999's last: no such date is real.
    pub(super) fn append(&mut self, out: &mut Vec<u8>, at: SystemTime) {
        let since = at
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or(Duration::ZERO)
            .min(LAST_INSTANT);
        if self.second != Some(since.as_secs()) {
            self.turn_to(since.as_secs());
        }
        out.extend_from_slice(&self.prefix);
        let mut fraction = *b"000000Z";
        let mut micros = since.subsec_micros();
        for digit in fraction.iter_mut().rev().skip(1) {
            *digit += u8::try_from(micros % 10).unwrap_or(0);
            micros /= 10;
        }
        out.extend_from_slice(&fraction);
    }

    fn turn_to(&mut self, second: u64) {
        let (days, of_day) = (second / 86_400, low(second % 86_400));
        let (year, month, day) = civil(days);
        self.prefix.clear();
        digits(&mut self.prefix, year, 1_000);
        self.prefix.push(b'-');
        digits(&mut self.prefix, month, 10);
        self.prefix.push(b'-');
        digits(&mut self.prefix, day, 10);
        self.prefix.push(b'T');
        digits(&mut self.prefix, of_day / 3_600, 10);
        self.prefix.push(b':');
        digits(&mut self.prefix, of_day / 60 % 60, 10);
        self.prefix.push(b':');
        digits(&mut self.prefix, of_day % 60, 10);
        self.prefix.push(b'.');
        self.second = Some(second);
    }
}

/// 9999-12-31T23:59:59.999999Z.
const LAST_INSTANT: Duration = Duration::from_micros(253_402_300_799_999_999);

/// The Gregorian date that is `days` after 1970-01-01.
///
/// Counts in eras of 400 years that begin on 1 March, so that the leap day is
/// the last of its year.
fn civil(days: u64) -> (u32, u32, u32) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = 400 * era + year_of_era + u64::from(month <= 2);
    (low(year), low(month), low(day))
}

/// Appends `number` in as many digits as `power`, a power of ten, has.
fn digits(out: &mut Vec<u8>, number: u32, mut power: u32) {
    while power > 0 {
        let digit = u8::try_from(number / power % 10).unwrap_or(0);
        out.push(b'0' + digit);
        power /= 10;
    }
}

/// `number`, which is far below 2³² wherever this is used.
fn low(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::Stamp;
    use proptest::proptest;
    use std::time::Duration;
    use std::time::SystemTime;

    fn written(stamp: &mut Stamp, at: SystemTime) -> String {
        let mut out = Vec::new();
        stamp.append(&mut out, at);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn writes_the_calendar() {
        let cases = [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400_000_001, "2000-02-29T00:00:00.000001Z"),
            (951_782_400_999_999, "2000-02-29T00:00:00.999999Z"),
            (1_767_225_599_500_000, "2025-12-31T23:59:59.500000Z"),
            (253_402_300_800_000_000, "9999-12-31T23:59:59.999999Z"),
        ];
        let mut stamp = Stamp::default();
        for (micros, text) in cases {
            let at = SystemTime::UNIX_EPOCH + Duration::from_micros(micros);
            assert_eq!(written(&mut stamp, at), text);
        }
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(written(&mut stamp, before), "1970-01-01T00:00:00.000000Z");
    }

    proptest! {
        #[test]
        fn agrees_with_the_calendar_of_jiff(micros in 0..253_402_300_799_999_999_u64) {
            let at = SystemTime::UNIX_EPOCH + Duration::from_micros(micros);
            let theirs = jiff::Timestamp::try_from(at).unwrap();
            let ours = written(&mut Stamp::default(), at);
            assert_eq!(ours, format!("{theirs:.6}"));
        }
    }
}
