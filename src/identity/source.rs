//! Where identities come from.

use std::fmt::Debug;

use futures_util::future::BoxFuture;

use crate::identity::files::FilesError;
use crate::identity::issuer::IssueError;
use crate::identity::svid::Identity;
use crate::identity::svid::IdentityError;
use crate::identity::svid::SvidError;
use crate::identity::workload_api::AgentError;
use crate::x509::CsrError;

/// Something that gives us identities: files, an authority, a Workload API.
pub trait Source: Debug + Send {
    /// A short, constant name for logs and metrics, such as `files`.
    fn name(&self) -> &'static str;

    /// The newest identity there is.
    ///
    /// # Errors
    ///
    /// [`SourceError`] names what is missing or wrong. The caller keeps what it
    /// has and asks again.
    ///
    /// # Cancellation
    ///
    /// May be dropped at any point and called again.
    fn fetch(&mut self) -> BoxFuture<'_, Result<Identity, SourceError>>;

    /// Ends when there may be something newer than what was last fetched. May
    /// never end.
    ///
    /// # Cancellation
    ///
    /// May be dropped at any point and called again; no change is missed.
    fn changed(&mut self) -> BoxFuture<'_, ()>;

    /// Who decides when it is time for the next.
    fn renews(&self) -> Renews;
}

/// Who decides when it is time for the next identity.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Renews {
    /// We do, halfway through the certificate's life.
    AtHalfLife,
    /// The source does; we wait for [`Source::changed`].
    WhenChanged,
}

/// Why a source gave no identity.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Chain and bundle do not go together.
    #[error("certificate and bundle do not make an identity")]
    BadIdentity {
        /// Why not.
        #[source]
        cause: IdentityError,
    },
    /// Chain and key do not go together.
    #[error("certificate and key do not make an SVID")]
    BadSvid {
        /// Why not.
        #[source]
        cause: SvidError,
    },
    /// A source that another module brings gave none.
    #[error("there is no identity from the {source_name}")]
    Brought {
        /// The source.
        source_name: &'static str,
        /// Whether asking again later may help.
        may_pass: bool,
        /// Why not.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The files do not hold what they should.
    #[error("the identity's files are not usable")]
    Files {
        /// Which, and why.
        #[source]
        cause: FilesError,
    },
    /// A new key could not be made.
    #[error("no key could be made")]
    NoKey {
        /// What the generator said.
        #[source]
        cause: rcgen::Error,
    },
    /// A request for a certificate could not be made.
    #[error("no request for a certificate could be made")]
    NoRequest {
        /// What went wrong.
        #[source]
        cause: CsrError,
    },
    /// The authority issued nothing.
    #[error("the authority issued no certificate")]
    NotIssued {
        /// Why not.
        #[source]
        cause: IssueError,
    },
    /// The Workload API that we ask gave nothing.
    #[error("the Workload API gave no identity")]
    WorkloadApi {
        /// Why not.
        #[source]
        cause: AgentError,
    },
}

impl SourceError {
    /// Whether asking again later may help, without anybody mending something.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Brought { may_pass: true, .. })
    }
}
