//! What every door counts of its callers, before it is known what they want.

use std::cell::Cell;
use std::rc::Rc;

use crate::audit::Door;
use crate::metrics::Gauge;
use crate::metrics::Held;
use crate::metrics::ShardedCounterVec;

/// One worker's counts at one door.
#[derive(Debug)]
pub(super) struct Threshold {
    pub(super) connected: Rc<Cell<usize>>,
    pub(super) connections: Gauge,
    pub(super) door: Door,
    pub(super) handshakes: ShardedCounterVec<2>,
    pub(super) leases: LeaseCounts,
    pub(super) offences: ShardedCounterVec<2>,
}

impl Threshold {
    /// Counts a connection until the answer is dropped.
    pub(super) fn connected(&self) -> Connected {
        self.connected.set(self.connected.get() + 1);
        Connected {
            count: Rc::clone(&self.connected),
            _held: self.connections.hold(),
        }
    }

    /// Counts how a connection began; `result` is `ok` or a stable reason.
    pub(super) fn handshake(&self, result: &str) {
        let door = self.door.as_str();
        self.handshakes.counter([door, result]).inc();
    }

    /// Counts a connection that the caller lost for `reason`, as its record has it.
    pub(super) fn offence(&self, reason: &str) {
        self.offences.counter([self.door.as_str(), reason]).inc();
    }
}

/// How attempts to prove a connection anew ended, at one door.
#[derive(Clone, Debug)]
pub(super) struct LeaseCounts {
    door: Door,
    leases: ShardedCounterVec<2>,
}

impl LeaseCounts {
    /// Those of `door`, where one is there from the beginning.
    pub(super) fn new(door: Door, leases: ShardedCounterVec<2>) -> Self {
        drop(leases.counter([door.as_str(), "extended"]));
        Self { door, leases }
    }

    /// Counts one; `result` is `extended`, `kept`, or a stable reason.
    pub(super) fn count(&self, result: &str) {
        self.leases.counter([self.door.as_str(), result]).inc();
    }
}

/// One connection that is counted.
#[derive(Debug)]
pub(super) struct Connected {
    count: Rc<Cell<usize>>,
    _held: Held,
}

impl Connected {
    /// How many there are at this worker's door, with this one.
    pub(super) fn count(&self) -> usize {
        self.count.get()
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.count.set(self.count.get().saturating_sub(1));
    }
}
