//! Whether an endpoint is to be used: it is watched, not asked.
//!
//! One that answers with a gateway's errors, or breaks off, several times in a
//! row is ejected, each time for longer. One that cannot even be reached rests
//! for a moment, so that requests do not find that out one by one.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

/// When an endpoint is ejected, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Ejection {
    /// How often in a row it must fail. 0: never ejected.
    pub failures: u32,
    /// For how long it is ejected at first; the n-th time, n times as long.
    pub base: Duration,
    /// For how long at the most.
    pub longest: Duration,
    /// The largest share of a destination's endpoints that may be ejected, in
    /// percent. One may be in any case.
    pub most_percent: u32,
    /// If fewer than this share of them is left, in percent, all are used.
    pub panic_percent: u32,
}

/// What is known of how one endpoint does.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// Failures in a row.
    failures: Cell<u32>,
    /// How often it was ejected, less one for each time that it then did well for as long.
    ejections: Cell<u32>,
    /// When it came back from its last ejection, or will.
    back: Cell<Option<Instant>>,
    /// How often in a row it was not reached.
    unreached: Cell<u32>,
    /// Until when it rests.
    rested: Cell<Option<Instant>>,
}

/// What an endpoint may be used for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Standing {
    /// It has failed too often, until then.
    Ejected(Instant),
    /// It could not be reached, until then.
    Resting(Instant),
    /// All.
    InUse,
}

impl Health {
    pub(super) fn standing(&self, now: Instant) -> Standing {
        let ahead = |moment: &Instant| *moment > now;
        if let Some(until) = self.rested.get().filter(ahead) {
            return Standing::Resting(until);
        }
        let back = self.back.get().filter(ahead);
        back.map_or(Standing::InUse, Standing::Ejected)
    }

    /// It answered as it should.
    pub(super) fn did_well(&self) {
        self.failures.set(0);
    }

    /// It was reached.
    pub(super) fn reached(&self) {
        self.unreached.set(0);
        self.rested.set(None);
    }

    /// It failed. Says whether that was once too often.
    pub(super) fn did_badly(&self, settings: &Ejection) -> bool {
        let failures = self.failures.get().saturating_add(1);
        self.failures.set(failures);
        settings.failures > 0 && failures >= settings.failures
    }

    /// Ejects it, and says for how long.
    pub(super) fn eject(&self, settings: &Ejection, now: Instant) -> Duration {
        self.failures.set(0);
        let well = self
            .back
            .get()
            .map_or(Duration::ZERO, |back| now.saturating_duration_since(back));
        let forgiven = well.as_millis() / settings.base.as_millis().max(1);
        let forgiven = u32::try_from(forgiven).unwrap_or(u32::MAX);
        let ejections = self.ejections.get().saturating_sub(forgiven);
        let ejections = ejections.saturating_add(1);
        self.ejections.set(ejections);
        let time = settings.base.saturating_mul(ejections);
        let time = time.min(settings.longest.max(settings.base));
        self.back.set(Some(now + time));
        time
    }

    /// It could not be reached. Says whether it rests from now on; those who
    /// waited for the same attempt change nothing.
    pub(super) fn was_not_reached(&self, now: Instant) -> bool {
        if self.rested.get().is_some_and(|until| until > now) {
            return false;
        }
        let times = self.unreached.get();
        self.unreached.set(times.saturating_add(1));
        self.rested
            .set(Some(now + FIRST_REST * (1 << times.min(5))));
        true
    }
}

/// How long an endpoint rests that could not be reached, at first; each time
/// in a row twice as long, up to half a minute.
const FIRST_REST: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const SETTINGS: Ejection = Ejection {
        failures: 3,
        base: Duration::from_secs(30),
        longest: Duration::from_secs(75),
        most_percent: 50,
        panic_percent: 50,
    };

    #[test]
    fn only_failures_in_a_row_count() {
        let health = Health::default();
        for _ in 0..5 {
            assert!(!health.did_badly(&SETTINGS));
            assert!(!health.did_badly(&SETTINGS));
            health.did_well();
        }
        let told = [(); 3].map(|()| health.did_badly(&SETTINGS));
        assert_eq!(told, [false, false, true]);
        let never = Ejection {
            failures: 0,
            ..SETTINGS
        };
        assert!((0..100).all(|_| !health.did_badly(&never)));
    }

    #[test]
    fn each_ejection_is_longer_until_it_does_well_again() {
        let (health, start) = (Health::default(), Instant::now());
        let eject = |at: u64| health.eject(&SETTINGS, start + SECOND * u32::try_from(at).unwrap());
        assert_eq!(health.standing(start), Standing::InUse);
        assert_eq!(eject(0), SECOND * 30);
        assert_eq!(
            health.standing(start),
            Standing::Ejected(start + SECOND * 30)
        );
        assert_eq!(health.standing(start + SECOND * 30), Standing::InUse);
        assert_eq!(eject(30), SECOND * 60);
        assert_eq!(eject(90), SECOND * 75, "no longer than the longest");
        // Back at 165; it did well for 60 s.
        assert_eq!(eject(225), SECOND * 60, "two are forgiven");
        assert_eq!(eject(10_000), SECOND * 30);
    }

    #[test]
    fn who_cannot_be_reached_rests_and_is_tried_again() {
        let (health, start) = (Health::default(), Instant::now());
        assert!(health.was_not_reached(start));
        assert!(!health.was_not_reached(start), "they waited for the same");
        assert_eq!(health.standing(start), Standing::Resting(start + SECOND));
        assert_eq!(health.standing(start + SECOND), Standing::InUse);
        assert!(health.was_not_reached(start + SECOND));
        assert_eq!(
            health.standing(start + SECOND),
            Standing::Resting(start + SECOND * 3)
        );
        health.reached();
        assert_eq!(health.standing(start + SECOND), Standing::InUse);
        assert!(health.was_not_reached(start + SECOND));
        assert_eq!(health.standing(start + SECOND * 2), Standing::InUse);
    }
}
