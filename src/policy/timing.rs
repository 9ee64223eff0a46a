//! When an answer may change by itself.

use std::time::SystemTime;

use crate::policy::mention::Field;
use crate::policy::mention::Mentions;

/// How often the clock may change what the policies in question say.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Timing {
    /// None of them reads it.
    #[default]
    Never,
    /// They read a zone's clock, which shows minutes.
    Minutes,
    /// They read the instant itself, or how long ago another was. It is looked
    /// at each second.
    Seconds,
    /// They read what is no longer good then, and no clock.
    Until(SystemTime),
}

impl Timing {
    pub(super) fn of(mentions: &Mentions) -> Self {
        let reads = |field| mentions.fields.contains(&field);
        if reads(Field::Now) || reads(Field::AuthAge) {
            Self::Seconds
        } else if mentions.clocks.is_empty() {
            Self::Never
        } else {
            Self::Minutes
        }
    }

    /// The same where something besides is good until a moment.
    pub(super) fn until(self, ends: Option<SystemTime>) -> Self {
        match (self, ends) {
            (timing, None) => timing,
            (Self::Never, Some(ends)) => Self::Until(ends),
            // Such a moment need not be at the end of a minute.
            (_, Some(_)) => Self::Seconds,
        }
    }

    /// Which of its steps `now` is in. An answer is good for the whole step.
    #[must_use]
    pub fn step(self, now: SystemTime) -> u64 {
        // Whatever is before 1970 is one step: nobody lives through it.
        let since = now.duration_since(SystemTime::UNIX_EPOCH);
        let seconds = since.unwrap_or_default().as_secs();
        match self {
            Self::Never => 0,
            // Zones are whole minutes away from UTC.
            Self::Minutes => seconds / 60,
            Self::Seconds => seconds,
            Self::Until(ends) => u64::from(now >= ends),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_ends_at_a_moment_is_looked_at_each_second() {
        let clocks = Mentions {
            clocks: ["utc".to_owned()].into(),
            ..Mentions::default()
        };
        assert_eq!(Timing::of(&Mentions::default()), Timing::Never);
        assert_eq!(Timing::of(&clocks), Timing::Minutes);
        let now = Mentions {
            fields: [Field::Now].into(),
            ..clocks
        };
        let signals = Mentions {
            signals: Some(["risk".to_owned()].into()),
            ..Mentions::default()
        };
        assert_eq!(Timing::of(&now), Timing::Seconds);
        let age = Mentions {
            fields: [Field::AuthAge].into(),
            ..Mentions::default()
        };
        assert_eq!(Timing::of(&age), Timing::Seconds);
        assert_eq!(Timing::of(&signals), Timing::Never);
    }

    #[test]
    fn what_is_good_until_a_moment_is_looked_at_then() {
        let ends = SystemTime::UNIX_EPOCH + Duration::from_millis(120_500);
        let until = Timing::Never.until(Some(ends));
        assert_eq!(until, Timing::Until(ends));
        let before = ends - Duration::from_millis(1);
        assert_eq!(until.step(SystemTime::UNIX_EPOCH), until.step(before));
        assert_ne!(until.step(before), until.step(ends));
        assert_eq!(until.step(ends), until.step(ends + Duration::from_secs(9)));
        assert_eq!(Timing::Minutes.until(Some(ends)), Timing::Seconds);
        assert_eq!(Timing::Seconds.until(Some(ends)), Timing::Seconds);
        assert_eq!(Timing::Minutes.until(None), Timing::Minutes);
    }

    #[test]
    fn a_step_is_as_long_as_the_answer_is_good() {
        let at = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_millis(seconds * 1_000 + 7);
        for (timing, [within, next]) in [
            (Timing::Never, [true, true]),
            (Timing::Minutes, [true, false]),
            (Timing::Seconds, [false, false]),
        ] {
            let same = |other| timing.step(at(120)) == timing.step(at(other));
            assert_eq!([same(179), same(180)], [within, next], "{timing:?}");
        }
    }
}
