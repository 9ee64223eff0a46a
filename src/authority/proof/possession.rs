//! A certificate of another CA, and that its key is here.
//!
//! Machines that a company's PKI has already named can join without a token.
//! The signature covers a secret of the connection, so it is no use on another.

use std::collections::BTreeSet;
use std::fmt;
use std::time::SystemTime;

use aws_lc_rs::digest;
use rustls::SignatureScheme;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::TrustAnchor;
use rustls_pki_types::UnixTime;
use webpki::EndEntityCert;
use webpki::KeyUsage;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;

use crate::authority::selector::Selector;
use crate::tls::Exporter;
use crate::tls::possession_message;
use crate::x509::SignatureError;
use crate::x509::verify_signature;

/// What a caller shows.
#[derive(Clone, Debug)]
pub(in crate::authority) struct Possession {
    pub(in crate::authority) chain: Vec<CertificateDer<'static>>,
    pub(in crate::authority) scheme: SignatureScheme,
    pub(in crate::authority) signature: Vec<u8>,
}

/// The CAs whose certificates are taken, under the name that entries know them by.
#[derive(Clone)]
pub struct PossessionRoots {
    name: String,
    anchors: Vec<TrustAnchor<'static>>,
}

impl PossessionRoots {
    /// The roots of the CA that entries call `name`.
    ///
    /// # Errors
    ///
    /// [`PossessionError::BadRoot`] if one is not a certificate.
    pub fn new(name: String, roots: &[CertificateDer<'static>]) -> Result<Self, PossessionError> {
        let anchors = roots
            .iter()
            .map(|root| Ok(webpki::anchor_from_trusted_cert(root)?.to_owned()))
            .collect::<Result<_, webpki::Error>>()
            .map_err(|cause| PossessionError::BadRoot { cause })?;
        Ok(Self { name, anchors })
    }

    /// What `shown` proves on the connection with this `exporter`, for `csr`.
    pub(in crate::authority) fn prove(
        &self,
        shown: &Possession,
        exporter: &Exporter,
        csr: &[u8],
        now: SystemTime,
    ) -> Result<BTreeSet<Selector>, PossessionError> {
        let (leaf, rest) = shown.chain.split_first().ok_or(PossessionError::Empty)?;
        let bytes: usize = shown.chain.iter().map(|der| der.len()).sum();
        // Path building is expensive before anything is proved.
        if shown.chain.len() > MOST_CERTIFICATES || bytes > MOST_BYTES {
            return Err(PossessionError::TooLong);
        }
        let end = EndEntityCert::try_from(leaf).map_err(|_bad| PossessionError::Malformed)?;
        let since_epoch = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        end.verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &self.anchors,
            rest,
            UnixTime::since_unix_epoch(since_epoch),
            KeyUsage::client_auth(),
            None,
            None,
        )
        .map_err(|cause| PossessionError::NotBelieved { cause })?;
        check_signature(shown, &possession_message(exporter, csr))?;
        self.describe(leaf)
    }

    fn describe(&self, leaf: &CertificateDer<'_>) -> Result<BTreeSet<Selector>, PossessionError> {
        let (_, parsed) =
            X509Certificate::from_der(leaf).map_err(|_bad| PossessionError::Malformed)?;
        let fingerprint = digest::digest(&digest::SHA256, leaf);
        let fingerprint: String = fingerprint
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let mut facts = vec![("x509:ca", self.name.clone()), ("x509:sha256", fingerprint)];
        let names = parsed.subject().iter_common_name();
        facts.extend(names.filter_map(|name| Some(("x509:cn", name.as_str().ok()?.to_owned()))));
        if let Ok(Some(extension)) = parsed.subject_alternative_name() {
            for name in &extension.value.general_names {
                match name {
                    GeneralName::DNSName(name) => facts.push(("x509:dns", (*name).to_owned())),
                    GeneralName::URI(name) => facts.push(("x509:uri", (*name).to_owned())),
                    _ => {}
                }
            }
        }
        // A name that cannot be a selector is one that no entry can ask for.
        Ok(facts
            .iter()
            .filter_map(|(kind, value)| Selector::new(kind, value).ok())
            .collect())
    }
}

impl fmt::Debug for PossessionRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PossessionRoots")
            .field("name", &self.name)
            .field("anchors", &self.anchors.len())
            .finish()
    }
}

/// Why a certificate and a signature prove nothing.
#[derive(Debug, thiserror::Error)]
pub enum PossessionError {
    /// A root of ours is no certificate.
    #[error("a root is not a certificate that can be used")]
    BadRoot {
        /// What is wrong with it.
        #[source]
        cause: webpki::Error,
    },
    /// An algorithm that is not taken, or not for this key.
    #[error("its signature's algorithm is not taken")]
    BadScheme,
    /// The key is not the certificate's, or the signature is for another connection.
    #[error("its signature is not its key's, on this connection and for this request")]
    BadSignature,
    /// No certificate.
    #[error("there is no certificate")]
    Empty,
    /// What was sent is no certificate.
    #[error("it is not a certificate")]
    Malformed,
    /// No path leads to a root that is taken.
    #[error("no path leads to a CA whose certificates are taken")]
    NotBelieved {
        /// What stopped the path.
        #[source]
        cause: webpki::Error,
    },
    /// More than an honest caller has.
    #[error("its chain has more than {MOST_CERTIFICATES} certificates or {MOST_BYTES} bytes")]
    TooLong,
}

impl PossessionError {
    /// A stable word for records and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::BadRoot { .. } => "possession_bad_root",
            Self::BadScheme => "possession_bad_scheme",
            Self::BadSignature => "possession_bad_signature",
            Self::Empty | Self::Malformed => "possession_malformed",
            Self::NotBelieved { .. } => "possession_not_believed",
            Self::TooLong => "possession_too_long",
        }
    }
}

fn check_signature(shown: &Possession, message: &[u8]) -> Result<(), PossessionError> {
    let leaf = shown.chain.first().ok_or(PossessionError::Empty)?;
    verify_signature(leaf, shown.scheme, message, &shown.signature).map_err(|cause| match cause {
        SignatureError::BadScheme => PossessionError::BadScheme,
        SignatureError::BadSignature => PossessionError::BadSignature,
        SignatureError::Malformed => PossessionError::Malformed,
    })
}

const MOST_CERTIFICATES: usize = 4;
const MOST_BYTES: usize = 16 * 1024;
