//! A YAML file becomes settings, or a list of all its mistakes.
//!
//! Nobody below knows this module: each room owns the type of its settings,
//! and this one fills them in. Unknown keys are mistakes, and no default ever
//! opens a door.

mod audit;
mod audit_file;
mod authority;
mod authority_file;
mod clusters;
mod doors;
mod edge;
mod edge_certificate;
mod edge_file;
mod enrolment_file;
mod environment;
mod federation;
mod file;
mod hatch;
mod identity;
mod inbound;
mod inbound_file;
mod injector;
mod injector_file;
mod limits_file;
mod mistakes;
mod outbound;
mod outbound_file;
mod parts;
mod policies;
mod shape;
mod tcp;
mod tcp_file;
mod text;
mod transparent;
mod transparent_file;
mod workload_api;

use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use crate::acme;
use crate::admin;
use crate::audit as records;
use crate::enrol;
use crate::id::SpiffeId;
use crate::id::TrustDomain;
use crate::identity::Endpoint;
use crate::net;
use crate::net::SourceLimits;
use crate::oidc;
use crate::policy;
use crate::proxy;
use crate::session;
use crate::workload_api as api;

pub use authority::AuthorityConfig;
pub use environment::{state_folder, wants_no_color};
pub use file::LogFormat;
pub use injector::InjectorConfig;
pub use mistakes::Mistake;
pub use text::parse as parse_as;

use mistakes::Mistakes;

/// A configuration without mistakes.
#[derive(Clone, Debug)]
pub struct Config {
    /// The operator's window, if there is one.
    pub admin: Option<admin::Settings>,
    /// Where decisions are recorded.
    pub audit: records::Settings,
    /// How long requests under way may take to end once we are told to stop.
    pub drain_deadline: Duration,
    /// The door for people.
    pub edge: Option<EdgeConfig>,
    /// How callers are bounded that have proved no name yet.
    pub handshakes: Handshakes,
    /// The socket for operators, if there is one.
    pub hatch: Option<PathBuf>,
    /// Where SVIDs come from.
    pub identity: IdentitySource,
    /// The door for other workloads.
    pub inbound: Option<proxy::Inbound>,
    /// The operational log.
    pub log: Log,
    /// How the names that `outbound` doors lead to are looked up.
    pub names: net::NameSettings,
    /// Doors for our own application.
    pub outbound: Vec<proxy::Outbound>,
    /// What policies may speak about.
    pub policy: policy::Settings,
    /// Where the policies come from.
    pub policy_source: PolicySource,
    /// Doors for other workloads that do not speak HTTP.
    pub tcp_inbound: Vec<proxy::TcpInbound>,
    /// Doors for our own application, where it does not speak HTTP.
    pub tcp_outbound: Vec<proxy::TcpOutbound>,
    /// Where redirected connections come to, if any do.
    pub transparent: Option<proxy::Transparent>,
    /// The trust domain of our own SVID.
    pub trust_domain: TrustDomain,
    /// Worker threads, at least one.
    pub workers: usize,
    /// The Workload API for programs beside us, if there is one.
    pub workload_api: Option<WorkloadApi>,
}

/// Where SVIDs come from.
#[derive(Clone, Debug)]
pub enum IdentitySource {
    /// A CA on the network.
    Authority(Box<enrol::Settings>),
    /// A CA in this process.
    Embedded {
        /// The folder of its state.
        dir: PathBuf,
        /// Our own SPIFFE ID.
        id: SpiffeId,
        /// How long an SVID lives.
        ttl: Duration,
    },
    /// Files that something else keeps fresh.
    Files {
        /// The SVID with its intermediates.
        certificate: PathBuf,
        /// Its key.
        key: PathBuf,
        /// The trust domain's roots.
        bundle: PathBuf,
    },
    /// A SPIFFE Workload API.
    WorkloadApi {
        /// Where it is.
        endpoint: Endpoint,
    },
}

/// The door for people.
#[derive(Clone, Debug)]
pub struct EdgeConfig {
    /// What browsers are shown.
    pub certificate: EdgeCertificate,
    /// The door itself.
    pub door: proxy::Edge,
    /// Who signs people in.
    pub providers: Vec<oidc::Settings>,
    /// Where sessions are kept.
    pub sessions: session::Settings,
}

/// What browsers are shown.
#[derive(Clone, Debug)]
pub enum EdgeCertificate {
    /// What a CA of the web gives for each host.
    Acme(Box<acme::Settings>),
    /// Files that something else keeps fresh, PEM.
    Files {
        /// The certificate with its intermediates.
        certificate: PathBuf,
        /// Its key.
        key: PathBuf,
    },
}

/// Where policies come from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PolicySource {
    /// The authority that our SVID is from.
    Authority,
    /// The `*.cedar` files of a folder.
    Folder(PathBuf),
}

/// The Workload API for programs beside us.
#[derive(Clone, Debug)]
pub struct WorkloadApi {
    /// Where it is.
    pub settings: api::Settings,
    /// Whose programs get our identity.
    pub uids: BTreeSet<u32>,
}

/// How callers are bounded that have proved no name yet.
#[derive(Clone, Copy, Debug)]
pub struct Handshakes {
    /// How many handshakes may be under way, of all workers.
    pub most: usize,
    /// How many of those may be with one address.
    pub of_source: usize,
    /// What one address may have at the doors for other workloads.
    pub sources: SourceLimits,
    /// How long a handshake may take.
    pub timeout: Duration,
}

/// The operational log.
#[derive(Clone, Debug)]
pub struct Log {
    /// How it looks.
    pub format: LogFormat,
    /// What it holds: `tracing` directives.
    pub level: String,
}

impl Config {
    /// Reads the file at `path`. Paths in it are relative to its folder.
    ///
    /// # Errors
    ///
    /// All mistakes, or the one that it cannot be read.
    pub fn load(path: &Path) -> Result<Self, Vec<Mistake>> {
        Self::parse(&text::load(path)?, text::folder(path))
    }

    /// Parses the text of a configuration file that stands in `folder`.
    ///
    /// # Errors
    ///
    /// All mistakes by their path. Where the text is not YAML, the first place
    /// where it is not, with line and column.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, Vec<Mistake>> {
        parts::check(text::parse(text)?, folder)
    }

    /// The JSON Schema of the file, for editors.
    #[must_use]
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(file::File).to_value()
    }
}
