//! How fetching a bundle fails.

use std::path::PathBuf;

use crate::audit::NoRoom;
use crate::authority::federation::foreign::ForeignError;
use crate::authority::ledger::LedgerError;
use crate::https::HttpsError;
use crate::https::TrustError;
use crate::store::StoreError;
use crate::tls::RelianceError;

/// Why a trust domain's bundle was not fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// What came is no bundle of that trust domain.
    #[error("what is served is not the trust domain's bundle")]
    BadAnswer {
        /// Why not.
        #[source]
        cause: ForeignError,
    },
    /// The bundle to begin with is none.
    #[error("`{}` does not hold the bundle to begin with", path.display())]
    BadFirstBundle {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: ForeignError,
    },
    /// The bundle to begin with cannot be read.
    #[error("the bundle to begin with cannot be read")]
    FirstBundleUnreadable {
        /// Why not.
        #[source]
        cause: StoreError,
    },
    /// Nobody answered who should.
    #[error("the bundle is not served")]
    Https {
        /// Why not.
        #[source]
        cause: HttpsError,
    },
    /// The database did not answer.
    #[error("the bundle cannot be kept")]
    Ledger {
        /// Why not.
        #[source]
        cause: LedgerError,
    },
    /// It could not be recorded, so it was not asked for.
    #[error("there is no room for the record")]
    NoRoom {
        /// Why not.
        #[source]
        cause: NoRoom,
    },
    /// It is older than what is known.
    #[error(
        "the bundle that is served has sequence {found}, which is older than {known}: if its trust \
         domain has begun anew, give the relation another bundle to begin with, or leave it out \
         for one start"
    )]
    Older {
        /// The sequence that was served.
        found: u64,
        /// The sequence that is known.
        known: u64,
    },
    /// Nobody can be believed.
    #[error("there is nothing to believe the server by")]
    Reliance {
        /// Why not.
        #[source]
        cause: RelianceError,
    },
    /// The roots of the web cannot be used.
    #[error("there is nothing to believe the server by")]
    Trust {
        /// Why not.
        #[source]
        cause: TrustError,
    },
}

impl FetchError {
    /// A stable word for records and metrics.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::BadAnswer {
                cause: ForeignError::BadBundle { .. },
            } => "bad_bundle",
            Self::BadAnswer { .. } => "bad_document",
            Self::BadFirstBundle { .. } | Self::FirstBundleUnreadable { .. } => "bad_first_bundle",
            Self::Https { cause } => cause.reason(),
            Self::Ledger { .. } => "store_unavailable",
            Self::NoRoom { .. } => "audit_log_full",
            Self::Older { .. } => "older",
            Self::Reliance { .. } | Self::Trust { .. } => "no_roots",
        }
    }

    /// Whether somebody served what we refuse: not an outage, and recorded.
    pub(super) const fn is_refusal(&self) -> bool {
        match self {
            Self::BadAnswer { .. } | Self::Older { .. } => true,
            Self::Https { cause } => cause.is_refusal(),
            _ => false,
        }
    }
}

impl From<LedgerError> for FetchError {
    fn from(cause: LedgerError) -> Self {
        Self::Ledger { cause }
    }
}
