//! Why a program is not let in.

use crate::https::HttpsError;
use crate::https::TrustError;
use crate::https::UrlError;
use crate::login::kept::KeptError;
use crate::oidc::DeviceAnswerError;
use crate::oidc::IssuerError;
use crate::oidc::TokenAnswerError;

/// Why a program is not let in, or cannot say that it leaves.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// What the edge says of how to go on cannot be used.
    #[error(
        "what the edge says cannot be used: is it one of portreeve's, and not older than this program?"
    )]
    BadAnswer {
        /// Why not.
        #[source]
        cause: DeviceAnswerError,
    },
    /// The edge's name is none that could be asked.
    #[error("no edge can have this name")]
    BadSite {
        /// Why not.
        #[source]
        cause: UrlError,
    },
    /// What the edge says of how to go on could not be at this place.
    #[error("no edge can have this name")]
    BadPlaces {
        /// Why not.
        #[source]
        cause: IssuerError,
    },
    /// What the edge gives is no token of an edge's.
    #[error("what the edge gives is not a token")]
    BadToken {
        /// Why not.
        #[source]
        cause: KeptError,
    },
    /// What the edge gives is no answer with a token.
    #[error("what the edge gives is not a token")]
    BadTokenAnswer {
        /// Why not.
        #[source]
        cause: TokenAnswerError,
    },
    /// The person, or the provider, said no.
    #[error("it was not let in: {said}")]
    Denied {
        /// What the edge says of it.
        said: String,
    },
    /// The edge cannot be asked.
    #[error("the edge cannot be asked")]
    Https {
        /// Why not.
        #[source]
        cause: HttpsError,
    },
    /// Nobody let it in in time.
    #[error("nobody let it in in time: begin again")]
    Late,
    /// The edge does not do it.
    #[error("the edge says no (status {status}): {said}")]
    Refused {
        /// What it says of it.
        said: String,
        /// The status of its answer.
        status: u16,
    },
    /// There is nothing to believe the edge by.
    #[error("there is nothing to believe the edge by")]
    Trust {
        /// Why not.
        #[source]
        cause: TrustError,
    },
}

impl From<HttpsError> for LoginError {
    fn from(cause: HttpsError) -> Self {
        Self::Https { cause }
    }
}
