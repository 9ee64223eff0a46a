//! What an authority needs to know, already checked.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use crate::id::SpiffeId;
use crate::id::TrustDomain;
use crate::policy;
use crate::store::DatabaseSettings;

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
    /// How many requests for certificates one address may make in a second.
    pub issues_per_second: NonZeroU32,
    /// How long a join token may be used, unless its maker says otherwise.
    pub join_token_ttl: Duration,
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
    /// The file of its public keys, a JWK Set.
    pub jwks: PathBuf,
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
