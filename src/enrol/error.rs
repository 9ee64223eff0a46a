//! How asking an authority fails.

use std::path::PathBuf;

use tonic::Code;
use tonic::Status;

use crate::enrol::SignedPolicyError;
use crate::id::SpiffeId;
use crate::identity::IdentityError;
use crate::identity::SvidError;
use crate::jwt::BundleMapError;
use crate::jwt::DocumentError;
use crate::jwt::TokenError;
use crate::net::DialError;
use crate::store::StoreError;
use crate::tls::ConnectError;
use crate::x509::BundleError;
use crate::x509::BundlesError;
use crate::x509::CsrError;
use crate::x509::PemError;

/// Why an authority gave us no name.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// What it answered is not what it should be.
    #[error("the authority's answer makes no identity")]
    BadAnswer {
        /// Why not.
        #[source]
        cause: IdentityError,
    },
    /// The roots are not fit to be believed.
    #[error("the bundle of roots cannot be used")]
    BadBundle {
        /// Why not.
        #[source]
        cause: BundleError,
    },
    /// Two bundles of one trust domain.
    #[error("the bundles do not stand side by side")]
    BadBundles {
        /// Why not.
        #[source]
        cause: BundlesError,
    },
    /// The bundles of other trust domains that were kept are damaged.
    #[error("`{}` does not hold the bundles of other trust domains", path.display())]
    BadFederated {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: BundleMapError,
    },
    /// Keys for tokens that cannot be used.
    #[error("the keys for tokens cannot be used")]
    BadJwtKeys {
        /// Why not.
        #[source]
        cause: DocumentError,
    },
    /// Our own key or certificate, as proof, cannot be used.
    #[error("the certificate and key for the proof of possession cannot be used")]
    BadPossession {
        /// Why not.
        #[source]
        cause: rustls::Error,
    },
    /// A certificate that was answered is none.
    #[error("the authority's certificate is not for our key, or none")]
    BadSvid {
        /// Why not.
        #[source]
        cause: SvidError,
    },
    /// A token that was answered is none.
    #[error("the authority's token is not one, or not for our audience")]
    BadToken {
        /// Why not.
        #[source]
        cause: TokenError,
    },
    /// gRPC could not begin.
    #[error("the authority does not speak gRPC")]
    Channel {
        /// What gRPC says.
        #[source]
        cause: tonic::transport::Error,
    },
    /// A file does not hold what it should.
    #[error("a file does not hold what it should")]
    File {
        /// Which, and what is missing.
        #[source]
        cause: PemError,
    },
    /// Whoever answers there is not the authority that we know, or does not believe us.
    #[error("`{authority}` did not prove to be our authority")]
    Handshake {
        /// Where we called.
        authority: String,
        /// Why not.
        #[source]
        cause: ConnectError,
    },
    /// The groups that were kept are not what we have written.
    #[error(
        "`{}` is not what was kept there: remove it, and start again while the authority can be reached",
        path.display()
    )]
    KeptGroups {
        /// The file.
        path: PathBuf,
    },
    /// The groups that go with the policy set that was kept are not there.
    #[error(
        "`{}` is not there, though a policy set was kept: start again while the authority can be reached",
        path.display()
    )]
    KeptGroupsGone {
        /// The file.
        path: PathBuf,
    },
    /// The policy set that was kept is not what the authority has signed.
    #[error(
        "the policy set in `{}` is not to be believed: remove it, and start again while the authority can be reached",
        path.display()
    )]
    KeptPolicy {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: Box<SignedPolicyError>,
    },
    /// The revocations that were kept are not what we have written.
    #[error(
        "`{}` is not what was kept there: remove it, and start again while the authority can be reached",
        path.display()
    )]
    KeptRevocations {
        /// The file.
        path: PathBuf,
    },
    /// No authority is named.
    #[error("no authority is named")]
    NoAuthority,
    /// A new key could not be made.
    #[error("no key could be made")]
    NoKey {
        /// What the generator said.
        #[source]
        cause: rcgen::Error,
    },
    /// A signing request could not be made.
    #[error("no request for a certificate could be made")]
    NoRequest {
        /// What went wrong.
        #[source]
        cause: CsrError,
    },
    /// A token that was answered names another.
    #[error("the authority's token names `{found}`, not us")]
    OthersToken {
        /// Whom it names.
        found: SpiffeId,
    },
    /// The authority did not answer in time.
    #[error("`{authority}` did not answer in time")]
    Patience {
        /// Where we called.
        authority: String,
    },
    /// The authority says no.
    #[error("the authority says: {} ({:?})", status.message(), status.code())]
    Refused {
        /// What it says.
        status: Box<Status>,
    },
    /// A file cannot be read or written.
    #[error("a file cannot be read or written")]
    Store {
        /// Which, and why.
        #[source]
        cause: StoreError,
    },
    /// A token's file holds no text.
    #[error("`{}` does not hold a token", path.display())]
    TokenUnreadable {
        /// The file.
        path: PathBuf,
    },
    /// The authority cannot be reached.
    #[error("the authority cannot be reached")]
    Unreachable {
        /// Why not.
        #[source]
        cause: DialError,
    },
}

impl EnrolError {
    /// Whether asking again later, with the same proof, may help.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Channel { .. } | Self::Patience { .. } | Self::Unreachable { .. } => true,
            Self::Refused { status } => matches!(
                status.code(),
                Code::Unavailable
                    | Code::ResourceExhausted
                    | Code::DeadlineExceeded
                    | Code::Cancelled
                    | Code::Unknown
                    | Code::Internal
            ),
            _ => false,
        }
    }

    /// Whether the authority does not know the SVID that we have shown.
    pub(super) fn is_unknown_svid(&self) -> bool {
        matches!(self, Self::Refused { status } if status.code() == Code::Unauthenticated)
            || matches!(self, Self::Handshake { .. })
    }
}

impl From<Status> for EnrolError {
    fn from(status: Status) -> Self {
        Self::Refused {
            status: Box::new(status),
        }
    }
}
