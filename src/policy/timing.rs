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
    /// They read the instant itself. It is looked at each second.
    Seconds,
}

impl Timing {
    pub(super) fn of(mentions: &Mentions) -> Self {
        if mentions.fields.contains(&Field::Now) {
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
