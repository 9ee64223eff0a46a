//! What every certificate must keep, whatever it is for.
//!
//! The parser underneath is lenient in places (it skips an extension that it
//! cannot read); here, whatever is not understood is refused, so that we never
//! believe a certificate that another program would read differently.

use std::time::Duration;
use std::time::SystemTime;

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ExtendedKeyUsage;
use x509_parser::extensions::GeneralName;
use x509_parser::extensions::KeyUsage;
use x509_parser::extensions::ParsedExtension;
use x509_parser::extensions::SubjectAlternativeName;
use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;
use x509_parser::x509::X509Version;

use crate::x509::key;
use crate::x509::key::KeyError;

/// Why bytes are not a certificate that we can judge.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CertificateError {
    /// Its public key is not acceptable.
    #[error("its public key is not acceptable")]
    BadKey {
        /// What is wrong with the key.
        #[source]
        cause: KeyError,
    },
    /// A serial number that is not a positive number of at most 20 bytes (RFC 5280, 4.1.2.2).
    #[error("its serial number is not a positive number of at most 20 bytes")]
    BadSerial,
    /// A certificate of version 1 or 2, which cannot carry an identity.
    #[error("it is not a certificate of version 3")]
    BadVersion,
    /// The same extension twice.
    #[error("extension {oid} is there twice")]
    DuplicateExtension {
        /// Its object identifier.
        oid: String,
    },
    /// Not the encoding of a certificate.
    #[error("it is not a DER certificate")]
    Malformed,
    /// An extension that we must understand, but whose content is malformed.
    #[error("extension {oid} is malformed")]
    MalformedExtension {
        /// Its object identifier.
        oid: String,
    },
    /// Something follows the certificate.
    #[error("{bytes} bytes follow the certificate")]
    TrailingBytes {
        /// How many.
        bytes: usize,
    },
    /// A critical extension that we do not know, and therefore must not ignore.
    #[error("critical extension {oid} is unknown")]
    UnknownCriticalExtension {
        /// Its object identifier.
        oid: String,
    },
}

impl CertificateError {
    /// A stable word for records and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::BadKey { cause } => cause.reason(),
            Self::BadSerial => "bad_serial",
            Self::BadVersion => "bad_version",
            Self::DuplicateExtension { .. } => "duplicate_extension",
            Self::Malformed => "malformed",
            Self::MalformedExtension { .. } => "malformed_extension",
            Self::TrailingBytes { .. } => "trailing_bytes",
            Self::UnknownCriticalExtension { .. } => "unknown_critical_extension",
        }
    }
}

/// A certificate whose form is right; what it is for has not been looked at.
pub(super) struct Certificate<'a> {
    parsed: X509Certificate<'a>,
}

impl<'a> Certificate<'a> {
    pub(super) fn parse(der: &'a [u8]) -> Result<Self, CertificateError> {
        let (rest, parsed) = X509Certificate::from_der(der).or(Err(CertificateError::Malformed))?;
        if !rest.is_empty() {
            return Err(CertificateError::TrailingBytes { bytes: rest.len() });
        }
        if parsed.version != X509Version::V3 {
            return Err(CertificateError::BadVersion);
        }
        check_serial(parsed.raw_serial())?;
        check_extensions(&parsed)?;
        key::check(parsed.public_key()).map_err(|cause| CertificateError::BadKey { cause })?;
        Ok(Self { parsed })
    }

    /// The value of the cA flag, if there are basic constraints.
    pub(super) fn ca_flag(&self) -> Option<bool> {
        self.extensions()
            .find_map(|(_, extension)| match extension {
                ParsedExtension::BasicConstraints(constraints) => Some(constraints.ca),
                _ => None,
            })
    }

    /// The key usage and whether it is critical.
    pub(super) fn key_usage(&self) -> Option<(bool, &KeyUsage)> {
        self.extensions()
            .find_map(|(critical, extension)| match extension {
                ParsedExtension::KeyUsage(usage) => Some((critical, usage)),
                _ => None,
            })
    }

    pub(super) fn extended_key_usage(&self) -> Option<&ExtendedKeyUsage<'a>> {
        self.extensions()
            .find_map(|(_, extension)| match extension {
                ParsedExtension::ExtendedKeyUsage(usage) => Some(usage),
                _ => None,
            })
    }

    /// Every URI among the alternative names: its text, or nothing where the
    /// bytes are not ASCII. All are counted, also those that cannot be read.
    pub(super) fn uris(&self) -> impl Iterator<Item = Option<&'a str>> {
        self.alternative_names()
            .into_iter()
            .flat_map(|(_, names)| names.general_names.iter())
            .filter_map(|name| match name {
                GeneralName::URI(text) => Some(text.is_ascii().then_some(*text)),
                GeneralName::Invalid(tag, _) if tag.0 == URI_TAG => Some(None),
                _ => None,
            })
    }

    /// Whether the alternative names are critical, if there are any.
    pub(super) fn alternative_names_critical(&self) -> Option<bool> {
        self.alternative_names().map(|(critical, _)| critical)
    }

    pub(super) fn has_subject(&self) -> bool {
        self.parsed.subject().iter().next().is_some()
    }

    /// The subject's name as it is encoded.
    pub(super) fn subject(&self) -> &[u8] {
        self.parsed.subject().as_raw()
    }

    /// The issuer's name as it is encoded.
    pub(super) fn issuer(&self) -> &[u8] {
        self.parsed.issuer().as_raw()
    }

    /// The public key with its algorithm, as it is encoded.
    pub(super) fn public_key(&self) -> &[u8] {
        self.parsed.public_key().raw
    }

    pub(super) fn serial(&self) -> &[u8] {
        self.parsed.raw_serial()
    }

    pub(super) fn not_before(&self) -> SystemTime {
        system_time(self.parsed.validity().not_before)
    }

    pub(super) fn not_after(&self) -> SystemTime {
        system_time(self.parsed.validity().not_after)
    }

    fn alternative_names(&self) -> Option<(bool, &SubjectAlternativeName<'a>)> {
        self.extensions()
            .find_map(|(critical, extension)| match extension {
                ParsedExtension::SubjectAlternativeName(names) => Some((critical, names)),
                _ => None,
            })
    }

    fn extensions(&self) -> impl Iterator<Item = (bool, &ParsedExtension<'a>)> {
        self.parsed
            .extensions()
            .iter()
            .map(|extension| (extension.critical, extension.parsed_extension()))
    }
}

fn check_serial(serial: &[u8]) -> Result<(), CertificateError> {
    let positive = serial.first().is_some_and(|first| first & 0x80 == 0)
        && serial.iter().any(|&byte| byte != 0);
    if positive && serial.len() <= MAX_SERIAL_BYTES {
        Ok(())
    } else {
        Err(CertificateError::BadSerial)
    }
}

fn check_extensions(certificate: &X509Certificate<'_>) -> Result<(), CertificateError> {
    let extensions = certificate.extensions();
    for (position, extension) in extensions.iter().enumerate() {
        let oid = || extension.oid.to_id_string();
        if extensions
            .iter()
            .take(position)
            .any(|earlier| earlier.oid == extension.oid)
        {
            return Err(CertificateError::DuplicateExtension { oid: oid() });
        }
        let known = match extension.parsed_extension() {
            ParsedExtension::ParseError { .. } => {
                return Err(CertificateError::MalformedExtension { oid: oid() });
            }
            ParsedExtension::BasicConstraints(_)
            | ParsedExtension::ExtendedKeyUsage(_)
            | ParsedExtension::KeyUsage(_)
            | ParsedExtension::NameConstraints(_)
            | ParsedExtension::SubjectAlternativeName(_) => true,
            _ => false,
        };
        if extension.critical && !known {
            return Err(CertificateError::UnknownCriticalExtension { oid: oid() });
        }
    }
    Ok(())
}

/// The calendar of certificates as that of the system. ASN.1 cannot express a
/// date that does not fit; if it could, the epoch would be long expired.
fn system_time(time: ASN1Time) -> SystemTime {
    let seconds = time.timestamp();
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let date = if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(distance)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(distance)
    };
    date.unwrap_or(SystemTime::UNIX_EPOCH)
}

/// `uniformResourceIdentifier [6]` in GeneralName (RFC 5280, 4.2.1.6).
const URI_TAG: u32 = 6;

/// 20 bytes, and one that keeps the number positive.
const MAX_SERIAL_BYTES: usize = 21;
