//! The authority that names the workloads of one trust domain.
//!
//! It keeps one root key, on disk and in memory, and nothing it signs leaves
//! before passing the check that every peer will make. Whom it names is for the
//! caller to have proved.

mod authority;
mod host_ca;
mod signer;
mod state;
mod upstream;

pub use authority::{Authority, OpenError};
pub use host_ca::{Host, HostCa, HostCertificate};
pub use signer::{Issued, Signer, SignerError, Wish, make_root};
pub use state::StateError;
pub use upstream::{Upstream, UpstreamError};
