//! The ways in which a door says no.

use std::rc::Rc;
use std::time::Duration;

use crate::policy::Denial;
use crate::proxy::canonical::Malformed;
use crate::proxy::gates::Shed;
use crate::proxy::live::Withdrawal;
use crate::proxy::upstream::UpstreamError;
use crate::tls::Loss;

/// Why a request was not forwarded, or not answered by whom it was for.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The policy says no.
    Denied(Denial),
    /// Whoever asks was believed at the handshake, and is no longer.
    Lost(Loss),
    /// The request has no single reading.
    Malformed(Malformed),
    /// It is not one of the probes that there are.
    NoProbe(NoProbe),
    /// There is no room for its record.
    NoRoom,
    /// The request's body broke off.
    RequestBrokeOff,
    /// The request's body stood still for too long.
    RequestStalled,
    /// It comes too often, or at a bad time, and may come again after `wait`.
    Shed { why: Shed, wait: Duration },
    /// No response began in time.
    TimedOut,
    /// The other side did not answer.
    Upstream(UpstreamError),
    /// The policy said yes, and says no now.
    Withdrawn(Rc<Withdrawal>),
}

/// Why something is no probe.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NoProbe {
    /// It is neither GET nor HEAD.
    Method,
    /// It has a body, or wants to leave HTTP.
    MoreThanAHead,
    /// It is for something else.
    Path,
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl From<UpstreamError> for Refusal {
    fn from(error: UpstreamError) -> Self {
        Self::Upstream(error)
    }
}
