//! Records as they are written, for whoever watches.

use crate::admin::events;
use crate::admin::events::Source;
use crate::audit::Filter;
use crate::audit::Heard;
use crate::audit::Row;
use crate::audit::Watcher;
use std::time::Duration;

/// The records that one watcher wants.
pub(super) struct Records {
    pub(super) filter: Filter,
    pub(super) watcher: Watcher,
}

impl Records {
    fn append(&self, to: &mut Vec<u8>, heard: &Heard) {
        match heard {
            Heard::Line(line) => {
                if Row::read(line).is_some_and(|row| self.filter.takes(&row)) {
                    events::append(to, None, line);
                }
            }
            Heard::Missed(lines) => {
                let missed = format!("{{\"lines\":{lines}}}");
                events::append(to, Some("missed"), missed.as_bytes());
            }
        }
    }

    /// Appends what waits, at most so many lines of it.
    fn append_waiting(&mut self, to: &mut Vec<u8>, most: usize) {
        for _ in 0..most {
            let Some(heard) = self.watcher.waiting() else {
                return;
            };
            self.append(to, &heard);
        }
    }
}

impl Source for Records {
    const PACE: Duration = Duration::from_secs(15);

    async fn next(&mut self) -> Vec<u8> {
        let heard = self.watcher.next().await;
        let mut events = Vec::new();
        self.append(&mut events, &heard);
        self.append_waiting(&mut events, MOST_AT_ONCE);
        events
    }

    fn pulse(&mut self) -> Vec<u8> {
        events::HERE.to_vec()
    }

    fn last(&mut self) -> Vec<u8> {
        let mut events = Vec::new();
        self.append_waiting(&mut events, usize::MAX);
        events
    }
}

/// How many lines are looked at before others have their turn.
const MOST_AT_ONCE: usize = 64;
