//! Whom we believe about which names.
//!
//! Each trust domain has its own roots, and they vouch for its names only: two
//! bundles are never merged (SPIFFE Federation 7.3). A trust domain without
//! roots is known, and nobody in it is believed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::SystemTime;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::TrustAnchor;

use crate::id::SpiffeId;
use crate::id::TrustDomain;
use crate::x509::ca_certificate::CaCertificate;
use crate::x509::ca_certificate::CaCertificateError;

/// The roots of one trust domain.
///
/// Every root has been found fit to sign SVIDs of this domain. Its dates are
/// looked at when it is used, so that a bundle outlives an old root in it.
#[derive(Clone, Debug)]
pub struct Bundle {
    trust_domain: TrustDomain,
    roots: Vec<Root>,
    anchors: Vec<TrustAnchor<'static>>,
}

impl Bundle {
    /// Puts the bundle of `trust_domain` together from DER certificates.
    ///
    /// # Errors
    ///
    /// [`BundleError`] names the first root that is not fit, counted from 0.
    pub fn new(
        trust_domain: TrustDomain,
        certificates: impl IntoIterator<Item = CertificateDer<'static>>,
    ) -> Result<Self, BundleError> {
        let mut roots = Vec::new();
        for (index, der) in certificates.into_iter().enumerate() {
            roots.push(Root::read(der, index, &trust_domain)?);
        }
        let anchors = roots.iter().map(|root| root.anchor.clone()).collect();
        Ok(Self {
            trust_domain,
            roots,
            anchors,
        })
    }

    /// Whose names these roots vouch for.
    #[must_use]
    pub const fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    /// The roots' certificates, in the order in which they were given.
    pub fn certificates(&self) -> impl Iterator<Item = &CertificateDer<'static>> {
        self.roots.iter().map(|root| &root.der)
    }

    /// The roots' dates and names, in the same order.
    pub fn roots(&self) -> impl Iterator<Item = &CaCertificate> {
        self.roots.iter().map(|root| &root.certificate)
    }

    /// The roots that hold at `now`, without a copy if all of them do.
    pub(super) fn anchors(&self, now: SystemTime) -> Cow<'_, [TrustAnchor<'static>]> {
        if self.roots.iter().all(|root| root.holds(now)) {
            return self.anchors.as_slice().into();
        }
        self.roots
            .iter()
            .filter(|root| root.holds(now))
            .map(|root| root.anchor.clone())
            .collect()
    }

    /// Whether a root named `subject` is here, but does not hold at `now`.
    pub(super) fn has_lapsed(&self, subject: &[u8], now: SystemTime) -> bool {
        self.roots
            .iter()
            .any(|root| root.certificate.subject() == subject && !root.holds(now))
    }
}

/// The bundles of all trust domains that we believe, by name.
#[derive(Clone, Debug, Default)]
pub struct Bundles(BTreeMap<TrustDomain, Bundle>);

impl Bundles {
    /// Puts bundles side by side.
    ///
    /// # Errors
    ///
    /// [`BundlesError::Duplicate`] if two are of the same trust domain.
    pub fn new(bundles: impl IntoIterator<Item = Bundle>) -> Result<Self, BundlesError> {
        let mut map = BTreeMap::new();
        for bundle in bundles {
            let trust_domain = bundle.trust_domain.clone();
            if map.insert(trust_domain.clone(), bundle).is_some() {
                return Err(BundlesError::Duplicate { trust_domain });
            }
        }
        Ok(Self(map))
    }

    /// The one bundle that may vouch for names in `trust_domain`.
    #[must_use]
    pub fn get(&self, trust_domain: &TrustDomain) -> Option<&Bundle> {
        self.0.get(trust_domain)
    }

    /// The bundle that may vouch for `id`.
    #[must_use]
    pub fn for_id(&self, id: &SpiffeId) -> Option<&Bundle> {
        self.get(id.trust_domain())
    }

    /// Whether these and the `others` are the same roots for the same trust domains.
    #[must_use]
    pub fn are(&self, others: &Self) -> bool {
        self.0.len() == others.0.len()
            && self.iter().zip(others.iter()).all(|(one, other)| {
                one.trust_domain == other.trust_domain
                    && one.certificates().eq(other.certificates())
            })
    }

    /// All bundles, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Bundle> {
        self.0.values()
    }
}

/// Why certificates do not make a bundle.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BundleError {
    /// A root that is not fit to sign SVIDs.
    #[error("root {index} of the bundle of `{trust_domain}` may not sign SVIDs")]
    BadRoot {
        /// Its position in the bundle, from 0.
        index: usize,
        /// Whose bundle it is.
        trust_domain: TrustDomain,
        /// What is wrong with it.
        #[source]
        cause: CaCertificateError,
    },
    /// A root that carries another trust domain's ID.
    #[error("root {index} of the bundle of `{trust_domain}` is `{found}`")]
    OtherTrustDomain {
        /// Its position in the bundle, from 0.
        index: usize,
        /// Whose bundle it is.
        trust_domain: TrustDomain,
        /// Who the root says it is.
        found: SpiffeId,
    },
}

/// Why bundles do not stand side by side.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BundlesError {
    /// Two bundles of one trust domain; merging them is forbidden.
    #[error("there are two bundles of `{trust_domain}`")]
    Duplicate {
        /// The trust domain.
        trust_domain: TrustDomain,
    },
}

#[derive(Clone, Debug)]
struct Root {
    der: CertificateDer<'static>,
    anchor: TrustAnchor<'static>,
    certificate: CaCertificate,
}

impl Root {
    fn read(
        der: CertificateDer<'static>,
        index: usize,
        trust_domain: &TrustDomain,
    ) -> Result<Self, BundleError> {
        let bad = |cause| BundleError::BadRoot {
            index,
            trust_domain: trust_domain.clone(),
            cause,
        };
        let certificate = CaCertificate::parse(&der).map_err(bad)?;
        if let Some(found) = certificate.id()
            && found.trust_domain() != trust_domain
        {
            return Err(BundleError::OtherTrustDomain {
                index,
                trust_domain: trust_domain.clone(),
                found: found.clone(),
            });
        }
        let Ok(anchor) = webpki::anchor_from_trusted_cert(&der) else {
            return Err(bad(CaCertificateError::UnknownToWebpki));
        };
        let anchor = anchor.to_owned();
        Ok(Self {
            der,
            anchor,
            certificate,
        })
    }

    fn holds(&self, now: SystemTime) -> bool {
        self.certificate.not_before() <= now && now <= self.certificate.not_after()
    }
}
