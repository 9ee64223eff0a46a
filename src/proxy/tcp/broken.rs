//! How a connection breaks off.

use std::io;

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

    /// The stable word for records.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Caller { .. } => "caller_broke_off",
            Self::Far { cause } if is_refusal(cause) => "refused_by_upstream",
            Self::Far { .. } => "upstream_broke_off",
        }
    }
}
