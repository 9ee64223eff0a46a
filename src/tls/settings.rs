//! What handshakes may cost.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

use crate::x509::Limits;

/// What both ends of a handshake need to know, already checked.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long a handshake may take, from the open TCP stream to the proved peer. Above zero.
    pub handshake_timeout: Duration,
    /// How much of a certificate chain we look at.
    pub chain: Limits,
}

impl Default for Settings {
    /// Five seconds are long enough for a caller on another continent, and
    /// short enough that a silent one does not hold a slot for long.
    fn default() -> Self {
        Self {
            handshake_timeout: Duration::from_secs(5),
            chain: Limits::default(),
        }
    }
}

/// How many handshakes may be under way at once, shared by all workers.
///
/// Whoever comes when all slots are taken is turned away at once: a queue would
/// only make everybody wait for those who never finish. Clones share the slots.
#[derive(Clone, Debug)]
pub struct HandshakeSlots(Arc<Semaphore>);

impl HandshakeSlots {
    /// As many as a small machine finishes in a tenth of a second.
    pub const DEFAULT: usize = 256;

    /// Room for `slots` handshakes.
    #[must_use]
    pub fn new(slots: usize) -> Self {
        Self(Arc::new(Semaphore::new(slots.min(Semaphore::MAX_PERMITS))))
    }

    /// How many more could begin now.
    #[must_use]
    pub fn free(&self) -> usize {
        self.0.available_permits()
    }

    pub(super) fn take(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).try_acquire_owned().ok()
    }
}
