//! A certificate that names one workload.

use std::fmt::Write as _;
use std::time::Duration;
use std::time::SystemTime;

use aws_lc_rs::digest;

use crate::id::SpiffeId;
use crate::id::SpiffeIdError;
use crate::x509::ca_certificate::CaCertificate;
use crate::x509::certificate::Certificate;
use crate::x509::certificate::CertificateError;

/// An X.509-SVID, read and found to keep the standard's rules for leaves.
///
/// Parsing is the only way to make one. It says nothing about who signed it,
/// nor about the date: that is [`verify`](crate::x509::verify)'s part.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Leaf {
    id: SpiffeId,
    not_before: SystemTime,
    not_after: SystemTime,
    serial: String,
    fingerprint: String,
    issuer: Vec<u8>,
    public_key: Vec<u8>,
}

impl Leaf {
    /// Reads a DER certificate.
    ///
    /// # Errors
    ///
    /// [`LeafError`] names the first rule that the certificate breaks.
    pub fn parse(der: &[u8]) -> Result<Self, LeafError> {
        let certificate = Certificate::parse(der).map_err(|cause| LeafError::BadForm { cause })?;
        check_usage(&certificate)?;
        let id = read_id(&certificate)?;
        if certificate.alternative_names_critical() == Some(false) && !certificate.has_subject() {
            return Err(LeafError::NamesNotCritical);
        }
        if certificate.not_after() < certificate.not_before() {
            return Err(LeafError::ValidityReversed);
        }
        Ok(Self {
            id,
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            serial: hex(certificate.serial()),
            fingerprint: hex(digest::digest(&digest::SHA256, der).as_ref()),
            issuer: certificate.issuer().to_vec(),
            public_key: certificate.public_key().to_vec(),
        })
    }

    /// Whom it names. The path is never empty.
    #[must_use]
    pub const fn id(&self) -> &SpiffeId {
        &self.id
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

    /// How long it holds, from first to last instant.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.not_after
            .duration_since(self.not_before)
            .unwrap_or_default()
    }

    /// The issuer's number for it, in lower-case hexadecimal.
    #[must_use]
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// SHA-256 of the certificate's DER, in lower-case hexadecimal.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The name of whoever signed it, as encoded in the certificate.
    pub(super) fn issuer(&self) -> &[u8] {
        &self.issuer
    }

    /// Whether it says that `authority` signed it. Names only: whether it did
    /// is what [`verify`](crate::x509::verify) finds out.
    #[must_use]
    pub fn names_as_issuer(&self, authority: &CaCertificate) -> bool {
        self.issuer() == authority.subject()
    }

    /// Its public key with the algorithm, as encoded in the certificate.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }
}

/// Why a certificate is not an X.509-SVID of a workload.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum LeafError {
    /// It is not a certificate that anything could use.
    #[error("its form is wrong")]
    BadForm {
        /// What is wrong with it.
        #[source]
        cause: CertificateError,
    },
    /// Its URI is not a SPIFFE ID.
    #[error("its URI is not a SPIFFE ID")]
    BadId {
        /// What is wrong with the URI.
        #[source]
        cause: SpiffeIdError,
    },
    /// It may sign certificates itself.
    #[error("it is the certificate of an authority")]
    CertificateAuthority,
    /// Its key usage allows to sign certificates.
    #[error("its key usage contains keyCertSign")]
    CertificateSign,
    /// Its key usage allows to sign revocation lists.
    #[error("its key usage contains cRLSign")]
    CrlSign,
    /// Its extended key usage lacks client or server authentication.
    #[error("its extended key usage lacks serverAuth or clientAuth")]
    ExtendedUsageIncomplete,
    /// Its key usage does not bind those who check it.
    #[error("its key usage is not critical")]
    KeyUsageNotCritical,
    /// It has no subject, and its alternative names do not bind those who check it.
    #[error("its subject is empty and its alternative names are not critical")]
    NamesNotCritical,
    /// It does not say that it is no authority.
    #[error("it has no basic constraints")]
    NoBasicConstraints,
    /// Its key usage does not allow to prove possession of the key.
    #[error("its key usage lacks digitalSignature")]
    NoDigitalSignature,
    /// It does not say that it is for clients and servers.
    #[error("it has no extended key usage")]
    NoExtendedUsage,
    /// It does not say what its key is for.
    #[error("it has no key usage")]
    NoKeyUsage,
    /// Its ID is that of a trust domain, not of a workload.
    #[error("its SPIFFE ID has no path")]
    NoPath,
    /// It names nobody.
    #[error("it has no URI among its alternative names")]
    NoUri,
    /// Its URI has bytes outside ASCII.
    #[error("its URI is not ASCII")]
    NotAscii,
    /// It names more than one.
    #[error("it has {count} URIs among its alternative names, not one")]
    SeveralUris {
        /// How many.
        count: usize,
    },
    /// It ends before it begins.
    #[error("its validity ends before it begins")]
    ValidityReversed,
}

impl LeafError {
    /// A stable word for records and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::BadForm { cause } => cause.reason(),
            Self::BadId { cause } => id_reason(cause),
            Self::CertificateAuthority => "ca_as_leaf",
            Self::CertificateSign => "key_cert_sign",
            Self::CrlSign => "crl_sign",
            Self::ExtendedUsageIncomplete => "extended_key_usage_incomplete",
            Self::KeyUsageNotCritical => "key_usage_not_critical",
            Self::NamesNotCritical => "names_not_critical",
            Self::NoBasicConstraints => "no_basic_constraints",
            Self::NoDigitalSignature => "no_digital_signature",
            Self::NoExtendedUsage => "no_extended_key_usage",
            Self::NoKeyUsage => "no_key_usage",
            Self::NoPath => "id_without_path",
            Self::NoUri => "no_uri",
            Self::NotAscii => "uri_not_ascii",
            Self::SeveralUris { .. } => "several_uris",
            Self::ValidityReversed => "validity_reversed",
        }
    }
}

const fn id_reason(cause: &SpiffeIdError) -> &'static str {
    match cause {
        SpiffeIdError::BadCharacter { .. } => "id_bad_character",
        SpiffeIdError::BadScheme => "id_bad_scheme",
        SpiffeIdError::BadTrustDomain { .. } => "id_bad_trust_domain",
        SpiffeIdError::DotSegment { .. } => "id_dot_segment",
        SpiffeIdError::EmptySegment { .. } => "id_empty_segment",
        SpiffeIdError::TooLong { .. } => "id_too_long",
    }
}

/// X509-SVID 4.1, 4.3 and 4.4, and the stricter reading of SHOULD there.
fn check_usage(certificate: &Certificate<'_>) -> Result<(), LeafError> {
    match certificate.ca_flag() {
        None => return Err(LeafError::NoBasicConstraints),
        Some(true) => return Err(LeafError::CertificateAuthority),
        Some(false) => {}
    }
    let (critical, usage) = certificate.key_usage().ok_or(LeafError::NoKeyUsage)?;
    if !critical {
        return Err(LeafError::KeyUsageNotCritical);
    }
    if usage.key_cert_sign() {
        return Err(LeafError::CertificateSign);
    }
    if usage.crl_sign() {
        return Err(LeafError::CrlSign);
    }
    if !usage.digital_signature() {
        return Err(LeafError::NoDigitalSignature);
    }
    let extended = certificate
        .extended_key_usage()
        .ok_or(LeafError::NoExtendedUsage)?;
    if !(extended.server_auth && extended.client_auth) {
        return Err(LeafError::ExtendedUsageIncomplete);
    }
    Ok(())
}

/// X509-SVID 2 and 5.2: exactly one URI, and that a workload's ID.
fn read_id(certificate: &Certificate<'_>) -> Result<SpiffeId, LeafError> {
    let count = certificate.uris().count();
    if count > 1 {
        return Err(LeafError::SeveralUris { count });
    }
    let uri = certificate
        .uris()
        .next()
        .ok_or(LeafError::NoUri)?
        .ok_or(LeafError::NotAscii)?;
    let id: SpiffeId = uri.parse().map_err(|cause| LeafError::BadId { cause })?;
    if id.path().is_empty() {
        return Err(LeafError::NoPath);
    }
    Ok(id)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail.
            let _infallible = write!(text, "{byte:02x}");
            text
        })
}
