//! The configuration file of an authority as it is written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::audit_file::Audit;
use crate::config::federation::Federation;
use crate::config::file;

/// The configuration of an authority. Paths are relative to the file's own folder.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// Whose workloads it names, such as `example.org`.
    pub(super) trust_domain: String,
    /// Where sidecars call, such as `0.0.0.0:15443`.
    pub(super) listen: String,
    /// The Unix socket for its operator, mode 0600. Default: `authority.sock`.
    #[serde(default = "defaults::socket")]
    pub(super) socket: PathBuf,
    /// Where its memory is: exactly one of the keys.
    pub(super) store: Store,
    /// The file of the key that signing keys are sealed with: 64 hexadecimal digits, or up to four lines of them, of which the first seals. Made at the first start.
    pub(super) sealing_key_file: PathBuf,
    /// The company's own CA, if its keys are to have intermediates of that and no roots of their own.
    pub(super) upstream: Option<Upstream>,
    /// A file that its roots are written to, PEM, whenever they change: for new sidecars. Default: none.
    pub(super) bundle_file: Option<PathBuf>,
    /// A folder of `*.yaml` files with entries. Looked at twice a second.
    pub(super) entries: Option<PathBuf>,
    /// The policies that it gives to sidecars which want them from it. Default: none.
    pub(super) policy: Option<Policy>,
    /// How sidecars may prove who they are, besides join tokens and their own SVIDs.
    #[serde(default)]
    pub(super) proofs: Proofs,
    /// Other trust domains: who may ask for our bundle, and whose we ask for.
    pub(super) federation: Option<Federation>,
    /// How long an SVID holds, in seconds, unless its entry says otherwise. Default: 3600.
    #[serde(default = "defaults::svid_ttl_s")]
    pub(super) svid_ttl_s: u64,
    /// How long a JWT-SVID holds, in seconds, unless what it rests on ends before. Default: 300.
    #[serde(default = "defaults::jwt_svid_ttl_s")]
    pub(super) jwt_svid_ttl_s: u64,
    /// How long a root holds, in seconds. Its successor is published halfway and signs after five sixths. Default: one year.
    #[serde(default = "defaults::root_ttl_s")]
    pub(super) root_ttl_s: u64,
    /// Whether to begin anew, with another root, where the one that signs has ended while the authority was away. Every workload must then join anew. Default: false, since it may be the clock that is wrong.
    #[serde(default)]
    pub(super) replace_ended_root: bool,
    /// How long a join token may be used, in seconds. Default: 600.
    #[serde(default = "defaults::join_token_ttl_s")]
    pub(super) join_token_ttl_s: u64,
    /// How long after its end an SVID may still be renewed, in seconds. Default: 86400.
    #[serde(default = "defaults::renewal_grace_s")]
    pub(super) renewal_grace_s: u64,
    /// How many requests for certificates one address may make in a second. Default: 50.
    #[serde(default = "defaults::issues_per_second")]
    pub(super) issues_per_second: u32,
    /// SPIFFE IDs that may administrate it over TLS. Default: none.
    #[serde(default)]
    pub(super) admins: Vec<String>,
    /// The SPIFFE Workload API, by which programs of this machine get their names. Default: none.
    pub(super) workload_api: Option<WorkloadApi>,
    /// Where deeds are recorded.
    pub(super) audit: Audit,
    /// The operator's window.
    pub(super) admin: Option<Admin>,
    /// The operational log, on standard error.
    #[serde(default)]
    pub(super) log: file::Log,
}

/// The operator's window.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Admin {
    /// Where `/metrics`, `/livez`, `/readyz` and `/status` are served.
    pub(super) listen: String,
    /// Whether it may listen elsewhere than on loopback. Default: false.
    #[serde(default)]
    pub(super) allow_remote: bool,
}

/// The SPIFFE Workload API, by which programs of this machine get their names.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkloadApi {
    /// Where the socket is to be.
    pub(super) socket: PathBuf,
    /// The permissions of the socket's file. Who gets what is for the entries to say: `0666` lets all users ask. Default: `0600`.
    #[serde(default = "file::defaults::socket_mode")]
    pub(super) mode: String,
}

/// Where an authority's memory is: exactly one of the keys.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Store {
    /// A SQLite file, for one authority. Made at the first start.
    pub(super) sqlite: Option<PathBuf>,
    /// A file that holds the `postgres://` URL of a database that several authorities may share.
    pub(super) postgres_url_file: Option<PathBuf>,
}

/// A CA above the authority's own.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Upstream {
    /// PEM: its certificate, those above it in order, and the root last. Read whenever a signing key is made.
    pub(super) certificate: PathBuf,
    /// PEM: its private key.
    pub(super) key: PathBuf,
}

/// The policies that sidecars are given, and the words that they may use.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Policy {
    /// The folder of the `*.cedar` files. Looked at four times a second.
    pub(super) dir: PathBuf,
    /// The services that policies may name, with what is declared of them.
    #[serde(default)]
    pub(super) services: BTreeMap<String, Service>,
    /// Request headers that policies may read.
    #[serde(default)]
    pub(super) headers: Vec<String>,
    /// Claims of people that policies may read: name, or JSON Pointer such as `/org/level`, to type. Sidecars take from tokens what their own `policy.claims` has.
    #[serde(default)]
    pub(super) claims: BTreeMap<String, file::Values>,
    /// Time zones that policies may ask the time of: name to IANA zone.
    #[serde(default)]
    pub(super) time_zones: BTreeMap<String, String>,
    /// Workloads by the name of their group: name to SPIFFE IDs. Entries may add others.
    #[serde(default)]
    pub(super) workload_groups: BTreeMap<String, Vec<String>>,
    /// What something else says of callers, in `context.signals`: name to type. The values are in the files of sidecars (`policy.signals_file`), or pushed to them.
    #[serde(default)]
    pub(super) signals: BTreeMap<String, file::Values>,
    /// The signals whose values are what a header of the request says: name to header, which callers can set as they like. Default: none.
    #[serde(default)]
    pub(super) signal_headers: BTreeMap<String, String>,
}

/// A service that policies may name.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    /// Route templates, with the groups they are in.
    #[serde(default)]
    pub(super) routes: Vec<file::Route>,
}

/// How sidecars may prove who they are.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Proofs {
    /// Kubernetes clusters whose service-account tokens are taken.
    #[serde(default)]
    pub(super) kubernetes: Vec<Cluster>,
    /// CAs whose certificates are taken.
    #[serde(default)]
    pub(super) x509: Vec<Ca>,
}

/// A cluster whose service-account tokens are taken: exactly one of `jwks_file`, `jwks_url` and `token_review` says which are good.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Cluster {
    /// What entries call it: `k8s:cluster:NAME`.
    pub(super) name: String,
    /// The `iss` of its tokens, such as `https://kubernetes.default.svc`.
    pub(super) issuer: String,
    /// The `aud` that its tokens must have. Default: `portreeve`.
    #[serde(default = "defaults::audience")]
    pub(super) audience: String,
    /// The file of its public keys, a JWK Set, as `kubectl get --raw /openid/v1/jwks` prints it. Read again when it changes.
    pub(super) jwks_file: Option<PathBuf>,
    /// Where its API server serves its public keys, such as `https://10.0.0.1/openid/v1/jwks`. Asked again when they are old or one is missing.
    pub(super) jwks_url: Option<String>,
    /// For `jwks_url`: the roots to believe the API server by, PEM. Default: the system's.
    pub(super) ca_file: Option<PathBuf>,
    /// For `jwks_url`: a file with the token to show to the API server. Default: nothing is shown.
    pub(super) token_file: Option<PathBuf>,
    /// An API server that is asked about each token.
    pub(super) token_review: Option<TokenReview>,
}

/// An API server that is asked about each token.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenReview {
    /// Where it is asked, such as `https://10.0.0.1/apis/authentication.k8s.io/v1/tokenreviews`.
    pub(super) url: String,
    /// The roots to believe it by, PEM.
    pub(super) ca_file: PathBuf,
    /// A file with the token to show to it: of an account that may create `tokenreviews`.
    pub(super) token_file: PathBuf,
}

/// A CA whose certificates are taken.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Ca {
    /// What entries call it: `x509:ca:NAME`.
    pub(super) name: String,
    /// The file of its roots, PEM.
    pub(super) roots: PathBuf,
}

pub(super) mod defaults {
    //! What is taken where nothing is written, and why.

    use std::path::PathBuf;

    /// Beside the configuration, where its owner finds it.
    pub(in crate::config) fn socket() -> PathBuf {
        PathBuf::from("authority.sock")
    }

    /// SPIRE's default: short enough that a stolen key is soon worth nothing.
    pub(in crate::config) const fn svid_ttl_s() -> u64 {
        3_600
    }

    /// What SPIRE grants: long enough for clocks that differ, and nobody can take a
    /// token back.
    pub(in crate::config) const fn jwt_svid_ttl_s() -> u64 {
        300
    }

    /// Roots are copied into images and configurations by people, who need
    /// months to copy the next: there are six from its publication to the end
    /// of the old.
    pub(in crate::config) const fn root_ttl_s() -> u64 {
        365 * 24 * 60 * 60
    }

    /// Long enough to carry it to a machine, short enough not to lie about.
    pub(in crate::config) const fn join_token_ttl_s() -> u64 {
        600
    }

    /// An outage that is over within a day needs nobody to hand out new tokens.
    pub(in crate::config) const fn renewal_grace_s() -> u64 {
        24 * 60 * 60
    }

    /// A node with a hundred pods is up in a few seconds, a flood costs
    /// a hundredth of a core.
    pub(in crate::config) const fn issues_per_second() -> u32 {
        50
    }

    /// What a projected token is asked for with `audience: portreeve`.
    pub(in crate::config) fn audience() -> String {
        "portreeve".to_owned()
    }
}
