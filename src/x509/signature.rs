//! Whether something was signed with a certificate's key.

use rustls::SignatureScheme;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls_pki_types::CertificateDer;
use webpki::EndEntityCert;

/// Judges a signature over `message` by the key of `certificate`.
///
/// `Ok` says nothing about the certificate itself: see [`verify`](crate::x509::verify).
///
/// # Errors
///
/// All of [`SignatureError`].
pub fn verify_signature(
    certificate: &CertificateDer<'_>,
    scheme: SignatureScheme,
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    let end = EndEntityCert::try_from(certificate).map_err(|_bad| SignatureError::Malformed)?;
    let known = default_provider().signature_verification_algorithms;
    let algorithms = known
        .mapping
        .iter()
        .find(|(known, _)| *known == scheme && SIGNATURE_SCHEMES.contains(&scheme))
        .ok_or(SignatureError::BadScheme)?
        .1;
    let signed = algorithms
        .iter()
        .any(|algorithm| end.verify_signature(*algorithm, message, signature).is_ok());
    if signed {
        Ok(())
    } else {
        Err(SignatureError::BadSignature)
    }
}

/// Why a signature is worth nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SignatureError {
    /// An algorithm that is not taken, or not for this key.
    #[error("its algorithm is not taken")]
    BadScheme,
    /// It is another key's, or over something else.
    #[error("it is not the certificate's key's, or is over something else")]
    BadSignature,
    /// The certificate is none.
    #[error("what it is to be held against is not a certificate")]
    Malformed,
}

/// What TLS 1.3 takes in a handshake: no PKCS #1 v1.5, no SHA-1.
pub const SIGNATURE_SCHEMES: &[SignatureScheme] = &[
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::ECDSA_NISTP521_SHA512,
    SignatureScheme::ED25519,
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
];
