//! A certificate that may sign others.

use std::time::SystemTime;

use crate::id::SpiffeId;
use crate::id::SpiffeIdError;
use crate::id::TrustDomain;
use crate::x509::certificate::Certificate;
use crate::x509::certificate::CertificateError;
use crate::x509::leaf::hex;

/// The certificate of a root or an intermediate, found fit to sign SVIDs.
///
/// Parsing is the only way to make one. It says nothing about who signed it,
/// nor about the date.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CaCertificate {
    id: Option<SpiffeId>,
    not_before: SystemTime,
    not_after: SystemTime,
    subject: Vec<u8>,
    issuer: Vec<u8>,
    public_key: Vec<u8>,
    serial: String,
}

impl CaCertificate {
    /// Reads a DER certificate.
    ///
    /// # Errors
    ///
    /// [`CaCertificateError`] names the first rule that the certificate breaks.
    pub fn parse(der: &[u8]) -> Result<Self, CaCertificateError> {
        let certificate =
            Certificate::parse(der).map_err(|cause| CaCertificateError::BadForm { cause })?;
        if certificate.ca_flag() != Some(true) {
            return Err(CaCertificateError::NotAnAuthority);
        }
        let signs = certificate
            .key_usage()
            .is_some_and(|(_, usage)| usage.key_cert_sign());
        if !signs {
            return Err(CaCertificateError::NoCertificateSign);
        }
        let limited = certificate
            .extended_key_usage()
            .is_some_and(|usage| !(usage.any || (usage.server_auth && usage.client_auth)));
        if limited {
            return Err(CaCertificateError::ExtendedUsageIncomplete);
        }
        Ok(Self {
            id: read_id(&certificate)?,
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            subject: certificate.subject().to_vec(),
            issuer: certificate.issuer().to_vec(),
            public_key: certificate.public_key().to_vec(),
            serial: hex(certificate.serial()),
        })
    }

    /// The ID it carries, if it is an SVID itself. The path is always empty.
    #[must_use]
    pub const fn id(&self) -> Option<&SpiffeId> {
        self.id.as_ref()
    }

    /// The first instant at which it holds.
    #[must_use]
    pub const fn not_before(&self) -> SystemTime {
        self.not_before
    }

    /// The last instant at which it holds.
    #[must_use]
    pub const fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// Its number, in lower-case hexadecimal.
    #[must_use]
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// Whether it may sign for `trust_domain`: it carries that domain's ID, or none.
    #[must_use]
    pub fn may_serve(&self, trust_domain: &TrustDomain) -> bool {
        self.id
            .as_ref()
            .is_none_or(|id| id.trust_domain() == trust_domain)
    }

    /// Whether `encoded`, with its algorithm, is its public key.
    #[must_use]
    pub fn has_public_key(&self, encoded: &[u8]) -> bool {
        self.public_key == encoded
    }

    pub(super) fn subject(&self) -> &[u8] {
        &self.subject
    }

    pub(super) fn issuer(&self) -> &[u8] {
        &self.issuer
    }

    pub(super) fn public_key(&self) -> &[u8] {
        &self.public_key
    }
}

/// Why a certificate may not sign SVIDs.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CaCertificateError {
    /// It is not a certificate that anything could use.
    #[error("its form is wrong")]
    BadForm {
        /// What is wrong with it.
        #[source]
        cause: CertificateError,
    },
    /// It claims to have a SPIFFE ID, but it is none.
    #[error("its URI is not a SPIFFE ID")]
    BadId {
        /// What is wrong with the URI.
        #[source]
        cause: SpiffeIdError,
    },
    /// Its extended key usage excludes what SVIDs are for.
    #[error("its extended key usage lacks serverAuth or clientAuth")]
    ExtendedUsageIncomplete,
    /// Its ID is that of a workload; such a certificate must not sign (X509-SVID 3.2).
    #[error("its SPIFFE ID has a path")]
    IdWithPath,
    /// Its key usage does not allow to sign certificates.
    #[error("its key usage lacks keyCertSign")]
    NoCertificateSign,
    /// Its basic constraints do not say that it is an authority.
    #[error("it is not the certificate of an authority")]
    NotAnAuthority,
    /// It carries more than one SPIFFE ID.
    #[error("it has more than one SPIFFE ID")]
    SeveralIds,
    /// Our own reading accepts it, but the path builder's does not.
    #[error("the path builder cannot read it")]
    UnknownToWebpki,
}

impl CaCertificateError {
    /// A stable word for records and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::BadForm { .. } => "issuer_malformed",
            Self::BadId { .. } => "issuer_bad_id",
            Self::ExtendedUsageIncomplete => "issuer_extended_key_usage_incomplete",
            Self::IdWithPath => "issuer_id_with_path",
            Self::NoCertificateSign => "issuer_without_key_cert_sign",
            Self::NotAnAuthority => "issuer_not_ca",
            Self::SeveralIds => "issuer_several_ids",
            Self::UnknownToWebpki => "issuer_unreadable",
        }
    }
}

/// URIs of other schemes are none of SPIFFE's business on an authority.
fn read_id(certificate: &Certificate<'_>) -> Result<Option<SpiffeId>, CaCertificateError> {
    let mut found = None;
    for uri in certificate.uris().flatten() {
        let scheme = uri.get(..SCHEME.len()).unwrap_or_default();
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            continue;
        }
        let id: SpiffeId = uri
            .parse()
            .map_err(|cause| CaCertificateError::BadId { cause })?;
        if !id.path().is_empty() {
            return Err(CaCertificateError::IdWithPath);
        }
        if found.replace(id).is_some() {
            return Err(CaCertificateError::SeveralIds);
        }
    }
    Ok(found)
}

const SCHEME: &str = "spiffe:";
