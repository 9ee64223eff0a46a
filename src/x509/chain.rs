//! Whether to believe a chain of certificates.
//!
//! The cheap checks come first, because whoever sends the chain has proved
//! nothing yet: ten intermediates of one name would cost the path builder 150
//! milliseconds. Then every certificate must keep the rules on its own, whether
//! or not the path needs it, and the path is built to the roots of the leaf's
//! own trust domain and to no others.

use std::time::Duration;
use std::time::SystemTime;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::UnixTime;
use webpki::EndEntityCert;
use webpki::KeyUsage;

use crate::id::SpiffeId;
use crate::id::TrustDomain;
use crate::x509::bundle::Bundle;
use crate::x509::bundle::Bundles;
use crate::x509::ca_certificate::CaCertificate;
use crate::x509::ca_certificate::CaCertificateError;
use crate::x509::leaf::Leaf;
use crate::x509::leaf::LeafError;
use crate::x509::path_error::PathError;

/// How much of a chain we are willing to look at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// How far the issuer's clock may be ahead of ours. At most a minute is wise.
    pub clock_skew: Duration,
    /// The longest a leaf may hold, from first to last instant.
    pub max_lifetime: Duration,
    /// The longest chain, leaf included.
    pub max_certificates: usize,
    /// The largest certificate in bytes.
    pub max_certificate_bytes: usize,
    /// The largest chain in bytes.
    pub max_chain_bytes: usize,
}

impl Default for Limits {
    /// Room for a leaf and three intermediates of any reasonable size; for a
    /// certificate of the usual 90 days, not for one of a year.
    fn default() -> Self {
        Self {
            clock_skew: Duration::from_secs(30),
            max_lifetime: Duration::from_secs(92 * 24 * 60 * 60),
            max_certificates: 4,
            max_certificate_bytes: 8 * 1024,
            max_chain_bytes: 16 * 1024,
        }
    }
}

/// Judges a chain, leaf first, as of `now`.
///
/// `Ok` means: the first certificate is an X.509-SVID in force, and a root of
/// its own trust domain that is in force vouches for it. It does not mean that
/// whoever sent the chain holds the key.
///
/// # Errors
///
/// [`ChainError`] names the first rule that is broken, cheapest first.
pub fn verify(
    chain: &[CertificateDer<'_>],
    bundles: &Bundles,
    now: SystemTime,
    limits: &Limits,
) -> Result<Leaf, ChainError> {
    check_size(chain, limits)?;
    let (first, rest) = chain.split_first().ok_or(ChainError::Empty)?;
    let leaf = Leaf::parse(first).map_err(|cause| ChainError::BadLeaf { cause })?;
    check_dates(&leaf, now, limits)?;
    let issuers = read_issuers(rest, leaf.id().trust_domain(), now, limits)?;
    let bundle = bundles
        .for_id(leaf.id())
        .ok_or_else(|| ChainError::UnknownTrustDomain {
            id: leaf.id().clone(),
        })?;
    check_key_is_its_own(&leaf, &issuers, bundle)?;
    build_path(first, rest, bundle, latest_start(&leaf, &issuers, now)).map_err(|cause| {
        let unknown = matches!(cause, PathError::UnknownIssuer);
        if unknown && issuer_has_lapsed(&leaf, &issuers, bundle, now) {
            ChainError::RootNotInForce
        } else {
            ChainError::BadPath { cause }
        }
    })?;
    Ok(leaf)
}

/// Why a chain is not believed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ChainError {
    /// An intermediate that may not sign SVIDs.
    #[error("certificate {index} of the chain may not sign SVIDs")]
    BadIssuer {
        /// Its position in the chain; the leaf is 0.
        index: usize,
        /// What is wrong with it.
        #[source]
        cause: CaCertificateError,
    },
    /// The first certificate is not an X.509-SVID.
    #[error("the certificate is not an X.509-SVID")]
    BadLeaf {
        /// What is wrong with it.
        #[source]
        cause: LeafError,
    },
    /// No path leads from the leaf to a root of its trust domain.
    #[error("no path leads to a root of its trust domain")]
    BadPath {
        /// What stopped the path.
        #[source]
        cause: PathError,
    },
    /// One certificate is too large.
    #[error("certificate {index} of the chain has {bytes} bytes, more than {limit}")]
    CertificateTooLarge {
        /// Its position in the chain; the leaf is 0.
        index: usize,
        /// Its size.
        bytes: usize,
        /// The largest allowed.
        limit: usize,
    },
    /// All certificates together are too large.
    #[error("the chain has {bytes} bytes, more than {limit}")]
    ChainTooLarge {
        /// Their size.
        bytes: usize,
        /// The largest allowed.
        limit: usize,
    },
    /// Too many certificates.
    #[error("the chain has {certificates} certificates, more than {limit}")]
    ChainTooLong {
        /// How many there are.
        certificates: usize,
        /// The most allowed.
        limit: usize,
    },
    /// Two intermediates of one name, which make path building expensive.
    #[error("certificates {first} and {second} of the chain have the same subject")]
    DuplicateSubject {
        /// The position of the first; the leaf is 0.
        first: usize,
        /// The position of the second.
        second: usize,
    },
    /// No certificate at all.
    #[error("there is no certificate")]
    Empty,
    /// The leaf's time is over.
    #[error("the certificate has expired")]
    Expired,
    /// An intermediate's time is over or has not come.
    #[error("certificate {index} of the chain is not in force")]
    IssuerNotInForce {
        /// Its position in the chain; the leaf is 0.
        index: usize,
    },
    /// An intermediate that carries the ID of another trust domain.
    #[error("certificate {index} of the chain is `{found}`, another trust domain")]
    IssuerOfOtherTrustDomain {
        /// Its position in the chain; the leaf is 0.
        index: usize,
        /// Who it says it is.
        found: SpiffeId,
    },
    /// The leaf has the key of one of its issuers.
    #[error("the certificate has the key of an authority")]
    KeyOfAuthority,
    /// The leaf holds for longer than we accept.
    #[error("the certificate holds for {} s, more than {} s", lifetime.as_secs(), limit.as_secs())]
    LifetimeTooLong {
        /// How long it holds.
        lifetime: Duration,
        /// The longest accepted.
        limit: Duration,
    },
    /// The leaf's time has not come.
    #[error("the certificate is not valid yet")]
    NotYetValid,
    /// The root that signed is known, but its own time is over or has not come.
    #[error("the root that signed is not in force")]
    RootNotInForce,
    /// We have no bundle of the leaf's trust domain.
    #[error("there is no bundle for `{id}`")]
    UnknownTrustDomain {
        /// Who the leaf says it is.
        id: SpiffeId,
    },
}

impl ChainError {
    /// A stable word for records and metrics, one per rule.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::BadIssuer { cause, .. } => cause.reason(),
            Self::BadLeaf { cause } => cause.reason(),
            Self::BadPath { cause } => cause.reason(),
            Self::CertificateTooLarge { .. } => "certificate_too_large",
            Self::ChainTooLarge { .. } => "chain_too_large",
            Self::ChainTooLong { .. } => "chain_too_long",
            Self::DuplicateSubject { .. } => "duplicate_subject",
            Self::Empty => "no_certificate",
            Self::Expired => "expired",
            Self::IssuerNotInForce { .. } => "issuer_not_in_force",
            Self::IssuerOfOtherTrustDomain { .. } => "issuer_of_other_trust_domain",
            Self::KeyOfAuthority => "key_of_authority",
            Self::LifetimeTooLong { .. } => "lifetime_too_long",
            Self::NotYetValid => "not_yet_valid",
            Self::RootNotInForce => "root_not_in_force",
            Self::UnknownTrustDomain { .. } => "unknown_trust_domain",
        }
    }
}

fn check_size(chain: &[CertificateDer<'_>], limits: &Limits) -> Result<(), ChainError> {
    if chain.len() > limits.max_certificates {
        return Err(ChainError::ChainTooLong {
            certificates: chain.len(),
            limit: limits.max_certificates,
        });
    }
    for (index, certificate) in chain.iter().enumerate() {
        if certificate.len() > limits.max_certificate_bytes {
            return Err(ChainError::CertificateTooLarge {
                index,
                bytes: certificate.len(),
                limit: limits.max_certificate_bytes,
            });
        }
    }
    let bytes = chain.iter().map(|certificate| certificate.len()).sum();
    if bytes > limits.max_chain_bytes {
        return Err(ChainError::ChainTooLarge {
            bytes,
            limit: limits.max_chain_bytes,
        });
    }
    Ok(())
}

fn check_dates(leaf: &Leaf, now: SystemTime, limits: &Limits) -> Result<(), ChainError> {
    if now > leaf.not_after() {
        return Err(ChainError::Expired);
    }
    if !has_begun(leaf.not_before(), now, limits) {
        return Err(ChainError::NotYetValid);
    }
    if leaf.lifetime() > limits.max_lifetime {
        return Err(ChainError::LifetimeTooLong {
            lifetime: leaf.lifetime(),
            limit: limits.max_lifetime,
        });
    }
    Ok(())
}

fn has_begun(not_before: SystemTime, now: SystemTime, limits: &Limits) -> bool {
    now.checked_add(limits.clock_skew)
        .is_some_and(|latest| not_before <= latest)
}

fn read_issuers(
    certificates: &[CertificateDer<'_>],
    trust_domain: &TrustDomain,
    now: SystemTime,
    limits: &Limits,
) -> Result<Vec<CaCertificate>, ChainError> {
    let mut issuers: Vec<CaCertificate> = Vec::with_capacity(certificates.len());
    for (position, der) in certificates.iter().enumerate() {
        let index = position + 1;
        let issuer =
            CaCertificate::parse(der).map_err(|cause| ChainError::BadIssuer { index, cause })?;
        if now > issuer.not_after() || !has_begun(issuer.not_before(), now, limits) {
            return Err(ChainError::IssuerNotInForce { index });
        }
        if let Some(found) = issuer.id()
            && !issuer.may_serve(trust_domain)
        {
            return Err(ChainError::IssuerOfOtherTrustDomain {
                index,
                found: found.clone(),
            });
        }
        let same = |earlier: &CaCertificate| earlier.subject() == issuer.subject();
        if let Some(earlier) = issuers.iter().position(same) {
            return Err(ChainError::DuplicateSubject {
                first: earlier + 1,
                second: index,
            });
        }
        issuers.push(issuer);
    }
    Ok(issuers)
}

/// A workload that holds an authority's key could sign for anybody.
fn check_key_is_its_own(
    leaf: &Leaf,
    issuers: &[CaCertificate],
    bundle: &Bundle,
) -> Result<(), ChainError> {
    let shared = issuers
        .iter()
        .chain(bundle.roots())
        .any(|authority| authority.public_key() == leaf.public_key());
    if shared {
        return Err(ChainError::KeyOfAuthority);
    }
    Ok(())
}

/// The date for the path builder, which knows no skew: `now`, or the moment at
/// which the last of the chain begins to hold, if that is a little later.
fn latest_start(leaf: &Leaf, issuers: &[CaCertificate], now: SystemTime) -> SystemTime {
    issuers
        .iter()
        .map(CaCertificate::not_before)
        .chain([leaf.not_before()])
        .fold(now, SystemTime::max)
}

fn build_path(
    leaf: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    bundle: &Bundle,
    at: SystemTime,
) -> Result<(), PathError> {
    let since_epoch = at
        .duration_since(SystemTime::UNIX_EPOCH)
        .or(Err(PathError::BeforeEpoch))?;
    let end = EndEntityCert::try_from(leaf)?;
    end.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &bundle.anchors(at),
        intermediates,
        UnixTime::since_unix_epoch(since_epoch),
        KeyUsage::client_auth(),
        None,
        None,
    )?;
    Ok(())
}

fn issuer_has_lapsed(
    leaf: &Leaf,
    issuers: &[CaCertificate],
    bundle: &Bundle,
    now: SystemTime,
) -> bool {
    issuers
        .iter()
        .map(CaCertificate::issuer)
        .chain([leaf.issuer()])
        .any(|name| bundle.has_lapsed(name, now))
}
