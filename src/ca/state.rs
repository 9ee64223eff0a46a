//! The root and its key on disk.
//!
//! Both are in one file, so that no crash can part them. A file that is there
//! is either used or complained about, never replaced: whoever lost a root
//! would find that nobody believes anybody any more.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;

use rcgen::KeyPair;
use rcgen::PublicKeyData as _;
use rustls_pki_types::CertificateDer;
use zeroize::Zeroizing;

use crate::id::TrustDomain;
use crate::store;
use crate::store::StoreError;
use crate::x509::CaCertificate;
use crate::x509::CaCertificateError;
use crate::x509::PemError;
use crate::x509::certificates_from_pem;
use crate::x509::certificates_to_pem;
use crate::x509::private_key_from_pem;

/// A root that may sign for its trust domain, with its key.
pub(super) struct State {
    pub(super) root: CertificateDer<'static>,
    pub(super) key: KeyPair,
}

impl State {
    /// The state in `directory`; nothing, if there is none yet.
    pub(super) fn load(
        directory: &Path,
        trust_domain: &TrustDomain,
        now: SystemTime,
    ) -> Result<Option<Self>, StateError> {
        let path = directory.join(SECRET);
        if !path.try_exists().unwrap_or(true) {
            return Ok(None);
        }
        let text = Zeroizing::new(store::read(&path).map_err(|cause| StateError::Store { cause })?);
        check_mode(&path)?;
        let place = path.to_string_lossy();
        let not_pem = |cause| StateError::NotPem { cause };
        let key = private_key_from_pem(&text, &place).map_err(not_pem)?;
        let root = certificates_from_pem(&text, &place)
            .map_err(not_pem)?
            .swap_remove(0);
        let Ok(key) = KeyPair::try_from(&key) else {
            return Err(StateError::UnusableKey { path });
        };
        let certificate = CaCertificate::parse(&root).map_err(|cause| StateError::BadRoot {
            path: path.clone(),
            cause,
        })?;
        let state = Self { root, key };
        state.check(&certificate, &path, trust_domain, now)?;
        Ok(Some(state))
    }

    /// Writes the first state into `directory`. If another process was faster,
    /// its state stays, and that is no error.
    pub(super) fn create(
        directory: &Path,
        root: &CertificateDer<'_>,
        key: &KeyPair,
    ) -> Result<(), StateError> {
        let failed = |cause| StateError::Store { cause };
        store::make_secret_dir(directory).map_err(failed)?;
        let certificate = certificates_to_pem([root]);
        let text = Zeroizing::new(certificate.clone() + &key.serialize_pem());
        let first =
            store::create_secret(&directory.join(SECRET), text.as_bytes()).map_err(failed)?;
        if first {
            store::write_public(&directory.join(PUBLIC), certificate.as_bytes()).map_err(failed)?;
        }
        Ok(())
    }

    fn check(
        &self,
        certificate: &CaCertificate,
        path: &Path,
        trust_domain: &TrustDomain,
        now: SystemTime,
    ) -> Result<(), StateError> {
        let path = || path.to_owned();
        let named = certificate.id().map(|id| id.trust_domain());
        if named != Some(trust_domain) {
            return Err(StateError::OtherTrustDomain {
                path: path(),
                found: named.cloned(),
                expected: trust_domain.clone(),
            });
        }
        if !certificate.has_public_key(&self.key.subject_public_key_info()) {
            return Err(StateError::OtherKey { path: path() });
        }
        if now > certificate.not_after() || now < certificate.not_before() {
            return Err(StateError::NotInForce { path: path() });
        }
        Ok(())
    }
}

/// Why an authority's state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The certificate may not sign SVIDs.
    #[error("the certificate in `{}` may not sign SVIDs", path.display())]
    BadRoot {
        /// The file.
        path: PathBuf,
        /// What is wrong with the certificate.
        #[source]
        cause: CaCertificateError,
    },
    /// The root's time is over or has not come. It takes a new trust domain, or
    /// another directory, to go on.
    #[error("the root in `{}` has expired or is not valid yet", path.display())]
    NotInForce {
        /// The file.
        path: PathBuf,
    },
    /// The file does not hold a key and a certificate.
    #[error("the state is not a key and a certificate in PEM")]
    NotPem {
        /// Which file, and what is missing.
        #[source]
        cause: PemError,
    },
    /// The key is not the certificate's.
    #[error("the key in `{}` does not belong to the root beside it", path.display())]
    OtherKey {
        /// The file.
        path: PathBuf,
    },
    /// The state is that of another trust domain.
    #[error(
        "the root in `{}` is of trust domain `{}`, not `{expected}`",
        path.display(),
        found.as_ref().map_or("(none)", TrustDomain::as_str)
    )]
    OtherTrustDomain {
        /// The file.
        path: PathBuf,
        /// Whom the root names, if anybody.
        found: Option<TrustDomain>,
        /// Whom it should name.
        expected: TrustDomain,
    },
    /// A file cannot be read or written.
    #[error("the state cannot be read or written")]
    Store {
        /// Which, and what the system said.
        #[source]
        cause: StoreError,
    },
    /// Others than its owner may read the key.
    #[error("`{}` has mode {mode:04o}; nobody but its owner may read it (0600)", path.display())]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The key is of a kind that we do not know.
    #[error("the key in `{}` cannot be used", path.display())]
    UnusableKey {
        /// The file.
        path: PathBuf,
    },
    /// What was just written is gone.
    #[error("the state was removed while it was made")]
    Vanished,
}

fn check_mode(path: &Path) -> Result<(), StateError> {
    let metadata = fs::metadata(path).map_err(|cause| StateError::Store {
        cause: StoreError::Read {
            path: path.to_owned(),
            cause,
        },
    })?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(StateError::TooOpen {
        path: path.to_owned(),
        mode,
    })
}

/// Key and certificate of the root.
const SECRET: &str = "authority.pem";

/// The root's certificate again, for people to hand out.
const PUBLIC: &str = "bundle.pem";
