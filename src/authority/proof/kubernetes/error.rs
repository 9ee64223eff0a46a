//! Why a Kubernetes token proves nothing.

use std::path::PathBuf;

use crate::authority::proof::kubernetes::server::ServerError;
use crate::authority::selector::SelectorError;
use crate::store::StoreError;

/// Why a cluster's keys cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The API server serves something else.
    #[error("what the API server serves is not a JWK Set")]
    BadKeysServed {
        /// What is wrong with it.
        #[source]
        cause: serde_json::Error,
    },
    /// The file holds no JWK Set.
    #[error("`{}` is not a JWK Set (`kubectl get --raw /openid/v1/jwks` makes one)", path.display())]
    NotAKeySet {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: serde_json::Error,
    },
    /// The API server was asked in vain a moment ago.
    #[error("the API server did not serve its public keys a moment ago")]
    NotAskedAgain,
    /// The API server does not serve them.
    #[error("the API server does not serve its public keys")]
    NotServed {
        /// Why not.
        #[source]
        cause: ServerError,
    },
    /// The API server cannot be asked with what is configured.
    #[error("the API server cannot be asked")]
    Server {
        /// Why not.
        #[source]
        cause: ServerError,
    },
    /// The file cannot be read.
    #[error("the cluster's public keys cannot be read")]
    Unreadable {
        /// Why not.
        #[source]
        cause: StoreError,
    },
}

/// Why a Kubernetes token proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum KubernetesError {
    /// An algorithm that clusters do not use, or none.
    #[error("its algorithm is not one that clusters sign with")]
    BadAlgorithm,
    /// A name that cannot be one.
    #[error("a name in it is not valid")]
    BadName {
        /// What is wrong with it.
        #[source]
        cause: SelectorError,
    },
    /// What the API server says of it is no review.
    #[error("what the API server says of it is not a TokenReview")]
    BadReview,
    /// The signature is wrong.
    #[error("its signature is wrong")]
    BadSignature,
    /// Its time is over.
    #[error("it has expired")]
    Expired,
    /// It is no token.
    #[error("it is not a service-account token")]
    Malformed,
    /// The cluster's keys cannot be read at the moment.
    #[error("the cluster's keys cannot be read")]
    NoKeys {
        /// Why not.
        #[source]
        cause: ClusterError,
    },
    /// The API server says nothing of it at the moment.
    #[error("the cluster's API server cannot be asked about it")]
    NoReview {
        /// Why not.
        #[source]
        cause: ServerError,
    },
    /// The API server does not believe it.
    #[error("the cluster's API server does not believe it")]
    NotAuthenticated,
    /// It is a token of the old kind, or no service account's.
    #[error("it says nothing of a namespace and a service account")]
    NotProjected,
    /// Its time has not come.
    #[error("it is not valid yet")]
    NotYetValid,
    /// It is for somebody else.
    #[error("it is not for this authority's audience")]
    OtherAudience,
    /// It is not from a cluster that we know.
    #[error("its issuer is not a cluster that this authority knows")]
    OtherIssuer,
    /// It was signed with a key that the cluster does not have.
    #[error("it was signed with an unknown key")]
    UnknownKey,
}

impl KubernetesError {
    /// A stable word for records and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::BadAlgorithm => "kubernetes_token_bad_algorithm",
            Self::BadName { .. } | Self::Malformed => "kubernetes_token_malformed",
            Self::BadReview => "kubernetes_token_bad_review",
            Self::BadSignature => "kubernetes_token_bad_signature",
            Self::Expired => "kubernetes_token_expired",
            Self::NoKeys { .. } => "kubernetes_keys_unavailable",
            Self::NoReview { .. } => "kubernetes_review_unavailable",
            Self::NotAuthenticated => "kubernetes_token_not_authenticated",
            Self::NotProjected => "kubernetes_token_not_projected",
            Self::NotYetValid => "kubernetes_token_not_yet_valid",
            Self::OtherAudience => "kubernetes_token_other_audience",
            Self::OtherIssuer => "kubernetes_token_other_issuer",
            Self::UnknownKey => "kubernetes_token_unknown_key",
        }
    }

    /// Whether it was not found out what the token is worth.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::NoKeys { .. } | Self::NoReview { .. })
    }

    pub(super) fn from_library(error: &jsonwebtoken::errors::Error) -> Self {
        use jsonwebtoken::errors::ErrorKind;

        match error.kind() {
            ErrorKind::InvalidSignature => Self::BadSignature,
            ErrorKind::InvalidIssuer => Self::OtherIssuer,
            ErrorKind::InvalidAudience => Self::OtherAudience,
            // Nor is it one for a key of another kind.
            ErrorKind::InvalidAlgorithm | ErrorKind::InvalidKeyFormat => Self::BadAlgorithm,
            _ => Self::Malformed,
        }
    }
}
