//! What handshakes may cost.

use std::time::Duration;

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
