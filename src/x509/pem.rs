//! Certificates and keys as text.

use rustls_pki_types::CertificateDer;
use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;

/// Why a text does not hold what it should.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PemError {
    /// Some line is not PEM.
    #[error("{place} is not PEM text: {problem}")]
    Malformed {
        /// Where the text came from, as the operator knows it.
        place: String,
        /// What the reader stumbled over.
        problem: String,
    },
    /// No section of the kind that is wanted.
    #[error("{place} holds no {wanted}")]
    Missing {
        /// Where the text came from, as the operator knows it.
        place: String,
        /// What it should hold.
        wanted: &'static str,
    },
    /// More sections of the kind than can be meant.
    #[error("{place} holds more than one {wanted}")]
    Several {
        /// Where the text came from, as the operator knows it.
        place: String,
        /// What it should hold once.
        wanted: &'static str,
    },
}

/// All certificates in `text`, in order; at least one. `place` names the text
/// in errors, such as a path.
///
/// # Errors
///
/// [`PemError::Malformed`] or [`PemError::Missing`].
pub fn certificates_from_pem(
    text: &[u8],
    place: &str,
) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(text)
        .collect::<Result<_, _>>()
        .map_err(|error| malformed(place, &error))?;
    if certificates.is_empty() {
        return Err(PemError::Missing {
            place: place.to_owned(),
            wanted: "certificate",
        });
    }
    Ok(certificates)
}

/// The one private key in `text`, unencrypted: PKCS #8, SEC 1 or PKCS #1.
///
/// # Errors
///
/// All of [`PemError`].
pub fn private_key_from_pem(text: &[u8], place: &str) -> Result<PrivateKeyDer<'static>, PemError> {
    let mut keys = PrivateKeyDer::pem_slice_iter(text);
    let key = keys
        .next()
        .ok_or_else(|| PemError::Missing {
            place: place.to_owned(),
            wanted: "private key",
        })?
        .map_err(|error| malformed(place, &error))?;
    if keys.next().is_some() {
        return Err(PemError::Several {
            place: place.to_owned(),
            wanted: "private key",
        });
    }
    Ok(key)
}

/// The one certificate signing request in `text`, in DER.
///
/// # Errors
///
/// All of [`PemError`].
pub fn request_from_pem(text: &[u8]) -> Result<CertificateSigningRequestDer<'static>, PemError> {
    let place = "the request";
    let mut requests = CertificateSigningRequestDer::pem_slice_iter(text);
    let request = requests
        .next()
        .ok_or_else(|| PemError::Missing {
            place: place.to_owned(),
            wanted: "certificate request",
        })?
        .map_err(|error| malformed(place, &error))?;
    if requests.next().is_some() {
        return Err(PemError::Several {
            place: place.to_owned(),
            wanted: "certificate request",
        });
    }
    Ok(request)
}

/// Certificates as text, in the given order.
pub fn certificates_to_pem<'a>(
    certificates: impl IntoIterator<Item = &'a CertificateDer<'a>>,
) -> String {
    certificates
        .into_iter()
        .map(|certificate| armour("CERTIFICATE", certificate))
        .collect()
}

/// A private key as text.
#[must_use]
pub fn private_key_to_pem(key: &PrivatePkcs8KeyDer<'_>) -> String {
    armour("PRIVATE KEY", key.secret_pkcs8_der())
}

/// RFC 7468: 64 characters a line.
fn armour(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in der.chunks(48) {
        text.extend(line.chunks(3).flat_map(base64_group));
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}

fn base64_group(bytes: &[u8]) -> [char; 4] {
    let byte = |index: usize| u32::from(bytes.get(index).copied().unwrap_or(0));
    let group = byte(0) << 16 | byte(1) << 8 | byte(2);
    [18, 12, 6, 0].map(|shift| {
        let position = 3 - shift / 6;
        if position > bytes.len() {
            return '=';
        }
        base64_digit(group >> shift & 63)
    })
}

fn base64_digit(value: u32) -> char {
    let index = usize::try_from(value).unwrap_or(0);
    BASE64.get(index).copied().map_or('=', char::from)
}

fn malformed(place: &str, error: &rustls_pki_types::pem::Error) -> PemError {
    PemError::Malformed {
        place: place.to_owned(),
        problem: error.to_string(),
    }
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for length in [1_u8, 2, 3, 47, 48, 49, 200] {
            let der = CertificateDer::from((0..length).collect::<Vec<u8>>());
            let text = certificates_to_pem([&der, &der]);
            assert!(text.lines().all(|line| line.len() <= 64), "{text}");
            let read = certificates_from_pem(text.as_bytes(), "here").unwrap();
            assert_eq!(read, [der.clone(), der], "{length}");
        }
    }

    #[test]
    fn says_which_text_lacks_what() {
        assert_eq!(
            certificates_from_pem(b"hello", "a.pem"),
            Err(PemError::Missing {
                place: "a.pem".to_owned(),
                wanted: "certificate"
            })
        );
        assert_eq!(
            private_key_from_pem(b"", "a.key"),
            Err(PemError::Missing {
                place: "a.key".to_owned(),
                wanted: "private key"
            })
        );
        let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
        assert!(private_key_from_pem(key.as_bytes(), "a.key").is_ok());
        assert_eq!(
            private_key_from_pem(key.repeat(2).as_bytes(), "a.key"),
            Err(PemError::Several {
                place: "a.key".to_owned(),
                wanted: "private key"
            })
        );
    }

    #[test]
    fn a_broken_section_is_an_error_not_an_absence() {
        let text = b"-----BEGIN CERTIFICATE-----\nAAAA\n";
        assert!(matches!(
            certificates_from_pem(text, "a.pem"),
            Err(PemError::Malformed { .. })
        ));
    }
}
