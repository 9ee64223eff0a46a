//! Signs requests with the root's key.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use aws_lc_rs::rand;
use rcgen::KeyPair;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::CertificateSigningRequestDer;

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
use crate::x509::Limits;
use crate::x509::RootTemplate;
use crate::x509::Serial;
use crate::x509::SvidTemplate;
use crate::x509::TemplateError;
use crate::x509::read_request;
use crate::x509::verify;

/// A workload CA whose root signs SVIDs directly.
pub struct Authority {
    trust_domain: TrustDomain,
    root: CertificateDer<'static>,
    root_not_after: SystemTime,
    issuer: rcgen::Issuer<'static, KeyPair>,
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
                let (root, key) = make_root(&trust_domain, clock.now())?;
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
        let State {
            root,
            key,
            certificate,
        } = state;
        let bundle = Bundle::new(trust_domain.clone(), [root.clone()])
            .map_err(|cause| OpenError::BadBundle { cause })?;
        let bundles = Bundles::new([bundle]).map_err(|cause| OpenError::BadBundles { cause })?;
        let issuer = rcgen::Issuer::from_ca_cert_der(&root, key).map_err(|cause| {
            OpenError::BadTemplate {
                cause: TemplateError::Unsigned { cause },
            }
        })?;
        Ok(Self {
            trust_domain,
            root_not_after: certificate.not_after(),
            root,
            issuer,
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
        let key = read_request(request).map_err(|cause| IssueError::BadRequest { cause })?;
        let now = self.clock.now();
        let template = SvidTemplate {
            id,
            not_before: now.checked_sub(BACK_DATING).unwrap_or(now),
            not_after: now
                .checked_add(lifetime)
                .map_or(self.root_not_after, |end| end.min(self.root_not_after)),
            serial: draw_serial().ok_or(IssueError::NoRandomness)?,
        };
        let certificate = template
            .sign(&key, &self.issuer)
            .map_err(|cause| IssueError::Unsigned { cause })?;
        let chain = vec![certificate.der().clone()];
        let leaf = verify(&chain, &self.bundles, now, &Limits::default()).map_err(|cause| {
            IssueError::NotBelieved {
                id: id.clone(),
                cause,
            }
        })?;
        tracing::info!(
            %id,
            serial = leaf.serial(),
            lifetime_s = leaf.lifetime().as_secs(),
            "SVID issued"
        );
        Ok(chain)
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
    /// A root could not be made.
    #[error("no root could be made")]
    BadTemplate {
        /// What went wrong.
        #[source]
        cause: TemplateError,
    },
    /// The system gave no random numbers.
    #[error("the system gave no random numbers")]
    NoRandomness,
}

fn make_root(
    trust_domain: &TrustDomain,
    now: SystemTime,
) -> Result<(CertificateDer<'static>, KeyPair), OpenError> {
    let key = KeyPair::generate().or(Err(OpenError::NoRandomness))?;
    let beyond = || OpenError::BadTemplate {
        cause: TemplateError::OutOfCalendar,
    };
    let template = RootTemplate {
        trust_domain,
        not_before: now.checked_sub(ROOT_BACK_DATING).ok_or_else(beyond)?,
        not_after: now
            .checked_add(Authority::ROOT_LIFETIME)
            .ok_or_else(beyond)?,
        serial: draw_serial().ok_or(OpenError::NoRandomness)?,
    };
    let root = template
        .sign(&key)
        .map_err(|cause| OpenError::BadTemplate { cause })?;
    Ok((root.der().clone(), key))
}

/// A positive number of exactly 16 bytes, 126 of its bits random.
fn draw_serial() -> Option<Serial> {
    let mut serial = Serial::default();
    rand::fill(&mut serial).ok()?;
    let first = serial.first_mut()?;
    *first = *first & 0x7f | 0x40;
    Some(serial)
}

/// For peers whose clock is a little behind ours.
const BACK_DATING: Duration = Duration::from_secs(10);

/// A root is not short-lived; its beginning need not be exact.
const ROOT_BACK_DATING: Duration = Duration::from_secs(60 * 60);

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
