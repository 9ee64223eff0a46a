//! When the task that runs now got its turn.
//!
//! One turn of an event loop moves dozens of requests, and each would ask the
//! clock several times for the same instant. What only has to be about right,
//! such as when something last moved, takes the turn's.

use std::cell::Cell;

use tokio::time::Instant;

thread_local! {
    static TURN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// The instant at which the running task got its turn; outside of any, now.
#[must_use]
pub fn turn() -> Instant {
    TURN.get().unwrap_or_else(Instant::now)
}

/// Runs `task`'s turn.
pub fn in_turn<R>(task: impl FnOnce() -> R) -> R {
    struct Over;

    impl Drop for Over {
        fn drop(&mut self) {
            TURN.set(None);
        }
    }

    TURN.set(Some(Instant::now()));
    let _over = Over;
    task()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_clock_stands_still_within_a_turn_and_only_there() {
        let begun = Instant::now();
        let second = Duration::from_secs(1);
        tokio::time::advance(second).await;
        assert_eq!(turn(), begun + second);
        let seen = in_turn(turn);
        assert_eq!(seen, begun + second);
        tokio::time::advance(second).await;
        assert_eq!(turn(), begun + 2 * second);
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_fails_is_over() {
        let failed = std::panic::catch_unwind(|| in_turn(|| panic!("on purpose")));
        assert!(failed.is_err());
        assert_eq!(TURN.get(), None);
    }
}
