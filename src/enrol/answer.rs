//! What an authority says, as values of ours.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustls_pki_types::CertificateDer;

use crate::enrol::EnrolError;
use crate::id::SpiffeId;
use crate::identity::Revocations;
use crate::jwt::BundleDocument;
use crate::jwt::JwtBundles;
use crate::jwt::JwtKeys;
use crate::policy::GroupName;
use crate::policy::Groups;
use crate::rpc::authority as rpc;
use crate::rpc::authority::revocation::What;
use crate::x509::Bundle;
use crate::x509::Bundles;
use crate::x509::CaCertificate;
use crate::x509::Leaf;

/// The state of the trust domain, as far as it could be read.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) version: u64,
    /// The policy set, as it was told.
    pub(super) policy: Option<rpc::PolicySet>,
    pub(super) groups: Groups,
    pub(super) bundles: Arc<Bundles>,
    /// What tokens of the same trust domains are checked with.
    pub(super) jwt_bundles: Arc<JwtBundles>,
    pub(super) tainted: Vec<CaCertificate>,
    pub(super) revocations: Revocations,
}

impl State {
    /// Reads what was told. One bad bundle is no reason to believe nobody in
    /// the other trust domains: whoever tells it is the authority, which may
    /// be newer than we are.
    ///
    /// # Errors
    ///
    /// [`EnrolError::BadBundles`] if two are of one trust domain.
    pub(super) fn read(told: rpc::State) -> Result<Self, EnrolError> {
        let mut bundles = Vec::new();
        let mut jwt_bundles = Vec::new();
        for bundle in told.bundles {
            match read_bundle(bundle) {
                Ok(Some((bundle, keys))) => {
                    jwt_bundles.push((bundle.trust_domain().clone(), keys));
                    bundles.push(bundle);
                }
                Ok(None) => {}
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(error, "a bundle that the authority tells of is not usable");
                }
            }
        }
        let bundles = Bundles::new(bundles).map_err(|cause| EnrolError::BadBundles { cause })?;
        let tainted = told
            .tainted
            .iter()
            .filter_map(|root| CaCertificate::parse(root).ok())
            .collect();
        let mut revocations = Revocations::default();
        for revocation in told.revocations {
            match revocation.what {
                Some(What::SpiffeId(id)) => {
                    if let Ok(id) = id.parse() {
                        revocations.revoke_id(id);
                    }
                }
                Some(What::Serial(serial)) => revocations.revoke_serial(serial),
                None => {}
            }
        }
        Ok(Self {
            version: told.version,
            policy: told.policy,
            groups: told.groups.iter().filter_map(read_group).collect(),
            bundles: Arc::new(bundles),
            jwt_bundles: Arc::new(jwt_bundles.into_iter().collect()),
            tainted,
            revocations,
        })
    }
}

impl State {
    /// Whether `leaf` was signed with a key that nobody should rely on.
    pub(super) fn taints(&self, leaf: &Leaf) -> bool {
        self.tainted.iter().any(|root| leaf.names_as_issuer(root))
    }
}

/// Whoever is in it under a name that we cannot read is in no group of ours.
fn read_group(told: &rpc::Group) -> Option<(GroupName, BTreeSet<SpiffeId>)> {
    let members = told.members.iter().filter_map(|id| id.parse().ok());
    Some((told.name.parse().ok()?, members.collect()))
}

fn read_bundle(told: rpc::Bundle) -> Result<Option<(Bundle, JwtKeys)>, EnrolError> {
    let Ok(trust_domain) = told.trust_domain.parse() else {
        return Ok(None);
    };
    let roots = told.x509_authorities.into_iter().map(CertificateDer::from);
    let bundle =
        Bundle::new(trust_domain, roots).map_err(|cause| EnrolError::BadBundle { cause })?;
    if told.jwt_keys.is_empty() {
        return Ok(Some((bundle, JwtKeys::default())));
    }
    let document =
        BundleDocument::parse(&told.jwt_keys).map_err(|cause| EnrolError::BadJwtKeys { cause })?;
    Ok(Some((bundle, document.jwt_keys)))
}
