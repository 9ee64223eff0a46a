//! What an injector needs to know, already checked.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;

use crate::id::TrustDomain;
use crate::inject::quantity::Quantity;

/// All of it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where API servers call, over TLS.
    pub listen: SocketAddr,
    /// What is shown to them: PEM, leaf first.
    pub certificate: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
    /// What sidecars are told.
    pub sidecar: SidecarSettings,
}

/// What is the same for all sidecars.
#[derive(Clone, Debug)]
pub struct SidecarSettings {
    /// The address that their doors listen on: that of all of a family.
    pub address: IpAddr,
    /// Whom a pod's token is for: what the authority wants to be its audience.
    pub audience: String,
    /// Their authority, `https://host:port` each.
    pub authorities: Vec<String>,
    /// The image that they are run from.
    pub image: String,
    /// An image that has `nft` as well, for those whose connections are redirected.
    pub init_image: Option<String>,
    /// When the images are fetched.
    pub pull_policy: PullPolicy,
    /// What they get where their pod does not say.
    pub resources: Resources,
    /// The file of the roots that they believe the authority by, PEM.
    pub roots: PathBuf,
    /// Whose workloads they are.
    pub trust_domain: TrustDomain,
    /// How many threads they have for requests, where their pod does not say.
    pub workers: NonZeroU16,
}

/// What a sidecar gets of its machine.
#[derive(Clone, Debug)]
pub struct Resources {
    /// The most of a processor; without it, what is left.
    pub cpu_limit: Option<Quantity>,
    /// What is promised of one.
    pub cpu_request: Quantity,
    /// The most of memory.
    pub memory_limit: Quantity,
    /// What is promised of it.
    pub memory_request: Quantity,
}

/// When a kubelet fetches an image.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum PullPolicy {
    /// At each start.
    Always,
    /// If it does not have it.
    #[default]
    IfNotPresent,
    /// Never: somebody puts it there.
    Never,
}

impl PullPolicy {
    /// As Kubernetes writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }
}
