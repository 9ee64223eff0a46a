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
    /// They read the instant itself, or what is good until one. It is looked at
    /// each second.
    Seconds,
}

impl Timing {
    pub(super) fn of(mentions: &Mentions) -> Self {
        // A signal may be no longer good at any moment.
        if mentions.fields.contains(&Field::Now) || mentions.signals.is_some() {
            Self::Seconds
        } else if mentions.clocks.is_empty() {
            Self::Never
        } else {
            Self::Minutes
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
            ..clocks.clone()
        };
        let signals = Mentions {
            signals: Some(["risk".to_owned()].into()),
            ..clocks
        };
        assert_eq!(Timing::of(&now), Timing::Seconds);
        assert_eq!(Timing::of(&signals), Timing::Seconds);
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
