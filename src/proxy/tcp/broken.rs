//! Why nothing passes, or no more.

use std::io;

use crate::proxy::reply;
use crate::proxy::upstream::Bond;
use crate::proxy::upstream::UpstreamError;
use crate::tls::is_refusal;

/// Which side broke off, and how.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// Whoever came through the door.
    #[error("the caller broke off")]
    Caller {
        #[source]
        cause: io::Error,
    },
    /// Our application, or the other sidecar.
    #[error("the far side broke off")]
    Far {
        #[source]
        cause: io::Error,
    },
}

impl Broken {
    pub(super) const fn caller(cause: io::Error) -> Self {
        Self::Caller { cause }
    }

    pub(super) const fn far(cause: io::Error) -> Self {
        Self::Far { cause }
    }

    /// The stable word for records, where the other sidecar is at `peer`, bound
    /// by `bond`: one that ends the connection with a certificate does not say so.
    pub(super) fn told(&self, peer: Side, bond: &Bond) -> &'static str {
        tracing::debug!(
            error = self as &dyn std::error::Error,
            "a connection broke off"
        );
        let side = match self {
            Self::Caller { .. } => Side::Caller,
            Self::Far { .. } => Side::Far,
        };
        let ended = (side == peer).then(|| bond.broken()).flatten();
        ended.unwrap_or_else(|| self.word())
    }

    /// The same where neither side has proved anything.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Caller { .. } => "caller_broke_off",
            Self::Far { cause } if is_refusal(cause) => "refused_by_upstream",
            Self::Far { .. } => "upstream_broke_off",
        }
    }
}

/// One of the two ends of what passes through a door.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Side {
    Caller,
    Far,
}

/// Why nothing could pass, in the word for records.
pub(super) fn unreached(error: &UpstreamError) -> &'static str {
    tracing::debug!(
        error = error as &dyn std::error::Error,
        "a caller was let down"
    );
    reply::upstream(error).1
}
