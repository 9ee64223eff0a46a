//! Records for whoever watches, as they are written.
//!
//! A watcher hears of a record when the sink has it, never before. It waits for
//! nobody: who is slow misses the oldest lines and is told how many. While nobody
//! watches, nothing is copied, and the writer pays for one look at a counter.

use bytes::Bytes;
use std::future::pending;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::error::TryRecvError;

/// What the writer tells watchers by. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Feed {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// None while nobody watches.
    lines: Mutex<Option<broadcast::Sender<Bytes>>>,
    watchers: AtomicUsize,
}

/// Hears of each record that is written from now on.
#[derive(Debug)]
pub struct Watcher {
    lines: broadcast::Receiver<Bytes>,
    shared: Arc<Shared>,
}

/// What a watcher hears.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Heard {
    /// One line of the log, with its newline.
    Line(Bytes),
    /// So many lines came faster than they were taken, and are gone. The log has them.
    Missed(u64),
}

impl Feed {
    /// Begins to watch.
    pub(super) fn watch(&self) -> Watcher {
        let mut lines = self.shared.lines();
        let sender = lines.get_or_insert_with(|| broadcast::channel(MOST_LINES).0);
        let receiver = sender.subscribe();
        // INVARIANT: counted under the lock, as in `Watcher::drop`.
        self.shared.watchers.fetch_add(1, Ordering::Relaxed);
        drop(lines);
        Watcher {
            lines: receiver,
            shared: Arc::clone(&self.shared),
        }
    }

    /// Tells watchers, if there are any, of whole `lines`, which are written.
    pub(super) fn tell(&self, lines: &[u8]) {
        if self.shared.watchers.load(Ordering::Relaxed) == 0 {
            return;
        }
        let sender = self.shared.lines().clone();
        let Some(sender) = sender else {
            return;
        };
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            // Copied one by one, so that a slow watcher keeps no more than its lines. It fails if the last has just gone.
            drop(sender.send(Bytes::copy_from_slice(line)));
        }
    }
}

impl Shared {
    fn lines(&self) -> MutexGuard<'_, Option<broadcast::Sender<Bytes>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watcher {
    /// What comes next. Never ends.
    ///
    /// # Cancellation
    ///
    /// Nothing is lost if the answer is not awaited.
    pub async fn next(&mut self) -> Heard {
        match self.lines.recv().await {
            Ok(line) => Heard::Line(line),
            Err(RecvError::Lagged(lines)) => Heard::Missed(lines),
            // It does not happen: the sender is there as long as we are.
            Err(RecvError::Closed) => pending().await,
        }
    }

    /// What has come already, if anything has.
    pub fn waiting(&mut self) -> Option<Heard> {
        match self.lines.try_recv() {
            Ok(line) => Some(Heard::Line(line)),
            Err(TryRecvError::Lagged(lines)) => Some(Heard::Missed(lines)),
            Err(TryRecvError::Closed | TryRecvError::Empty) => None,
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut lines = self.shared.lines();
        if self.shared.watchers.fetch_sub(1, Ordering::Relaxed) == 1 {
            *lines = None;
        }
    }
}

/// What may wait for a slow watcher: a few megabytes, and a tenth of a second of a very busy sidecar.
const MOST_LINES: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: usize) -> Heard {
        Heard::Line(Bytes::from(format!("{number}\n")))
    }

    #[tokio::test]
    async fn each_watcher_hears_each_line_from_when_it_began() {
        let feed = Feed::default();
        feed.tell(b"0\n");
        let mut first = feed.watch();
        feed.tell(b"1\n2\n");
        let mut second = feed.clone().watch();
        feed.tell(b"3\n");
        for number in 1..=3 {
            assert_eq!(first.next().await, line(number));
        }
        assert_eq!(second.next().await, line(3));
        assert_eq!([first.waiting(), second.waiting()], [None, None]);
    }

    #[tokio::test]
    async fn who_is_slow_is_told_how_many_are_gone_and_hears_the_rest() {
        let feed = Feed::default();
        let (mut slow, mut quick) = (feed.watch(), feed.watch());
        let all = MOST_LINES + 10;
        for number in 0..all {
            feed.tell(format!("{number}\n").as_bytes());
            assert_eq!(quick.waiting(), Some(line(number)));
        }
        assert_eq!(slow.next().await, Heard::Missed(10));
        for number in 10..all {
            assert_eq!(slow.waiting(), Some(line(number)));
        }
        assert_eq!(slow.waiting(), None);
    }

    #[test]
    fn nothing_is_kept_while_nobody_watches() {
        let feed = Feed::default();
        let watchers = [feed.watch(), feed.watch()];
        assert!(feed.shared.lines().is_some());
        drop(watchers);
        assert!(feed.shared.lines().is_none());
        feed.tell(b"1\n");
        assert_eq!(feed.watch().waiting(), None);
    }
}
