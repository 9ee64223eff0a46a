//! Whether anything is still heard from the other side.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

/// Counts what is heard on one connection. Clones share the count.
#[derive(Clone, Debug, Default)]
pub struct Pulse(Arc<Heard>);

#[derive(Debug, Default)]
struct Heard {
    beats: AtomicU64,
    stopped: AtomicBool,
}

impl Pulse {
    /// Something was heard.
    pub fn beat(&self) {
        // INVARIANT: only the connection's own task writes.
        let before = self.0.beats.load(Ordering::Relaxed);
        self.0
            .beats
            .store(before.wrapping_add(1), Ordering::Relaxed);
    }

    /// How often something was heard.
    #[must_use]
    pub fn beats(&self) -> u64 {
        self.0.beats.load(Ordering::Relaxed)
    }

    /// Nobody waits for another beat: the other side is taken for dead.
    pub fn stop(&self) {
        self.0.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether the other side is taken for dead.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::Relaxed)
    }
}
