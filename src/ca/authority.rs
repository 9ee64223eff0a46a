//! Signs requests with the root's key.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::CertificateSigningRequestDer;

use crate::ca::signer::Signer;
use crate::ca::signer::SignerError;
use crate::ca::signer::Wish;
use crate::ca::signer::make_root;
use crate::ca::state::State;
use crate::ca::state::StateError;
use crate::id::SpiffeId;
use crate::id::TrustDomain;
use crate::identity::IssueError;
use crate::identity::Issuer;
use crate::time::Clock;
use crate::x509::Bundle;
use crate::x509::BundleError;
use crate::x509::Bundles;
use crate::x509::BundlesError;

/// A workload CA whose root signs SVIDs directly.
pub struct Authority {
    trust_domain: TrustDomain,
    root: CertificateDer<'static>,
    signer: Signer,
    bundles: Arc<Bundles>,
    clock: Arc<dyn Clock>,
}

impl Authority {
    /// How long a root holds: 10 years. A root that signs directly and is kept
    /// in one place is replaced by hand.
    pub const ROOT_LIFETIME: Duration = Duration::from_secs(3653 * 24 * 60 * 60);

    /// How long an SVID holds unless the caller says otherwise: one hour.
    pub const SVID_LIFETIME: Duration = Duration::from_secs(60 * 60);

    /// Opens the authority of `trust_domain` whose state is in `directory`, or
    /// makes one there if there is none. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// All of [`OpenError`]. State that is there is never replaced.
    pub fn open(
        directory: &Path,
        trust_domain: TrustDomain,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let state = match State::load(directory, &trust_domain, clock.now()) {
            Ok(Some(state)) => state,
            Ok(None) => {
                let (root, key) = make_root(&trust_domain, Self::ROOT_LIFETIME, clock.now())
                    .map_err(|cause| OpenError::BadSigner { cause })?;
                State::create(directory, &root, &key)
                    .and_then(|()| State::load(directory, &trust_domain, clock.now()))
                    .and_then(|state| state.ok_or(StateError::Vanished))
                    .map_err(|cause| OpenError::BadState { cause })?
            }
            Err(cause) => return Err(OpenError::BadState { cause }),
        };
        Self::from_state(state, trust_domain, clock)
    }

    /// The root, as workloads must have it to believe each other.
    #[must_use]
    pub const fn root(&self) -> &CertificateDer<'static> {
        &self.root
    }

    /// Whose workloads it names.
    #[must_use]
    pub const fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    fn from_state(
        state: State,
        trust_domain: TrustDomain,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let State { root, key } = state;
        let bundle = Bundle::new(trust_domain.clone(), [root.clone()])
            .map_err(|cause| OpenError::BadBundle { cause })?;
        let bundles = Bundles::new([bundle]).map_err(|cause| OpenError::BadBundles { cause })?;
        let signer =
            Signer::new(vec![root.clone()], key).map_err(|cause| OpenError::BadSigner { cause })?;
        Ok(Self {
            trust_domain,
            root,
            signer,
            bundles: Arc::new(bundles),
            clock,
        })
    }
}

impl Issuer for Authority {
    fn issue(
        &self,
        request: &CertificateSigningRequestDer<'_>,
        id: &SpiffeId,
        lifetime: Duration,
    ) -> Result<Vec<CertificateDer<'static>>, IssueError> {
        if id.trust_domain() != &self.trust_domain {
            return Err(IssueError::OtherTrustDomain {
                id: id.clone(),
                trust_domain: self.trust_domain.clone(),
            });
        }
        let wish = Wish {
            id,
            lifetime,
            request,
        };
        let issued = self.signer.sign(wish, &self.bundles, self.clock.now())?;
        let leaf = &issued.leaf;
        tracing::info!(
            %id,
            serial = leaf.serial(),
            lifetime_s = leaf.lifetime().as_secs(),
            "SVID issued"
        );
        Ok(issued.chain)
    }

    fn bundles(&self) -> Arc<Bundles> {
        Arc::clone(&self.bundles)
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("trust_domain", &self.trust_domain)
            .field("key", &"…")
            .finish_non_exhaustive()
    }
}

/// Why an authority could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its root makes no bundle.
    #[error("the root makes no bundle")]
    BadBundle {
        /// What is wrong with it.
        #[source]
        cause: BundleError,
    },
    /// Its bundle cannot stand alone.
    #[error("the bundle cannot be used")]
    BadBundles {
        /// What is wrong with it.
        #[source]
        cause: BundlesError,
    },
    /// What is on disk is not usable.
    #[error("the authority's state is not usable")]
    BadState {
        /// What is wrong with it.
        #[source]
        cause: StateError,
    },
    /// There is no key that signs.
    #[error("there is no key that signs")]
    BadSigner {
        /// Why not.
        #[source]
        cause: SignerError,
    },
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
