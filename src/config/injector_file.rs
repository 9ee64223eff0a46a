//! The configuration file of an injector as it is written.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::audit_file::Audit;
use crate::config::authority_file::Admin;
use crate::config::file;
use crate::config::file::OneOrMany;

/// The configuration of an injector. Paths are relative to the file's own folder.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// Whose workloads the sidecars are, such as `example.org`.
    pub(super) trust_domain: String,
    /// Where API servers call, such as `0.0.0.0:15445`.
    pub(super) listen: String,
    /// PEM: a certificate for the name that they call, leaf first. Read again when it changes.
    pub(super) certificate: PathBuf,
    /// PEM: its key. Read again when it changes.
    pub(super) key: PathBuf,
    /// Whom sidecars ask for their names.
    pub(super) authority: Authority,
    /// What sidecars are.
    pub(super) sidecar: Sidecar,
    /// Where it is recorded what became of each pod.
    pub(super) audit: Audit,
    /// The operator's window.
    pub(super) admin: Option<Admin>,
    /// The operational log, on standard error.
    #[serde(default)]
    pub(super) log: file::Log,
}

/// Whom sidecars ask for their names.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Authority {
    /// `https://host:port` of the authority, or a list where there are several.
    pub(super) url: OneOrMany,
    /// The roots that sidecars believe it by, PEM. Written into each pod; read again when they change.
    pub(super) roots: PathBuf,
    /// Whom the token of each pod is for: the `audience` that the authority wants. Default: `portreeve`.
    #[serde(default = "super::authority_file::defaults::audience")]
    pub(super) audience: String,
}

/// What sidecars are.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Sidecar {
    /// The image that they are run from.
    pub(super) image: String,
    /// An image that has `nft` besides, for pods whose connections are redirected; without it, such pods are refused.
    pub(super) init_image: Option<String>,
    /// When a node fetches them. Default: `IfNotPresent`.
    #[serde(default)]
    pub(super) pull_policy: PullPolicy,
    /// The address that their doors listen on: `0.0.0.0`, or `::` where pods have IPv6. Default: `0.0.0.0`.
    #[serde(default = "defaults::address")]
    pub(super) address: String,
    /// How many threads they have for requests, unless their pod says otherwise: 1 to 64. Default: 1.
    #[serde(default = "defaults::workers")]
    pub(super) workers: u16,
    /// What they are promised of a processor. Default: `10m`.
    #[serde(default = "defaults::cpu_request")]
    pub(super) cpu_request: String,
    /// The most that they get of one. Default: as much as there is.
    pub(super) cpu_limit: Option<String>,
    /// What they are promised of memory. Default: `32Mi`.
    #[serde(default = "defaults::memory_request")]
    pub(super) memory_request: String,
    /// The most that they get of it. Default: `128Mi`.
    #[serde(default = "defaults::memory_limit")]
    pub(super) memory_limit: String,
}

/// When a node fetches an image, as Kubernetes writes it.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
pub(super) enum PullPolicy {
    /// At each start.
    Always,
    /// If it does not have it.
    #[default]
    IfNotPresent,
    /// Never.
    Never,
}

mod defaults {
    //! What is taken where nothing is written, and why.

    /// What works on any node; `::` does not where the kernel has no IPv6.
    pub(in crate::config) fn address() -> String {
        "0.0.0.0".to_owned()
    }

    /// One thread serves more than most pods are asked.
    pub(in crate::config) const fn workers() -> u16 {
        1
    }

    /// A sidecar that is asked nothing needs nothing.
    pub(in crate::config) fn cpu_request() -> String {
        "10m".to_owned()
    }

    /// An idle one has 20 MB.
    pub(in crate::config) fn memory_request() -> String {
        "32Mi".to_owned()
    }

    /// Some thousands of connections, and the policies that are kept in memory.
    pub(in crate::config) fn memory_limit() -> String {
        "128Mi".to_owned()
    }
}
