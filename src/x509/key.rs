//! Which public keys we believe in.

use x509_parser::oid_registry::OID_EC_P256;
use x509_parser::oid_registry::OID_KEY_TYPE_EC_PUBLIC_KEY;
use x509_parser::oid_registry::OID_NIST_EC_P384;
use x509_parser::oid_registry::OID_NIST_EC_P521;
use x509_parser::oid_registry::OID_PKCS1_RSAENCRYPTION;
use x509_parser::oid_registry::OID_SIG_ED25519;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

/// Why a public key is not good enough for an SVID or its issuer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyError {
    /// The key's bytes do not fit its algorithm.
    #[error("the public key is malformed")]
    Malformed,
    /// An RSA key so long that checking a signature is an attack.
    #[error("the RSA key has {bits} bits, more than {MAX_RSA_BITS}")]
    TooLong {
        /// The length of its modulus.
        bits: usize,
    },
    /// An RSA key with fewer than 2048 bits.
    #[error("the RSA key has {bits} bits, fewer than {MIN_RSA_BITS}")]
    TooShort {
        /// The length of its modulus.
        bits: usize,
    },
    /// Neither RSA, nor Ed25519, nor ECDSA on P-256, P-384 or P-521.
    #[error("keys of algorithm `{algorithm}` are not supported")]
    Unsupported {
        /// The object identifier of the algorithm, or of the curve.
        algorithm: String,
    },
}

impl KeyError {
    /// A stable word for records and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Malformed => "key_malformed",
            Self::TooLong { .. } => "key_too_long",
            Self::TooShort { .. } => "key_too_short",
            Self::Unsupported { .. } => "key_unsupported",
        }
    }
}

/// Refuses a key that is weak, absurd or of a kind we do not know.
pub(super) fn check(key: &SubjectPublicKeyInfo<'_>) -> Result<(), KeyError> {
    let algorithm = &key.algorithm.algorithm;
    if *algorithm == OID_PKCS1_RSAENCRYPTION {
        return check_rsa(key);
    }
    if *algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY {
        return check_curve(key);
    }
    if *algorithm == OID_SIG_ED25519 {
        return if key.subject_public_key.data.len() == 32 {
            Ok(())
        } else {
            Err(KeyError::Malformed)
        };
    }
    Err(KeyError::Unsupported {
        algorithm: algorithm.to_id_string(),
    })
}

fn check_rsa(key: &SubjectPublicKeyInfo<'_>) -> Result<(), KeyError> {
    let Ok(PublicKey::RSA(rsa)) = key.parsed() else {
        return Err(KeyError::Malformed);
    };
    let bits = bit_length(rsa.modulus);
    if bits < MIN_RSA_BITS {
        return Err(KeyError::TooShort { bits });
    }
    if bits > MAX_RSA_BITS {
        return Err(KeyError::TooLong { bits });
    }
    Ok(())
}

fn check_curve(key: &SubjectPublicKeyInfo<'_>) -> Result<(), KeyError> {
    let curve = key
        .algorithm
        .parameters
        .as_ref()
        .and_then(|parameters| parameters.as_oid().ok())
        .ok_or(KeyError::Malformed)?;
    let point_bytes = if curve == OID_EC_P256 {
        65
    } else if curve == OID_NIST_EC_P384 {
        97
    } else if curve == OID_NIST_EC_P521 {
        133
    } else {
        return Err(KeyError::Unsupported {
            algorithm: curve.to_id_string(),
        });
    };
    // Uncompressed points only: what webpki accepts.
    let point = key.subject_public_key.data.as_ref();
    if point.len() == point_bytes && point.first() == Some(&4) {
        Ok(())
    } else {
        Err(KeyError::Malformed)
    }
}

/// The number of bits from the first that is set. `number` is big-endian.
fn bit_length(number: &[u8]) -> usize {
    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
    let first = number.get(zeros).copied().unwrap_or(0);
    let unused = usize::try_from(first.leading_zeros()).unwrap_or(0);
    ((number.len() - zeros) * 8).saturating_sub(unused)
}

const MIN_RSA_BITS: usize = 2048;
const MAX_RSA_BITS: usize = 8192;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_bits_from_the_first_that_is_set() {
        assert_eq!(bit_length(&[]), 0);
        assert_eq!(bit_length(&[0, 0]), 0);
        assert_eq!(bit_length(&[0, 1]), 1);
        assert_eq!(bit_length(&[0x80, 0]), 16);
        assert_eq!(bit_length(&[0, 0x7f, 0xff]), 15);
    }
}
