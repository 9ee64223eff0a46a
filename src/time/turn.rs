//! What time it is in the turn of the task that runs now.
//!
//! One turn of an event loop moves dozens of requests, and each would ask the
//! clocks several times for the same instant. What only has to be about right,
//! such as when something last moved, takes the turn's: each clock is read when
//! it is first asked for in a turn, and not again.

use std::cell::Cell;
use std::time::SystemTime;

use tokio::time::Instant;

thread_local! {
    static TURN: Cell<Option<Turn>> = const { Cell::new(None) };
}

/// What was read of the clocks in a turn.
#[derive(Clone, Copy, Debug, Default)]
struct Turn {
    calendar: Option<SystemTime>,
    instant: Option<Instant>,
}

/// About when the running task got its turn; outside of any, now.
#[must_use]
pub fn turn() -> Instant {
    let Some(turn) = TURN.get() else {
        return Instant::now();
    };
    turn.instant.unwrap_or_else(|| {
        let instant = Instant::now();
        TURN.set(Some(Turn {
            instant: Some(instant),
            ..turn
        }));
        instant
    })
}

/// The date in the running task's turn, which is `read` once; outside of any, what is `read`.
pub(super) fn date(read: impl FnOnce() -> SystemTime) -> SystemTime {
    let Some(turn) = TURN.get() else {
        return read();
    };
    if let Some(date) = turn.calendar {
        return date;
    }
    let date = read();
    TURN.set(Some(Turn {
        calendar: Some(date),
        ..turn
    }));
    date
}

/// Runs `task`'s turn.
pub fn in_turn<R>(task: impl FnOnce() -> R) -> R {
    struct Over;

    impl Drop for Over {
        fn drop(&mut self) {
            TURN.set(None);
        }
    }

    TURN.set(Some(Turn::default()));
    let _over = Over;
    task()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn the_clocks_stand_still_within_a_turn_and_only_there() {
        let begun = Instant::now();
        tokio::time::advance(SECOND).await;
        assert_eq!(turn(), begun + SECOND);
        let seen = in_turn(|| [turn(), turn()]);
        assert_eq!(seen, [begun + SECOND; 2]);
        tokio::time::advance(SECOND).await;
        assert_eq!(turn(), begun + 2 * SECOND);
        assert_eq!(in_turn(turn), begun + 2 * SECOND);
    }

    #[test]
    fn the_calendar_is_read_once_in_a_turn_and_each_time_outside() {
        let read = |second: u32| date(|| SystemTime::UNIX_EPOCH + second * SECOND);
        let first = read(1);
        assert_ne!(read(2), first);
        let seen = in_turn(|| [read(3), read(4)]);
        assert_eq!(seen, [read(3); 2]);
        assert_eq!(in_turn(|| read(5)), read(5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_fails_is_over() {
        let failed = std::panic::catch_unwind(|| in_turn(|| panic!("on purpose")));
        assert!(failed.is_err());
        assert!(TURN.get().is_none());
    }
}
