//! The configuration file as it is written.
//!
//! Every number carries its unit in its key. What is here may still be wrong;
//! `config` turns it into settings or says what is.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::audit_file::Audit;
use crate::config::edge_file::Edge;
use crate::config::enrolment_file::FromAuthority;
use crate::config::inbound_file::Inbound;
use crate::config::limits_file::Limits;
use crate::config::outbound_file::Names;
use crate::config::outbound_file::Outbound;
use crate::config::tcp_file::Tcp;
use crate::config::transparent_file::Transparent;

/// The configuration of a sidecar. Paths are relative to the file's own folder.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// The trust domain that our own SVID is from, such as `example.org`.
    pub(super) trust_domain: String,
    /// Who we are: exactly one source of SVIDs.
    pub(super) identity: Identity,
    /// Worker threads. Default: one for each core that we may use, at most 4.
    pub(super) workers: Option<usize>,
    /// The door for other workloads.
    pub(super) inbound: Option<Inbound>,
    /// Doors for our own application, each to one other workload.
    #[serde(default)]
    pub(super) outbound: Vec<Outbound>,
    /// How the names that `outbound` doors lead to are looked up.
    #[serde(default)]
    pub(super) names: Names,
    /// Doors for what is not HTTP.
    pub(super) tcp: Option<Tcp>,
    /// Where connections come that our application dialled elsewhere.
    pub(super) transparent: Option<Transparent>,
    /// The door for people.
    pub(super) edge: Option<Edge>,
    /// Which requests are allowed.
    pub(super) policy: Policy,
    /// Where decisions are recorded.
    pub(super) audit: Audit,
    /// The operator's window.
    pub(super) admin: Option<Admin>,
    /// The SPIFFE Workload API, by which programs beside us get our identity.
    pub(super) workload_api: Option<WorkloadApi>,
    /// What every door keeps to.
    #[serde(default)]
    pub(super) limits: Limits,
    /// The operational log, on standard error.
    #[serde(default)]
    pub(super) log: Log,
    /// How long requests under way may take to end once we are told to stop, in milliseconds. Default: 30000.
    #[serde(default = "defaults::drain_deadline_ms")]
    pub(super) drain_deadline_ms: u64,
}

/// Who we are: exactly one of the keys.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Identity {
    /// PEM files that something else keeps fresh.
    pub(super) files: Option<Files>,
    /// A workload CA in this process, for development.
    pub(super) embedded: Option<Embedded>,
    /// A workload CA on the network: `portreeve authority`.
    pub(super) authority: Option<FromAuthority>,
    /// The socket of a SPIFFE Workload API, such as `unix:///run/spire/agent.sock`.
    pub(super) workload_api: Option<String>,
}

/// PEM files, watched and swapped when they change.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Files {
    /// The SVID with its intermediates, leaf first.
    pub(super) certificate: PathBuf,
    /// Its private key (PKCS#8, SEC 1 or PKCS#1).
    pub(super) key: PathBuf,
    /// The roots of the trust domain.
    pub(super) bundle: PathBuf,
}

/// A CA whose state is in a folder. Sidecars that share the folder trust each other.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Embedded {
    /// The folder of the CA's key and root. Made at the first start.
    pub(super) dir: PathBuf,
    /// Our own SPIFFE ID.
    pub(super) id: String,
    /// How long an SVID lives, in seconds. Default: 3600.
    #[serde(default = "defaults::svid_ttl_s")]
    pub(super) svid_ttl_s: u64,
}

/// A route template.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Route {
    /// Such as `/users/{id}/**`.
    pub(super) path: String,
    /// The route groups it is in.
    #[serde(default)]
    pub(super) groups: Vec<String>,
}

impl OneOrMany {
    /// All of them.
    pub(super) fn as_slice(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }
}

/// A text or a list of them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

/// Which requests are allowed: exactly one of `dir` and `from_authority`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Policy {
    /// The folder of the `*.cedar` files.
    pub(super) dir: Option<PathBuf>,
    /// Whether the authority gives them to us, instead of a folder. Default: false.
    #[serde(default)]
    pub(super) from_authority: bool,
    /// Request headers that policies may read.
    #[serde(default)]
    pub(super) headers: Vec<String>,
    /// Claims of people that policies may read, as `principal.claims["NAME"]`, and that are taken from what a provider says: name, or JSON Pointer such as
    /// `/org/level`, to type. A claim of another type counts as absent. Default: none.
    #[serde(default)]
    pub(super) claims: BTreeMap<String, Values>,
    /// Time zones that policies may ask the time of: name to IANA zone.
    #[serde(default)]
    pub(super) time_zones: BTreeMap<String, String>,
    /// Other trust domains that callers may come from: policies may name them.
    #[serde(default)]
    pub(super) trust_domains: Vec<String>,
    /// Workloads by the name of their group: name to SPIFFE IDs.
    #[serde(default)]
    pub(super) workload_groups: BTreeMap<String, Vec<String>>,
    /// A YAML or JSON file that says who is in which groups besides: SPIFFE ID, or pattern such as
    /// `spiffe://example.org/ns/ops/*`, to names of groups. Looked at four times a second; with a mistake in it the groups stay as they were.
    pub(super) workload_groups_file: Option<PathBuf>,
    /// What something else says of callers, in `context.signals`: name to type.
    #[serde(default)]
    pub(super) signals: BTreeMap<String, Values>,
    /// The signals whose values are not in that file but what a header of the request says: name to header, which callers can set as they like. A value that is
    /// none of the type is absent; a list has commas. Default: none.
    #[serde(default)]
    pub(super) signal_headers: BTreeMap<String, String>,
    /// A YAML or JSON file with the values of signals: SPIFFE ID or `<provider>/<subject>` to signals to values, or to `{ value: …, until: … }`. Looked at four times a second;
    /// with a mistake in it all values stay as they were.
    pub(super) signals_file: Option<PathBuf>,
}

/// What the values of a signal or a claim are.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Values {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Long,
    /// A text.
    String,
    /// A list of texts, compared as a set.
    Strings,
}

/// The operator's window.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Admin {
    /// Where `/metrics`, `/livez`, `/readyz`, `/audit/checkpoint` and `/status` are served.
    pub(super) listen: String,
    /// Whether it may listen elsewhere than on loopback. Default: false.
    #[serde(default)]
    pub(super) allow_remote: bool,
    /// The Unix socket at which `portreeve session` and `portreeve signal` order the sidecar about; mode 0600, for its own user and root. Default: none.
    pub(super) socket: Option<PathBuf>,
}

/// The SPIFFE Workload API, by which programs beside us get our identity.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkloadApi {
    /// Where the socket is to be.
    pub(super) socket: PathBuf,
    /// The users, by number, whose programs get our identity. Default: the one that we run as.
    pub(super) uids: Option<Vec<u32>>,
    /// The permissions of the socket's file. Default: `0600`.
    #[serde(default = "defaults::socket_mode")]
    pub(super) mode: String,
}

/// The operational log.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Log {
    /// `text` or `json`. Default: `text`.
    pub(super) format: LogFormat,
    /// What is logged: a level, or `tracing` directives such as `info,portreeve::tls=debug`. Default: `info`.
    pub(super) level: String,
}

/// How the operational log looks.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For eyes.
    #[default]
    Text,
    /// For machines.
    Json,
}

pub(super) mod defaults {
    //! What is taken where nothing is written, and why.

    use super::Log;
    use super::LogFormat;

    /// Kubernetes grants 30 s between SIGTERM and SIGKILL by default.
    pub(in crate::config) const fn drain_deadline_ms() -> u64 {
        30_000
    }

    /// SPIRE's default: short enough that a stolen key is soon worth nothing.
    pub(in crate::config) const fn svid_ttl_s() -> u64 {
        3_600
    }

    /// Below Node.js' 5 s, the shortest keep-alive of the common servers, so
    /// that we never write on a connection that the application is closing.
    pub(in crate::config) const fn app_idle_ms() -> u64 {
        4_000
    }

    /// Whoever may connect may try: nobody else by default.
    pub(in crate::config) fn socket_mode() -> String {
        "0600".to_owned()
    }

    impl Default for Log {
        fn default() -> Self {
            Self {
                format: LogFormat::Text,
                level: "info".to_owned(),
            }
        }
    }
}
