//! A key that signs SVIDs, with its certificate.
//!
//! Nothing it signs leaves before passing the check that every peer will make.

use std::fmt;
use std::time::Duration;
use std::time::SystemTime;

use aws_lc_rs::rand;
use rcgen::KeyPair;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::CertificateSigningRequestDer;

use crate::id::SpiffeId;
use crate::id::TrustDomain;
use crate::identity::IssueError;
use crate::x509::Bundles;
use crate::x509::CaCertificate;
use crate::x509::CaCertificateError;
use crate::x509::CaTemplate;
use crate::x509::Leaf;
use crate::x509::Limits;
use crate::x509::Serial;
use crate::x509::SvidTemplate;
use crate::x509::TemplateError;
use crate::x509::read_request;
use crate::x509::verify;

/// A signing key. It never shows in `Debug`.
pub struct Signer {
    /// Its certificate, those above it, and the root last.
    line: Vec<CertificateDer<'static>>,
    says: CaCertificate,
    issuer: rcgen::Issuer<'static, KeyPair>,
}

/// What is asked of a signer.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// Who is to be named.
    pub id: &'a SpiffeId,
    /// For how long, from now.
    pub lifetime: Duration,
    /// For which key.
    pub request: &'a CertificateSigningRequestDer<'a>,
}

/// An SVID that was just signed.
#[derive(Clone, Debug)]
pub struct Issued {
    /// Leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// What the leaf says.
    pub leaf: Leaf,
}

impl Signer {
    /// Puts a key and its certificate together: the first of `line`, in which
    /// those above it follow, and the root comes last. A root's line is itself.
    /// Whether all that belongs together is seen when something is signed: it
    /// would not pass the check.
    ///
    /// # Errors
    ///
    /// [`SignerError`] if the certificate may not sign SVIDs.
    pub fn new(line: Vec<CertificateDer<'static>>, key: KeyPair) -> Result<Self, SignerError> {
        let certificate = line.first().ok_or(SignerError::NoCertificate)?;
        let says = CaCertificate::parse(certificate)
            .map_err(|cause| SignerError::BadCertificate { cause })?;
        let issuer = rcgen::Issuer::from_ca_cert_der(certificate, key)
            .map_err(|cause| SignerError::BadIssuer { cause })?;
        Ok(Self { line, says, issuer })
    }

    /// What its certificate says.
    #[must_use]
    pub const fn says(&self) -> &CaCertificate {
        &self.says
    }

    /// An SVID from `now` on, for as long as was asked or as the signer itself
    /// holds, whichever is shorter. `bundles` are what its peers believe.
    ///
    /// # Errors
    ///
    /// All of [`IssueError`] but [`IssueError::OtherTrustDomain`].
    pub fn sign(
        &self,
        wish: Wish<'_>,
        bundles: &Bundles,
        now: SystemTime,
    ) -> Result<Issued, IssueError> {
        let Wish {
            id,
            lifetime,
            request,
        } = wish;
        if now < self.says.not_before() || now > self.says.not_after() {
            return Err(IssueError::SignerNotInForce);
        }
        let key = read_request(request).map_err(|cause| IssueError::BadRequest { cause })?;
        let last = self.says.not_after();
        let template = SvidTemplate {
            id,
            not_before: now.checked_sub(BACK_DATING).unwrap_or(now),
            not_after: now.checked_add(lifetime).map_or(last, |end| end.min(last)),
            serial: draw_serial().ok_or(IssueError::NoRandomness)?,
        };
        let certificate = template
            .sign(&key, &self.issuer)
            .map_err(|cause| IssueError::Unsigned { cause })?;
        let mut chain = vec![certificate.der().clone()];
        // Peers have the root.
        chain.extend(self.line.iter().rev().skip(1).rev().cloned());
        let leaf = verify(&chain, bundles, now, &Limits::default()).map_err(|cause| {
            IssueError::NotBelieved {
                id: id.clone(),
                cause,
            }
        })?;
        Ok(Issued { chain, leaf })
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("says", &self.says)
            .field("key", &"…")
            .finish_non_exhaustive()
    }
}

/// Why there is no signer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SignerError {
    /// The certificate may not sign SVIDs.
    #[error("the certificate may not sign SVIDs")]
    BadCertificate {
        /// What is wrong with it.
        #[source]
        cause: CaCertificateError,
    },
    /// The certificate and the key make no issuer.
    #[error("certificate and key make no issuer")]
    BadIssuer {
        /// What the library said.
        #[source]
        cause: rcgen::Error,
    },
    /// A root could not be made.
    #[error("no root could be made")]
    BadTemplate {
        /// What went wrong.
        #[source]
        cause: TemplateError,
    },
    /// There is a key, but no certificate for it.
    #[error("the key has no certificate")]
    NoCertificate,
    /// The system gave no random numbers.
    #[error("the system gave no random numbers")]
    NoRandomness,
}

/// A new root for `trust_domain` (ECDSA P-256) that holds for `lifetime` from `now`.
///
/// # Errors
///
/// [`SignerError::BadTemplate`] and [`SignerError::NoRandomness`].
pub fn make_root(
    trust_domain: &TrustDomain,
    lifetime: Duration,
    now: SystemTime,
) -> Result<(CertificateDer<'static>, KeyPair), SignerError> {
    let key = KeyPair::generate().or(Err(SignerError::NoRandomness))?;
    let root = authority_template(trust_domain, lifetime, now)?
        .sign_itself(&key)
        .map_err(|cause| SignerError::BadTemplate { cause })?;
    Ok((root.der().clone(), key))
}

/// What a CA of ours looks like that holds for `lifetime` from `now`.
pub(super) fn authority_template(
    trust_domain: &TrustDomain,
    lifetime: Duration,
    now: SystemTime,
) -> Result<CaTemplate<'_>, SignerError> {
    let beyond = || SignerError::BadTemplate {
        cause: TemplateError::OutOfCalendar,
    };
    Ok(CaTemplate {
        trust_domain,
        not_before: now.checked_sub(CA_BACK_DATING).ok_or_else(beyond)?,
        not_after: now.checked_add(lifetime).ok_or_else(beyond)?,
        serial: draw_serial().ok_or(SignerError::NoRandomness)?,
    })
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
pub(super) const BACK_DATING: Duration = Duration::from_secs(10);

/// A CA is not short-lived; its beginning need not be exact.
const CA_BACK_DATING: Duration = Duration::from_secs(60 * 60);
