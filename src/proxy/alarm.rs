//! A timer for limits that are rarely reached, and begin again and again.

use std::cell::RefCell;
use std::future::Future as _;
use std::mem;
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

/// Alarms that one worker's exchanges use in turn, so that a request neither
/// makes a timer nor takes one down.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    idle: RefCell<Vec<Alarm>>,
}

/// An alarm that goes back when it is dropped.
#[derive(Debug)]
pub(super) struct Lent<'a> {
    alarm: Alarm,
    owner: &'a Alarms,
}

impl Alarms {
    /// One that nobody uses now. It may still be set, to a time that was meant
    /// for somebody else: that costs a wake-up and no more.
    pub(super) fn lend(&self) -> Lent<'_> {
        Lent {
            alarm: self.idle.borrow_mut().pop().unwrap_or_default(),
            owner: self,
        }
    }
}

impl Lent<'_> {
    /// As [`Alarm::poll_at`].
    pub(super) fn poll_at(&mut self, time: Instant, cx: &mut Context<'_>) -> Poll<()> {
        self.alarm.poll_at(time, cx)
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut idle = self.owner.idle.borrow_mut();
        if self.alarm.sleep.is_some() && idle.len() < MOST_IDLE {
            idle.push(mem::take(&mut self.alarm));
        }
    }
}

/// As many as a busy worker's requests. Each may hold the memory of a task that
/// has ended, until it is used again or goes off.
const MOST_IDLE: usize = 128;

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_alarm_that_was_used_before_rings_on_time() {
        let alarms = Alarms::default();
        let second = Duration::from_secs(1);
        for (limit, passes) in [(9, 4), (9, 10), (2, 1), (20, 1), (3, 5), (0, 1)] {
            let start = Instant::now();
            let mut alarm = alarms.lend();
            let time = start + limit * second;
            let rings = poll_fn(|cx| alarm.poll_at(time, cx));
            let rang = tokio::time::timeout(passes * second, rings).await;
            assert_eq!(rang.is_ok(), limit < passes);
            assert_eq!(start.elapsed(), limit.min(passes) * second);
            drop(alarm);
            assert_eq!(alarms.idle.borrow().len(), 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn alarms_that_are_used_together_are_apart_and_few_are_kept() {
        let alarms = Alarms::default();
        let mut lent: Vec<_> = (0..MOST_IDLE + 9).map(|_| alarms.lend()).collect();
        let start = Instant::now();
        for (seconds, alarm) in (1..).zip(&mut lent) {
            let time = start + Duration::from_secs(seconds);
            poll_fn(|cx| alarm.poll_at(time, cx)).await;
            assert_eq!(start.elapsed().as_secs(), seconds);
        }
        drop(lent);
        assert_eq!(alarms.idle.borrow().len(), MOST_IDLE);
    }

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
