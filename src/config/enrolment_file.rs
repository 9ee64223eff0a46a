//! How a sidecar proves to an authority who it is, as the file has it.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::file::OneOrMany;

/// An authority on the network, and how we prove to it who we are: exactly one
/// of `join_token_file`, `kubernetes_token_file` and `x509`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FromAuthority {
    /// Where it is, such as `https://authority.example:15443`; a list, if several share a database.
    pub(super) url: OneOrMany,
    /// The roots to believe it by at first, PEM; from then on it tells of changes.
    pub(super) bundle: PathBuf,
    /// A file with a join token. It works once.
    pub(super) join_token_file: Option<PathBuf>,
    /// A file with a projected service-account token, which Kubernetes keeps fresh.
    pub(super) kubernetes_token_file: Option<PathBuf>,
    /// A certificate of another CA.
    pub(super) x509: Option<X509>,
    /// A folder for the SVID and its key, so that a restart needs no new proof. Default: none, they are in memory only.
    pub(super) state_dir: Option<PathBuf>,
    /// Who we want to be, where the proof allows for several.
    pub(super) spiffe_id: Option<String>,
}

/// A certificate of another CA that proves who we are.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct X509 {
    /// PEM, leaf first.
    pub(super) certificate: PathBuf,
    /// Its private key.
    pub(super) key: PathBuf,
}
