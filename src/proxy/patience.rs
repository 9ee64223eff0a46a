//! A time limit that begins again and again, and is rarely reached.

use std::future::Future as _;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;
use std::time::Duration;

use tokio::time::Instant;
use tokio::time::Sleep;

/// Ready when time is up.
///
/// Beginning again costs no more than noting the time: a timer that is set for
/// an earlier limit is left as it is, and set anew when it wakes us too early.
#[derive(Debug, Default)]
pub(super) struct Patience {
    deadline: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    /// From now on time is up after `limit`.
    pub(super) fn begin(&mut self, limit: Duration) {
        self.deadline = Some(Instant::now() + limit);
    }

    /// Ready when time is up; never before it began.
    pub(super) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline else {
            return Poll::Pending;
        };
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_is_up_after_the_last_limit_that_began() {
        let mut patience = Patience::default();
        let start = Instant::now();
        let second = Duration::from_secs(1);
        for (limit, passes) in [(9, 4), (9, 4), (9, 10), (2, 10), (9, 1)] {
            patience.begin(limit * second);
            let waited =
                tokio::time::timeout(passes * second, poll_fn(|cx| patience.poll_over(cx)));
            assert_eq!(waited.await.is_ok(), limit < passes, "{limit} {passes}");
        }
        assert_eq!(start.elapsed(), (4 + 4 + 9 + 2 + 1) * second);
    }
}
