//! An identity from PEM files that something else keeps fresh.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;
use tokio::time::sleep;

use crate::id::SpiffeId;
use crate::id::TrustDomain;
use crate::identity::source::Renews;
use crate::identity::source::Source;
use crate::identity::source::SourceError;
use crate::identity::svid::Identity;
use crate::identity::svid::Svid;
use crate::identity::svid::SvidError;
use crate::store;
use crate::store::Fingerprint;
use crate::store::StoreError;
use crate::time::Clock;
use crate::x509::Bundle;
use crate::x509::BundleError;
use crate::x509::Bundles;
use crate::x509::BundlesError;
use crate::x509::Limits;
use crate::x509::PemError;
use crate::x509::certificates_from_pem;
use crate::x509::private_key_from_pem;

/// A [`Source`] that reads a certificate chain, its key and the roots of its
/// trust domain from PEM files, and looks at them every second.
///
/// The three are read together and must fit, and be of our own trust domain:
/// whose roots these are is said by the configuration, not by the files. While
/// they do not, as in the middle of a rotation, the identity in force stays.
#[derive(Debug)]
pub struct Files {
    paths: FilePaths,
    trust_domain: TrustDomain,
    limits: Limits,
    clock: Arc<dyn Clock>,
    seen: Option<Fingerprint>,
}

/// Where the files of an identity are.
#[derive(Clone, Debug)]
pub struct FilePaths {
    /// The SVID with its intermediates, leaf first.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The roots of its trust domain.
    pub bundle: PathBuf,
}

impl Files {
    /// Will read an identity in `trust_domain` from `paths`; does not touch them yet.
    #[must_use]
    pub fn new(
        paths: FilePaths,
        trust_domain: TrustDomain,
        limits: Limits,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            paths,
            trust_domain,
            limits,
            clock,
            seen: None,
        }
    }

    fn look(&self) -> Fingerprint {
        let FilePaths {
            certificate,
            key,
            bundle,
        } = &self.paths;
        Fingerprint::take([certificate, key, bundle])
    }

    /// Everything that is wrong with the files, and not only what is met first.
    ///
    /// # Errors
    ///
    /// One [`SourceError`] for each file that is not usable, or one for files
    /// that do not fit together.
    pub fn check(&self) -> Result<(), Vec<SourceError>> {
        let unusable = [
            self.read_chain().err(),
            self.read_key().err(),
            self.read_bundles().err(),
        ];
        let unusable = unusable.into_iter().flatten();
        let mut causes: Vec<_> = unusable.map(|cause| SourceError::Files { cause }).collect();
        if causes.is_empty() {
            causes.extend(self.load().err());
        }
        if causes.is_empty() {
            Ok(())
        } else {
            Err(causes)
        }
    }

    fn load(&self) -> Result<Identity, SourceError> {
        let unusable = |cause| SourceError::Files { cause };
        let chain = self.read_chain().map_err(unusable)?;
        let key = self.read_key().map_err(unusable)?;
        let svid = self.pair(chain, key).map_err(unusable)?;
        let bundles = self.read_bundles().map_err(unusable)?;
        Identity::new(svid, Arc::new(bundles), self.clock.now(), &self.limits)
            .map_err(|cause| SourceError::BadIdentity { cause })
    }

    fn read_chain(&self) -> Result<Vec<CertificateDer<'static>>, FilesError> {
        let path = &self.paths.certificate;
        certificates_from_pem(&read(path)?, &path.to_string_lossy())
            .map_err(|cause| FilesError::Pem { cause })
    }

    fn read_key(&self) -> Result<PrivateKeyDer<'static>, FilesError> {
        let path = &self.paths.key;
        let text = zeroize::Zeroizing::new(read(path)?);
        private_key_from_pem(&text, &path.to_string_lossy())
            .map_err(|cause| FilesError::Pem { cause })
    }

    fn read_bundles(&self) -> Result<Bundles, FilesError> {
        let path = &self.paths.bundle;
        let roots = certificates_from_pem(&read(path)?, &path.to_string_lossy())
            .map_err(|cause| FilesError::Pem { cause })?;
        let bundle = Bundle::new(self.trust_domain.clone(), roots).map_err(|cause| {
            FilesError::BadBundle {
                path: path.clone(),
                cause,
            }
        })?;
        Bundles::new([bundle]).map_err(|cause| FilesError::TwoBundles { cause })
    }

    fn pair(
        &self,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Svid, FilesError> {
        let FilePaths {
            certificate,
            key: key_path,
            ..
        } = &self.paths;
        let svid = Svid::new(chain, key).map_err(|cause| FilesError::NotAPair {
            certificate: certificate.clone(),
            key: key_path.clone(),
            cause,
        })?;
        if svid.id().trust_domain() != &self.trust_domain {
            return Err(FilesError::OtherTrustDomain {
                path: certificate.clone(),
                found: svid.id().clone(),
                expected: self.trust_domain.clone(),
            });
        }
        Ok(svid)
    }
}

impl Source for Files {
    fn name(&self) -> &'static str {
        "files"
    }

    fn fetch(&mut self) -> BoxFuture<'_, Result<Identity, SourceError>> {
        // Looked at before they are read: a change during the reading is seen
        // by the next look.
        self.seen = Some(self.look());
        async { self.load() }.boxed()
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        async {
            while self.seen.as_ref() == Some(&self.look()) {
                sleep(LOOK_EVERY).await;
            }
        }
        .boxed()
    }

    fn renews(&self) -> Renews {
        Renews::WhenChanged
    }
}

/// Why the files of an identity cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A root that must not be one.
    #[error("`{}` is not a bundle", path.display())]
    BadBundle {
        /// The bundle's file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: BundleError,
    },
    /// Certificate and key do not go together.
    #[error("`{}` and `{}` do not make an SVID", certificate.display(), key.display())]
    NotAPair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why not.
        #[source]
        cause: SvidError,
    },
    /// A certificate of another trust domain than we are configured for.
    #[error("`{}` is `{found}`, which is not in `trust_domain` `{expected}`", path.display())]
    OtherTrustDomain {
        /// The certificate's file.
        path: PathBuf,
        /// Whom it names.
        found: SpiffeId,
        /// Where we belong.
        expected: TrustDomain,
    },
    /// A file does not hold the text that it should.
    #[error("a file does not hold what it should")]
    Pem {
        /// Which file, and what is missing.
        #[source]
        cause: PemError,
    },
    /// Two bundles of one trust domain.
    #[error("the bundles do not stand side by side")]
    TwoBundles {
        /// Which.
        #[source]
        cause: BundlesError,
    },
    /// A file cannot be read.
    #[error("a file cannot be read")]
    Unreadable {
        /// Which, and what the system said.
        #[source]
        cause: StoreError,
    },
}

fn read(path: &std::path::Path) -> Result<Vec<u8>, FilesError> {
    store::read(path).map_err(|cause| FilesError::Unreadable { cause })
}

/// Soon enough for any rotation, seldom enough to cost nothing.
const LOOK_EVERY: Duration = Duration::from_secs(1);
