//! The answer to a challenge: a certificate that nobody but a CA ever sees.

use std::fmt;
use std::sync::Arc;

use rcgen::CertificateParams;
use rcgen::CustomExtension;
use rcgen::DistinguishedName;
use rcgen::KeyPair;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::sign::CertifiedKey;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivatePkcs8KeyDer;
use zeroize::Zeroizing;

use crate::x509::PemError;
use crate::x509::certificates_from_pem;
use crate::x509::certificates_to_pem;
use crate::x509::private_key_from_pem;
use crate::x509::private_key_to_pem;

/// What proves to a CA that a host is ours (RFC 8737, 3): all sidecars that share
/// a store can show it.
pub struct Answer(Zeroizing<String>);

impl Answer {
    /// The answer for `host` to the challenge whose key authorization has `digest`.
    ///
    /// # Errors
    ///
    /// [`AnswerError::Unmade`].
    pub fn make(host: &str, digest: &[u8; 32]) -> Result<Self, AnswerError> {
        let unmade = |cause| AnswerError::Unmade { cause };
        let key = KeyPair::generate().map_err(unmade)?;
        let mut params = CertificateParams::new([host.to_owned()]).map_err(unmade)?;
        params.distinguished_name = DistinguishedName::new();
        params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
        let certificate = params.self_signed(&key).map_err(unmade)?;
        let der = Zeroizing::new(key.serialize_der());
        let key = PrivatePkcs8KeyDer::from(der.as_slice());
        let mut text = Zeroizing::new(private_key_to_pem(&key));
        text.push_str(&certificates_to_pem([certificate.der()]));
        Ok(Self(text))
    }

    /// As it is kept: the key and the certificate, PEM.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is shown, of an answer that was kept.
    ///
    /// # Errors
    ///
    /// All of [`AnswerError`] but `Unmade`.
    pub fn shown(kept: &[u8]) -> Result<Arc<CertifiedKey>, AnswerError> {
        let (certificates, key) = pair(kept, "an answer to a challenge")
            .map_err(|cause| AnswerError::NotPem { cause })?;
        let key = default_provider().key_provider.load_private_key(key);
        let key = key.map_err(|cause| AnswerError::Unusable { cause })?;
        // Not `from_der`, which looks whether they go together: no reader of ours
        // takes a certificate with this critical extension.
        let shown = CertifiedKey::new(certificates, key);
        Ok(Arc::new(shown))
    }
}

/// The certificates and the key that `text` holds.
pub(super) fn pair(
    text: &[u8],
    place: &str,
) -> Result<
    (
        Vec<CertificateDer<'static>>,
        rustls_pki_types::PrivateKeyDer<'static>,
    ),
    PemError,
> {
    let certificates = certificates_from_pem(text, place)?;
    Ok((certificates, private_key_from_pem(text, place)?))
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer(…)")
    }
}

/// Why there is no answer to a challenge.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// What was kept is none.
    #[error("what was kept is no answer to a challenge")]
    NotPem {
        /// What it is.
        #[source]
        cause: PemError,
    },
    /// The certificate cannot be made.
    #[error("an answer to a challenge cannot be made")]
    Unmade {
        /// What the maker said.
        #[source]
        cause: rcgen::Error,
    },
    /// The key is of no kind that we know.
    #[error("an answer to a challenge cannot be shown")]
    Unusable {
        /// Why not.
        #[source]
        cause: rustls::Error,
    },
}

#[cfg(test)]
mod tests {
    use x509_parser::prelude::FromDer as _;
    use x509_parser::prelude::X509Certificate;

    use super::*;

    #[test]
    fn an_answer_names_the_host_and_the_digest_critically_and_is_read_back() {
        let answer = Answer::make("a.example", &[7; 32]).unwrap();
        assert_eq!(format!("{answer:?}"), "Answer(…)");
        let shown = Answer::shown(answer.as_str().as_bytes()).unwrap();
        let (_, read) = X509Certificate::from_der(&shown.cert[0]).unwrap();
        let names = &read.subject_alternative_name().unwrap().unwrap().value;
        assert_eq!(
            format!("{:?}", names.general_names),
            "[DNSName(\"a.example\")]"
        );
        // RFC 8737, 6.1: id-pe-acmeIdentifier, an octet string.
        let found = read
            .extensions()
            .iter()
            .find(|one| one.oid.to_id_string() == "1.3.6.1.5.5.7.1.31");
        let extension = found.unwrap();
        assert!(extension.critical);
        assert_eq!(extension.value, [&[4, 32][..], &[7; 32]].concat());
        assert!(matches!(
            Answer::shown(b"x"),
            Err(AnswerError::NotPem { .. })
        ));
    }
}
