//! What answers rest on, and when that has changed.

use std::time::SystemTime;

use crate::policy::Timing;

/// What the last answer rests on.
#[derive(Clone, Copy, Debug)]
pub(in crate::proxy) struct Terms {
    /// Which policies gave it, and how sessions were then.
    pub(in crate::proxy) generation: Generation,
    pub(in crate::proxy) step: u64,
    pub(in crate::proxy) timing: Timing,
}

/// How often what answers rest on has changed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::proxy) struct Generation {
    pub(in crate::proxy) policies: u64,
    /// Where people are signed in.
    pub(in crate::proxy) sessions: u64,
}

/// Why something is asked again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::proxy) enum Cause {
    Policy,
    Session,
    Time,
}

/// When it is asked.
#[derive(Clone, Copy, Debug)]
pub(in crate::proxy) struct Moment {
    /// Of the policies that are in force, and of sessions.
    pub(in crate::proxy) generation: Generation,
    pub(in crate::proxy) now: SystemTime,
}

impl Terms {
    pub(in crate::proxy) fn new(moment: Moment, timing: Timing) -> Self {
        Self {
            generation: moment.generation,
            step: timing.step(moment.now),
            timing,
        }
    }

    /// Why they do not hold at `moment`, if they do not.
    pub(super) fn outdated(self, moment: Moment) -> Option<Cause> {
        let (then, now) = (self.generation, moment.generation);
        if then.policies != now.policies {
            Some(Cause::Policy)
        } else if then.sessions != now.sessions {
            Some(Cause::Session)
        } else if self.step != self.timing.step(moment.now) {
            Some(Cause::Time)
        } else {
            None
        }
    }
}
