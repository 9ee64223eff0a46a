//! A request for a certificate: proof that the requester holds a key.
//!
//! Of a request that we receive, the public key is all that is used. Names,
//! usages and dates in it are ignored: who somebody is was settled before.

use rcgen::CertificateParams;
use rcgen::DistinguishedName;
use rcgen::KeyPair;
use rcgen::SubjectPublicKeyInfo;
use rustls_pki_types::CertificateSigningRequestDer;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::oid_registry::OID_PKCS1_SHA1WITHRSA;
use x509_parser::oid_registry::OID_SHA1_WITH_RSA;
use x509_parser::prelude::FromDer as _;

use crate::x509::key;
use crate::x509::key::KeyError;

/// A public key whose owner has proved to hold the private one.
///
/// Reading a signed request is the only way to make one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicKey(SubjectPublicKeyInfo);

impl PublicKey {
    pub(super) const fn as_rcgen(&self) -> &SubjectPublicKeyInfo {
        &self.0
    }
}

/// Why a request for a certificate is not granted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CsrError {
    /// The key is weak or of a kind we do not know.
    #[error("the requested key is not acceptable")]
    BadKey {
        /// What is wrong with it.
        #[source]
        cause: KeyError,
    },
    /// The request was not signed with the key that it asks a certificate for.
    #[error("the request is not signed with its own key")]
    BadSignature,
    /// Not the encoding of a request.
    #[error("it is not a DER certificate signing request")]
    Malformed,
    /// Longer than any honest request.
    #[error("the request has {bytes} bytes, more than {MAX_BYTES}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Our own key could not sign.
    #[error("the key could not sign the request")]
    Unsigned {
        /// What the signer said.
        #[source]
        cause: rcgen::Error,
    },
    /// The key is sound, but of a kind that we cannot put into a certificate.
    #[error("certificates for keys of this kind cannot be made")]
    UnsupportedKey,
}

/// Asks for a certificate for `key`. The request says nothing but that.
///
/// # Errors
///
/// [`CsrError::Unsigned`] if the key cannot sign.
pub fn make_request(key: &KeyPair) -> Result<CertificateSigningRequestDer<'static>, CsrError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    let request = params
        .serialize_request(key)
        .map_err(|cause| CsrError::Unsigned { cause })?;
    Ok(request.der().clone())
}

/// The public key of a DER request whose signature is right.
///
/// # Errors
///
/// All of [`CsrError`] but [`CsrError::Unsigned`].
pub fn read_request(der: &[u8]) -> Result<PublicKey, CsrError> {
    if der.len() > MAX_BYTES {
        return Err(CsrError::TooLong { bytes: der.len() });
    }
    let (rest, request) = X509CertificationRequest::from_der(der).or(Err(CsrError::Malformed))?;
    if !rest.is_empty() {
        return Err(CsrError::Malformed);
    }
    let key = &request.certification_request_info.subject_pki;
    key::check(key).map_err(|cause| CsrError::BadKey { cause })?;
    let algorithm = &request.signature_algorithm.algorithm;
    if *algorithm == OID_PKCS1_SHA1WITHRSA || *algorithm == OID_SHA1_WITH_RSA {
        return Err(CsrError::BadSignature);
    }
    request.verify_signature().or(Err(CsrError::BadSignature))?;
    let key = SubjectPublicKeyInfo::from_der(key.raw).or(Err(CsrError::UnsupportedKey))?;
    Ok(PublicKey(key))
}

/// An RSA key of 8192 bits and its signature take 2 KiB; the rest is room for
/// names and attributes that we do not read.
const MAX_BYTES: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_key_that_signed() {
        for algorithm in [
            &rcgen::PKCS_ECDSA_P256_SHA256,
            &rcgen::PKCS_ECDSA_P384_SHA384,
            &rcgen::PKCS_ED25519,
        ] {
            let pair = KeyPair::generate_for(algorithm).unwrap();
            let request = make_request(&pair).unwrap();
            let key = read_request(&request).unwrap();
            let read = rcgen::PublicKeyData::der_bytes(key.as_rcgen());
            assert_eq!(read, pair.public_key_raw());
        }
    }

    #[test]
    fn refuses_what_the_key_did_not_sign() {
        let request = make_request(&KeyPair::generate().unwrap()).unwrap();
        let mut forged = request.to_vec();
        let last = forged.len() - 1;
        forged[last] ^= 1;
        assert_eq!(read_request(&forged), Err(CsrError::BadSignature));

        let mut longer = request.to_vec();
        longer.push(0);
        assert_eq!(read_request(&longer), Err(CsrError::Malformed));
        assert_eq!(read_request(b"x"), Err(CsrError::Malformed));
        assert_eq!(read_request(&[0; MAX_BYTES]), Err(CsrError::Malformed));
        assert_eq!(
            read_request(&[0; MAX_BYTES + 1]),
            Err(CsrError::TooLong {
                bytes: MAX_BYTES + 1
            })
        );
    }
}
