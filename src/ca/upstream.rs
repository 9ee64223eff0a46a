//! A company's own CA, above ours.
//!
//! Where there is one, our signing keys have intermediates that it signed, and
//! its root is what workloads believe. Its files are read whenever an
//! intermediate is made, so that they may be renewed.

use std::path::PathBuf;
use std::time::Duration;
use std::time::SystemTime;

use rcgen::KeyPair;
use rcgen::PublicKeyData as _;
use rustls_pki_types::CertificateDer;
use zeroize::Zeroizing;

use crate::ca::signer::Signer;
use crate::ca::signer::SignerError;
use crate::ca::signer::Wish;
use crate::ca::signer::authority_template;
use crate::id::SpiffeIdError;
use crate::id::TrustDomain;
use crate::identity::IssueError;
use crate::store;
use crate::store::StoreError;
use crate::x509::Bundle;
use crate::x509::BundleError;
use crate::x509::Bundles;
use crate::x509::BundlesError;
use crate::x509::CaCertificate;
use crate::x509::CaCertificateError;
use crate::x509::CsrError;
use crate::x509::PemError;
use crate::x509::certificates_from_pem;
use crate::x509::make_request;
use crate::x509::private_key_from_pem;

/// Where the company's CA is.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// PEM: its certificate, those above it in order, and the root last.
    pub certificate: PathBuf,
    /// PEM: its private key.
    pub key: PathBuf,
}

impl Upstream {
    /// A new signing key, its certificate, and those above it up to the root.
    /// It holds for `lifetime` from `now`, and no longer than any of those.
    ///
    /// # Errors
    ///
    /// All of [`UpstreamError`]. What comes back has signed an SVID that peers
    /// would believe.
    pub fn make(
        &self,
        trust_domain: &TrustDomain,
        lifetime: Duration,
        now: SystemTime,
    ) -> Result<(Vec<CertificateDer<'static>>, KeyPair), UpstreamError> {
        let above = self.read(now)?;
        let issuer = above
            .line
            .first()
            .ok_or(UpstreamError::TooLong { certificates: 0 })?;
        let issuer = rcgen::Issuer::from_ca_cert_der(issuer, above.key)
            .map_err(|cause| UpstreamError::NoIssuer { cause })?;
        let failed = |cause| UpstreamError::NotMade { cause };
        let key = KeyPair::generate().map_err(|_none| failed(SignerError::NoRandomness))?;
        let mut template = authority_template(trust_domain, lifetime, now).map_err(failed)?;
        template.not_after = template.not_after.min(above.ends_at);
        let certificate = template
            .sign(&key, &issuer)
            .map_err(|cause| failed(SignerError::BadTemplate { cause }))?;
        let line: Vec<_> = std::iter::once(certificate.der().clone())
            .chain(above.line)
            .collect();
        try_out(&line, &key, trust_domain, now)?;
        Ok((line, key))
    }

    fn read(&self, now: SystemTime) -> Result<Above, UpstreamError> {
        let unreadable = |cause| UpstreamError::Unreadable { cause };
        let not_pem = |cause| UpstreamError::NotPem { cause };
        let text = store::read(&self.certificate).map_err(unreadable)?;
        let line =
            certificates_from_pem(&text, &self.certificate.to_string_lossy()).map_err(not_pem)?;
        if line.len() > MOST_ABOVE {
            return Err(UpstreamError::TooLong {
                certificates: line.len(),
            });
        }
        let mut says = Vec::with_capacity(line.len());
        for (index, der) in line.iter().enumerate() {
            let one = CaCertificate::parse(der)
                .map_err(|cause| UpstreamError::BadCertificate { index, cause })?;
            if now < one.not_before() || one.not_after() < now {
                return Err(UpstreamError::NotInForce { index });
            }
            says.push(one);
        }
        let text = Zeroizing::new(store::read(&self.key).map_err(unreadable)?);
        let key = private_key_from_pem(&text, &self.key.to_string_lossy()).map_err(not_pem)?;
        let key = KeyPair::try_from(&key).map_err(|cause| UpstreamError::BadKey { cause })?;
        let fits = says
            .first()
            .is_some_and(|first| first.has_public_key(&key.subject_public_key_info()));
        if !fits {
            return Err(UpstreamError::OtherKey);
        }
        Ok(Above {
            ends_at: says
                .iter()
                .map(CaCertificate::not_after)
                .min()
                .unwrap_or(now),
            key,
            line,
        })
    }
}

/// What its files hold.
struct Above {
    /// When the first of its certificates ends.
    ends_at: SystemTime,
    key: KeyPair,
    line: Vec<CertificateDer<'static>>,
}

/// Signs an SVID for nobody, as a peer would look at it: whatever constraint of
/// the company's CA is in the way shows here, and not at a workload.
fn try_out(
    line: &[CertificateDer<'static>],
    key: &KeyPair,
    trust_domain: &TrustDomain,
    now: SystemTime,
) -> Result<(), UpstreamError> {
    let failed = |cause| UpstreamError::NotMade { cause };
    let again = KeyPair::try_from(key.serialized_der())
        .map_err(|cause| failed(SignerError::BadIssuer { cause }))?;
    let signer = Signer::new(line.to_vec(), again).map_err(failed)?;
    let bundle = Bundle::new(trust_domain.clone(), line.last().cloned())
        .map_err(|cause| UpstreamError::BadRoot { cause })?;
    let bundles = Bundles::new([bundle]).map_err(|cause| UpstreamError::NoBundle { cause })?;
    let id = format!("spiffe://{trust_domain}/portreeve")
        .parse()
        .map_err(|cause| UpstreamError::NoName { cause })?;
    let request = KeyPair::generate()
        .map_err(|_none| failed(SignerError::NoRandomness))
        .and_then(|own| make_request(&own).map_err(|cause| UpstreamError::NoRequest { cause }))?;
    let wish = Wish {
        id: &id,
        lifetime: Duration::from_secs(60),
        request: &request,
    };
    signer
        .sign(wish, &bundles, now)
        .map(drop)
        .map_err(|cause| UpstreamError::NotBelieved { cause })
}

/// Why the company's CA signs nothing for us.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// A certificate that may not sign ours.
    #[error("certificate {index} of the upstream CA's file may not sign others")]
    BadCertificate {
        /// Its position in the file, from 0.
        index: usize,
        /// What is wrong with it.
        #[source]
        cause: CaCertificateError,
    },
    /// The private key is of a kind that we do not know.
    #[error("the upstream CA's private key cannot be used")]
    BadKey {
        /// Why not.
        #[source]
        cause: rcgen::Error,
    },
    /// Its root cannot be believed in our trust domain.
    #[error(
        "the last certificate of the upstream CA's file cannot be the root of our trust domain"
    )]
    BadRoot {
        /// Why not.
        #[source]
        cause: BundleError,
    },
    /// Its root cannot stand alone.
    #[error("the upstream CA's root makes no bundle")]
    NoBundle {
        /// Why not.
        #[source]
        cause: BundlesError,
    },
    /// Certificate and key make no issuer.
    #[error("the upstream CA's certificate and key make no issuer")]
    NoIssuer {
        /// What the library said.
        #[source]
        cause: rcgen::Error,
    },
    /// The trust domain's name leaves no room for a workload's.
    #[error("the trust domain's name is too long to name anybody")]
    NoName {
        /// Why.
        #[source]
        cause: SpiffeIdError,
    },
    /// A request could not be made to try it out.
    #[error("no request could be made to try the new intermediate out")]
    NoRequest {
        /// Why not.
        #[source]
        cause: CsrError,
    },
    /// What it would sign, through us, nobody would believe: a path length, a
    /// constraint on names, a root that did not sign it.
    #[error(
        "what an intermediate of the upstream CA signs would not be believed; the file must have its \
         certificate first and the root last, and it must allow one more CA below it"
    )]
    NotBelieved {
        /// Why not.
        #[source]
        cause: IssueError,
    },
    /// A certificate whose time is over or has not come.
    #[error("certificate {index} of the upstream CA's file is not in force, if the clock is right")]
    NotInForce {
        /// Its position in the file, from 0.
        index: usize,
    },
    /// No intermediate could be made.
    #[error("no intermediate could be made")]
    NotMade {
        /// Why not.
        #[source]
        cause: SignerError,
    },
    /// A file is not PEM, or lacks what it should hold.
    #[error("a file of the upstream CA does not hold what it should")]
    NotPem {
        /// Which, and what is missing.
        #[source]
        cause: PemError,
    },
    /// The private key is not that of the first certificate.
    #[error("the upstream CA's private key is not that of the first certificate of its file")]
    OtherKey,
    /// More certificates than a chain has room for.
    #[error("the upstream CA's file has {certificates} certificates, not 1 to {MOST_ABOVE}")]
    TooLong {
        /// How many it has.
        certificates: usize,
    },
    /// A file cannot be read.
    #[error("a file of the upstream CA cannot be read")]
    Unreadable {
        /// Which, and why not.
        #[source]
        cause: StoreError,
    },
}

/// A leaf, our intermediate and two more are the longest chain that peers take;
/// the root is not shown.
const MOST_ABOVE: usize = 3;
