//! A timer for limits that are rarely reached, and begin again and again.

use std::future::Future as _;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use tokio::time::Instant;
use tokio::time::Sleep;

/// Wakes whoever waits when it is time.
///
/// A later time costs nothing: the timer that is set is left as it is, and set
/// anew when it wakes us too early.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    /// None until it is first asked for.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// Ready at `time`, which may be another each time that is asked.
    pub(super) fn poll_at(&mut self, time: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self
            .sleep
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(time)));
        if sleep.deadline() > time {
            sleep.as_mut().reset(time);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= time {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(time);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_time_when_it_was_said_last() {
        let mut alarm = Alarm::default();
        let start = Instant::now();
        let second = Duration::from_secs(1);
        for (limit, passes) in [(9, 4), (9, 4), (9, 10), (2, 10), (9, 1)] {
            let time = Instant::now() + limit * second;
            let waited =
                tokio::time::timeout(passes * second, poll_fn(|cx| alarm.poll_at(time, cx)));
            assert_eq!(waited.await.is_ok(), limit < passes, "{limit} {passes}");
        }
        assert_eq!(start.elapsed(), (4 + 4 + 9 + 2 + 1) * second);
    }
}
