//! What a CA has given for a host, with its key.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::sign::CertifiedKey;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::ServerName;
use webpki::EndEntityCert;
use x509_parser::prelude::FromDer as _;
use x509_parser::prelude::X509Certificate;
use zeroize::Zeroizing;

use crate::acme::answer::pair;
use crate::x509::PemError;
use crate::x509::private_key_to_pem;

/// A certificate for one host.
///
/// Reading is the only way to make one, so whoever holds an `Issued` may rely on
/// its leaf naming the host, and on having the key to it. Whether anybody
/// believes it is for browsers to say.
pub struct Issued {
    /// Since when it is good, in seconds since 1970.
    pub begins: u64,
    /// Until when.
    pub ends: u64,
    /// The key and the chain, PEM.
    kept: Zeroizing<String>,
    shown: Arc<CertifiedKey>,
}

impl Issued {
    /// The most bytes of a chain, with its key: some certificates with post-quantum signatures.
    pub const MAX_BYTES: usize = 96 * 1024;
    /// The most certificates of a chain.
    pub const MOST_CERTIFICATES: usize = 10;

    /// The `chain` that a CA has given for `host` and `key`.
    ///
    /// # Errors
    ///
    /// All of [`CertificateError`].
    pub fn given(
        chain: &str,
        key: &PrivatePkcs8KeyDer<'_>,
        host: &str,
    ) -> Result<Self, CertificateError> {
        let mut text = Zeroizing::new(private_key_to_pem(key));
        text.push_str(chain);
        Self::read(&text, host)
    }

    /// What was [kept](Self::as_str) for `host`.
    ///
    /// # Errors
    ///
    /// All of [`CertificateError`].
    pub fn read(text: &str, host: &str) -> Result<Self, CertificateError> {
        let bytes = text.len();
        if bytes > Self::MAX_BYTES {
            return Err(CertificateError::TooLong { bytes });
        }
        let (chain, key) = pair(text.as_bytes(), "the certificate")
            .map_err(|cause| CertificateError::NotPem { cause })?;
        let (count, leaf) = (chain.len(), chain.first().cloned());
        if count > Self::MOST_CERTIFICATES {
            return Err(CertificateError::TooMany { count });
        }
        let leaf = leaf.ok_or(CertificateError::Malformed)?;
        let (begins, ends) = looked_at(&leaf, host)?;
        let shown = CertifiedKey::from_der(chain, key, &default_provider());
        let shown = shown.map_err(|cause| CertificateError::Unusable { cause })?;
        Ok(Self {
            begins,
            ends,
            kept: Zeroizing::new(text.to_owned()),
            shown: Arc::new(shown),
        })
    }

    /// As it is kept.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.kept
    }

    /// As handshakes show it.
    #[must_use]
    pub const fn shown(&self) -> &Arc<CertifiedKey> {
        &self.shown
    }

    /// The certificate itself.
    #[must_use]
    pub fn leaf(&self) -> Option<&CertificateDer<'static>> {
        self.shown.cert.first()
    }
}

/// When `leaf`, which must name `host`, is good.
fn looked_at(leaf: &CertificateDer<'_>, host: &str) -> Result<(u64, u64), CertificateError> {
    let malformed = || CertificateError::Malformed;
    let other = || CertificateError::OtherHost {
        host: host.to_owned(),
    };
    let (rest, parsed) = X509Certificate::from_der(leaf).or(Err(malformed()))?;
    if !rest.is_empty() {
        return Err(malformed());
    }
    let name = ServerName::try_from(host).or(Err(other()))?;
    let checked = EndEntityCert::try_from(leaf).or(Err(malformed()))?;
    let named = checked.verify_is_valid_for_subject_name(&name);
    named.or(Err(other()))?;
    let validity = parsed.validity();
    let seconds = |at: i64| u64::try_from(at).or(Err(malformed()));
    let begins = seconds(validity.not_before.timestamp())?;
    let ends = seconds(validity.not_after.timestamp())?;
    if begins > ends {
        return Err(malformed());
    }
    Ok((begins, ends))
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued")
            .field("begins", &self.begins)
            .field("ends", &self.ends)
            .finish_non_exhaustive()
    }
}

/// Why what a CA has given cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// Its first certificate is none, or was never good.
    #[error("the first certificate is malformed")]
    Malformed,
    /// It is not PEM.
    #[error("it is no chain of certificates")]
    NotPem {
        /// What it is.
        #[source]
        cause: PemError,
    },
    /// It names others.
    #[error("the certificate does not name `{host}`")]
    OtherHost {
        /// Whom it should name.
        host: String,
    },
    /// More than [`Issued::MAX_BYTES`].
    #[error("it has {bytes} bytes, more than {}", Issued::MAX_BYTES)]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// More than [`Issued::MOST_CERTIFICATES`].
    #[error("it has {count} certificates, more than {}", Issued::MOST_CERTIFICATES)]
    TooMany {
        /// How many.
        count: usize,
    },
    /// Certificate and key do not go together.
    #[error("the certificate and its key cannot be used")]
    Unusable {
        /// Why not.
        #[source]
        cause: rustls::Error,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::CertificateParams;
    use rcgen::KeyPair;

    use super::*;

    fn chain_for(name: &str, key: &KeyPair) -> String {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = time::OffsetDateTime::from_unix_timestamp(1_000).unwrap();
        params.not_after = time::OffsetDateTime::from_unix_timestamp(2_000).unwrap();
        params.self_signed(key).unwrap().pem()
    }

    fn given(chain: &str, key: &KeyPair, host: &str) -> Result<Issued, CertificateError> {
        let der = key.serialize_der();
        Issued::given(chain, &PrivatePkcs8KeyDer::from(der), host)
    }

    #[test]
    fn a_chain_for_the_host_and_the_key_is_taken_and_kept_as_it_is() {
        let key = KeyPair::generate().unwrap();
        let issued = given(&chain_for("a.example", &key), &key, "a.example").unwrap();
        assert_eq!((issued.begins, issued.ends), (1_000, 2_000));
        let again = Issued::read(issued.as_str(), "a.example").unwrap();
        assert_eq!(again.as_str(), issued.as_str());
        assert_eq!(again.leaf(), issued.leaf());
        assert!(!format!("{issued:?}").contains("BEGIN"));
    }

    #[test]
    fn what_is_for_others_or_is_no_chain_is_refused() {
        use CertificateError::NotPem;
        use CertificateError::OtherHost;
        use CertificateError::TooLong;
        use CertificateError::TooMany;
        use CertificateError::Unusable;

        let key = KeyPair::generate().unwrap();
        let other = KeyPair::generate().unwrap();
        let good = chain_for("a.example", &key);
        let refused = |chain: &str, key: &KeyPair, host| given(chain, key, host).unwrap_err();
        assert!(matches!(
            refused(&good, &key, "b.example"),
            OtherHost { .. }
        ));
        assert!(matches!(
            refused(&good, &other, "a.example"),
            Unusable { .. }
        ));
        assert!(matches!(refused("", &key, "a.example"), NotPem { .. }));
        let two_keys = format!("{}{good}", other.serialize_pem());
        assert!(matches!(
            refused(&two_keys, &key, "a.example"),
            NotPem { .. }
        ));
        let many = good.repeat(11);
        assert!(matches!(
            refused(&many, &key, "a.example"),
            TooMany { count: 11 }
        ));
        assert!(given(&good.repeat(10), &key, "a.example").is_ok());
        let long = good + &" ".repeat(Issued::MAX_BYTES);
        assert!(matches!(refused(&long, &key, "a.example"), TooLong { .. }));
    }

    proptest! {
        #[test]
        fn whatever_a_ca_says_is_refused_or_good_for_the_host(
            at in 0_usize..600, byte in any::<u8>(), cut in 0_usize..600,
        ) {
            let key = KeyPair::generate().unwrap();
            let mut chain = chain_for("a.example", &key).into_bytes();
            let at = at % chain.len();
            chain[at] = byte;
            chain.truncate(chain.len().saturating_sub(cut / 300 * (cut % 300)));
            let Ok(chain) = String::from_utf8(chain) else { return Ok(()) };
            if let Ok(issued) = given(&chain, &key, "a.example") {
                prop_assert!(issued.begins <= issued.ends);
                prop_assert!(Issued::read(issued.as_str(), "a.example").is_ok());
                prop_assert!(Issued::read(issued.as_str(), "b.example").is_err());
            }
        }
    }
}
