//! What an authority needs to know, already checked.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use crate::authority::federation::FederationSettings;
use crate::ca::Upstream;
use crate::https::Url;
use crate::id::SpiffeId;
use crate::id::TrustDomain;
use crate::policy;
use crate::store::DatabaseSettings;
use crate::workload_api;

/// What an authority needs to know, already checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who may administrate it over TLS, besides whoever reaches its socket.
    pub admins: Vec<SpiffeId>,
    /// Clusters whose service-account tokens are taken.
    pub clusters: Vec<ClusterSettings>,
    /// Where its memory is.
    pub database: DatabaseSettings,
    /// The folder of the entries' files.
    pub entries: Option<PathBuf>,
    /// With whom the trust domain federates.
    pub federation: FederationSettings,
    /// How many requests for certificates one address may make in a second.
    pub issues_per_second: NonZeroU32,
    /// How long a join token may be used, unless its maker says otherwise.
    pub join_token_ttl: Duration,
    /// How long a token holds, if what it rests on does.
    pub jwt_svid_ttl: Duration,
    /// Where sidecars call. Port 0 lets the system choose.
    pub listen: SocketAddr,
    /// The policies that it gives to sidecars.
    pub policy: Option<PolicySettings>,
    /// CAs whose certificates are taken as proof.
    pub possession: Vec<PossessionSettings>,
    /// How long after its end an SVID may still be renewed.
    pub renewal_grace: Duration,
    /// Whether to begin anew with another root where the one that signs has ended
    /// while nobody was here.
    pub replace_ended_root: bool,
    /// How long a root holds.
    pub root_ttl: Duration,
    /// The key that signing keys are sealed with.
    pub sealing_key: PathBuf,
    /// The Unix socket for its operator.
    pub socket: PathBuf,
    /// How long an SVID holds, unless its entry says otherwise.
    pub svid_ttl: Duration,
    /// Whose workloads it names.
    pub trust_domain: TrustDomain,
    /// The CA that signs the certificates of its keys, if they are no roots.
    pub upstream: Option<Upstream>,
    /// Where programs of this machine call, if they may.
    pub workload_api: Option<workload_api::Settings>,
}

/// A cluster whose service-account tokens are taken.
#[derive(Clone, Debug)]
pub struct ClusterSettings {
    /// What entries call it.
    pub name: String,
    /// The `iss` of its tokens.
    pub issuer: String,
    /// The `aud` that its tokens must have.
    pub audience: String,
    /// Who says whether its tokens are good.
    pub checks: ClusterChecks,
}

/// Who says whether a cluster's tokens are good.
#[derive(Clone, Debug)]
pub enum ClusterChecks {
    /// We do, with the public keys in a file, a JWK Set.
    KeyFile(PathBuf),
    /// We do, with the public keys that its API server publishes.
    KeyUrl(ApiServer),
    /// Its API server does (TokenReview).
    Review(ApiServer),
}

/// An API server, and what it wants to see.
#[derive(Clone, Debug)]
pub struct ApiServer {
    /// The roots to believe it by, PEM; none: the system's.
    pub roots: Option<PathBuf>,
    /// The bearer token to show, read anew each time; none: nothing is shown.
    pub token: Option<PathBuf>,
    /// What is asked there.
    pub url: Url,
}

/// The policies that an authority gives to sidecars.
#[derive(Clone, Debug)]
pub struct PolicySettings {
    /// The folder of the `*.cedar` files.
    pub dir: PathBuf,
    /// What they may speak about, besides the groups that entries have.
    pub words: policy::Settings,
}

/// A CA whose certificates are taken as proof.
#[derive(Clone, Debug)]
pub struct PossessionSettings {
    /// What entries call it.
    pub name: String,
    /// The file of its roots, PEM.
    pub roots: PathBuf,
}

impl Settings {
    /// The authority's own SPIFFE ID, by which sidecars know it.
    #[must_use]
    pub fn own_id(trust_domain: &TrustDomain) -> Option<SpiffeId> {
        format!("spiffe://{trust_domain}/portreeve/authority")
            .parse()
            .ok()
    }
}
