//! How we prove who we are.

use std::path::Path;
use std::path::PathBuf;

use rustls::SignatureScheme;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls_pki_types::CertificateDer;
use zeroize::Zeroizing;

use crate::enrol::EnrolError;
use crate::rpc::authority as rpc;
use crate::rpc::authority::issue_request::Proof;
use crate::store;
use crate::tls::Exporter;
use crate::tls::possession_message;
use crate::x509::SIGNATURE_SCHEMES;
use crate::x509::certificates_from_pem;
use crate::x509::private_key_from_pem;

/// What proves who we are. Files are read again each time: they may be renewed.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A token that an operator made. It works once; from then on our SVID proves us.
    JoinToken {
        /// Its file.
        path: PathBuf,
    },
    /// The token that a kubelet projects into our pod, and keeps fresh.
    Kubernetes {
        /// Its file.
        path: PathBuf,
    },
    /// A certificate of another CA.
    Possession {
        /// PEM, leaf first.
        certificate: PathBuf,
        /// PEM.
        key: PathBuf,
    },
}

impl Credential {
    /// Whether it can be shown again and again.
    pub(super) const fn is_lasting(&self) -> bool {
        !matches!(self, Self::JoinToken { .. })
    }

    /// Whether its files hold what they should.
    pub(super) fn look_at(&self) -> Result<(), EnrolError> {
        self.show(&Exporter::default(), &[]).map(drop)
    }

    /// The proof, for the connection with this `exporter` and this `csr`.
    pub(super) fn show(&self, exporter: &Exporter, csr: &[u8]) -> Result<Proof, EnrolError> {
        match self {
            Self::JoinToken { path } => Ok(Proof::JoinToken(read_token(path)?)),
            Self::Kubernetes { path } => Ok(Proof::KubernetesToken(read_token(path)?)),
            Self::Possession { certificate, key } => {
                let chain = read_chain(certificate)?;
                let message = possession_message(exporter, csr);
                let (scheme, signature) = sign(key, &message)?;
                Ok(Proof::Possession(rpc::Possession {
                    chain: chain.iter().map(|der| der.to_vec()).collect(),
                    scheme: u32::from(u16::from(scheme)),
                    signature,
                }))
            }
        }
    }
}

fn read_token(path: &Path) -> Result<String, EnrolError> {
    let text = store::read(path).map_err(|cause| EnrolError::Store { cause })?;
    let unreadable = || EnrolError::TokenUnreadable {
        path: path.to_owned(),
    };
    let text = String::from_utf8(text).map_err(|_binary| unreadable())?;
    let token = text.trim();
    if token.is_empty() || token.contains(char::is_whitespace) {
        return Err(unreadable());
    }
    Ok(token.to_owned())
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, EnrolError> {
    let text = store::read(path).map_err(|cause| EnrolError::Store { cause })?;
    certificates_from_pem(&text, &path.to_string_lossy())
        .map_err(|cause| EnrolError::File { cause })
}

fn sign(path: &Path, message: &[u8]) -> Result<(SignatureScheme, Vec<u8>), EnrolError> {
    let text = Zeroizing::new(store::read(path).map_err(|cause| EnrolError::Store { cause })?);
    let key = private_key_from_pem(&text, &path.to_string_lossy())
        .map_err(|cause| EnrolError::File { cause })?;
    let unusable = |cause| EnrolError::BadPossession { cause };
    let key = default_provider()
        .key_provider
        .load_private_key(key)
        .map_err(unusable)?;
    let signer = key.choose_scheme(SIGNATURE_SCHEMES).ok_or_else(|| {
        unusable(rustls::Error::General(
            "no scheme for this kind of key".to_owned(),
        ))
    })?;
    let signature = signer.sign(message).map_err(unusable)?;
    Ok((signer.scheme(), signature))
}
