//! One worker's part of the log: room, and lines that wait to be written.

use crate::audit::common::Common;
use crate::audit::entry::Entry;
use crate::audit::entry::Start;
use crate::audit::event::Event;
use crate::audit::request_id::RequestId;
use crate::audit::stamp::Stamp;
use std::fmt;
use std::mem;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

/// A worker's way to the log. Cloning is cheap.
///
/// Each worker takes its own, so that no two threads wait for each other; it
/// stays correct if they share one.
#[derive(Clone, Debug)]
pub struct Shard(Arc<Inner>);

/// Why no record can be begun, so that the request must be refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoRoom {
    /// The writer has ended.
    #[error("the audit log is closed")]
    Closed,
    /// Requests end faster than their records are written, or too many are
    /// under way.
    #[error("the audit log's queue is full")]
    Full,
    /// The last write failed. The writer tries again by itself.
    #[error("the audit log's sink does not take records")]
    SinkFailing,
}

impl NoRoom {
    /// The stable code for metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Full => "full",
            Self::SinkFailing => "sink_failing",
        }
    }
}

impl Shard {
    pub(super) fn new(common: Arc<Common>, room: Capacity, series: u64) -> Self {
        Self(Arc::new(Inner {
            common,
            room,
            series,
            requests: AtomicU64::new(0),
            taken: AtomicUsize::new(0),
            waiting_bytes: AtomicUsize::new(0),
            waiting: Mutex::new(Waiting::default()),
        }))
    }

    /// Takes room for one record, before the request is looked at.
    ///
    /// # Errors
    ///
    /// [`NoRoom`] says why there is none. The request must then be refused.
    pub fn begin(&self) -> Result<Room, NoRoom> {
        self.room(self.0.room.records)
    }

    /// Takes room for what may go wrong on a connection before it has a
    /// request. At most half of all room is given for that, so that idle
    /// connections, however many, leave the other half for requests.
    ///
    /// # Errors
    ///
    /// [`NoRoom`] says why there is none. The connection must then be refused.
    pub fn begin_spare(&self) -> Result<Room, NoRoom> {
        self.room(self.0.room.records.div_ceil(2))
    }

    fn room(&self, most: usize) -> Result<Room, NoRoom> {
        self.0
            .take(most)
            .inspect_err(|why| self.0.common.meters.refused(*why))?;
        Ok(Room {
            shard: Arc::clone(&self.0),
            filled: false,
        })
    }

    /// Rooms that are taken: requests under way and lines not yet written.
    pub(super) fn taken(&self) -> usize {
        self.0.taken.load(Ordering::Relaxed)
    }

    /// Swaps the waiting lines with `bytes`, which is empty, and answers how
    /// many they are.
    pub(super) fn swap(&self, bytes: &mut Vec<u8>) -> usize {
        let mut waiting = self
            .0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        mem::swap(&mut waiting.bytes, bytes);
        self.0.waiting_bytes.store(0, Ordering::Relaxed);
        mem::take(&mut waiting.lines)
    }

    /// Frees the room of `records` that are written.
    pub(super) fn free(&self, records: usize) {
        self.0.taken.fetch_sub(records, Ordering::Release);
    }
}

/// How much one shard may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Capacity {
    pub(super) records: usize,
    /// No room is given while this many bytes wait. Requests that have room by
    /// then still add their lines.
    pub(super) bytes: usize,
}

struct Inner {
    common: Arc<Common>,
    room: Capacity,
    /// The random half of this shard's request ids.
    series: u64,
    requests: AtomicU64,
    taken: AtomicUsize,
    waiting_bytes: AtomicUsize,
    waiting: Mutex<Waiting>,
}

/// Lines that wait for the writer.
#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    lines: usize,
    stamp: Stamp,
}

impl Inner {
    fn take(&self, most: usize) -> Result<(), NoRoom> {
        self.common.open()?;
        if self.waiting_bytes.load(Ordering::Relaxed) >= self.room.bytes {
            return Err(NoRoom::Full);
        }
        if self.taken.fetch_add(1, Ordering::Acquire) < most {
            return Ok(());
        }
        self.taken.fetch_sub(1, Ordering::Release);
        Err(NoRoom::Full)
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Inner")
            .field("room", &self.room)
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}

/// Room for one record. Dropping it gives it back, and nothing is recorded.
///
/// A connection holds one for what may go wrong before there is a request.
#[derive(Debug)]
#[must_use = "a request without room for its record must not be looked at"]
pub struct Room {
    shard: Arc<Inner>,
    filled: bool,
}

impl Room {
    /// Begins the record. From here on it will be written.
    #[must_use = "an entry that is dropped is recorded as abandoned"]
    pub fn entry(self, start: Start) -> Entry {
        let number = self.shard.requests.fetch_add(1, Ordering::Relaxed);
        let id = RequestId::new(self.shard.series, number);
        let at = self.shard.common.now();
        Entry::begin(self, id, at, start)
    }

    /// Begins the record of a deed that is no request. From here on it will be written.
    #[must_use = "an event that is dropped is recorded as abandoned"]
    pub fn event(self, name: &'static str) -> Event {
        let number = self.shard.requests.fetch_add(1, Ordering::Relaxed);
        let id = RequestId::new(self.shard.series, number);
        let at = self.shard.common.now();
        Event::begin(self, id, at, name)
    }

    /// Lets `append` add one line, with its newline, and hands the room to the
    /// writer.
    pub(super) fn fill(&mut self, append: impl FnOnce(&mut Vec<u8>, &mut Stamp)) {
        let mut guard = self
            .shard
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let waiting = &mut *guard;
        append(&mut waiting.bytes, &mut waiting.stamp);
        waiting.lines += 1;
        self.shard
            .waiting_bytes
            .store(waiting.bytes.len(), Ordering::Relaxed);
        drop(guard);
        self.filled = true;
        self.shard.common.lines_wait();
    }

    pub(super) const fn is_filled(&self) -> bool {
        self.filled
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if !self.filled {
            self.shard.taken.fetch_sub(1, Ordering::Release);
        }
    }
}
