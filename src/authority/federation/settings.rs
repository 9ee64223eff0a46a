//! What federation needs to know, already checked.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::https::Url;
use crate::id::SpiffeId;
use crate::id::TrustDomain;

/// With whom the trust domain federates.
#[derive(Clone, Debug, Default)]
pub struct FederationSettings {
    /// Where others ask for our bundle, if they may.
    pub endpoint: Option<EndpointSettings>,
    /// Whose bundles we ask for: of no trust domain twice, and not of our own.
    pub relations: Vec<RelationSettings>,
}

impl FederationSettings {
    /// Who is believed besides ourselves.
    #[must_use]
    pub fn trust_domains(&self) -> BTreeSet<TrustDomain> {
        let relations = self.relations.iter();
        relations
            .map(|relation| relation.trust_domain.clone())
            .collect()
    }
}

/// Where others ask for our bundle.
#[derive(Clone, Debug)]
pub struct EndpointSettings {
    /// The address. Port 0 lets the system choose.
    pub listen: SocketAddr,
    /// How it proves who it is.
    pub profile: EndpointProfile,
    /// How often others should look for a change.
    pub refresh_hint: Duration,
}

/// How a bundle endpoint proves who it is.
#[derive(Clone, Debug)]
pub enum EndpointProfile {
    /// By the authority's own SVID.
    Spiffe,
    /// By a certificate for its host, PEM, which others keep fresh.
    Web {
        /// The chain, leaf first.
        certificate: PathBuf,
        /// Its key.
        key: PathBuf,
    },
}

/// A trust domain whose bundle we ask for.
#[derive(Clone, Debug)]
pub struct RelationSettings {
    /// Who must serve it.
    pub profile: RelationProfile,
    /// Whose bundle it is.
    pub trust_domain: TrustDomain,
    /// Where it is served.
    pub url: Url,
}

/// Who must serve a bundle.
#[derive(Clone, Debug)]
pub enum RelationProfile {
    /// A workload.
    Spiffe {
        /// The roots of its trust domain to believe it by at first: a SPIFFE
        /// bundle, or PEM.
        bundle: PathBuf,
        /// Its name.
        spiffe_id: SpiffeId,
    },
    /// Whoever has a certificate for the host.
    Web {
        /// The roots to believe it by, PEM; none: the system's.
        roots: Option<PathBuf>,
    },
}

impl RelationProfile {
    pub(super) fn roots(&self) -> Option<PathBuf> {
        match self {
            Self::Spiffe { .. } => None,
            Self::Web { roots } => roots.clone(),
        }
    }

    pub(super) const fn as_str(&self) -> &'static str {
        match self {
            Self::Spiffe { .. } => "https_spiffe",
            Self::Web { .. } => "https_web",
        }
    }
}
