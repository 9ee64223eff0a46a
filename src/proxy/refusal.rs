//! The ways in which a door says no.

use std::rc::Rc;
use std::time::Duration;

use crate::policy::Denial;
use crate::proxy::canonical::Malformed;
use crate::proxy::gates::Shed;
use crate::proxy::live::NotAdmitted;
use crate::proxy::live::Withdrawal;
use crate::proxy::upstream::UpstreamError;
use crate::session::Over;
use crate::tls::Loss;

/// Why a request was not forwarded, or not answered by whom it was for.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It shows a bearer token that is no good, or something else in its place.
    BadToken,
    /// A page of another origin asks for what its own must ask for.
    CrossOrigin,
    /// The policy says no.
    Denied(Denial),
    /// Whoever asks was believed at the handshake, and is no longer.
    Lost(Loss),
    /// The request has no single reading.
    Malformed(Malformed),
    /// It is for a host that is not ours.
    Misdirected,
    /// It is not one of the probes that there are.
    NoProbe(NoProbe),
    /// There is no room for its record.
    NoRoom,
    /// It is for a host of ours, and for nothing on it.
    NoRoute,
    /// The request's body broke off.
    RequestBrokeOff,
    /// The request's body stood still for too long.
    RequestStalled,
    /// It comes too often, or at a bad time, and may come again after `wait`.
    Shed { why: Shed, wait: Duration },
    /// It came with a session that is not in force.
    SignedOut(Over),
    /// There are too many who want to sign in.
    SignInBusy,
    /// No response began in time.
    TimedOut,
    /// It has a larger body than what it is for takes.
    TooLarge,
    /// The policy says no, and may say yes to somebody who signs in, or who does so again.
    Unauthenticated { denial: Denial, is_step_up: bool },
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

impl From<NotAdmitted> for Refusal {
    fn from(why: NotAdmitted) -> Self {
        match why {
            NotAdmitted::Denied(denial) => Self::Denied(denial),
            NotAdmitted::Over(over) => Self::SignedOut(over),
        }
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
