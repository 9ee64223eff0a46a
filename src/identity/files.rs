//! An identity from PEM files that something else keeps fresh.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::time::sleep;

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
/// The three are read together and must fit. While they do not, as in the
/// middle of a rotation, the identity in force stays.
#[derive(Debug)]
pub struct Files {
    certificate: PathBuf,
    key: PathBuf,
    bundle: PathBuf,
    limits: Limits,
    clock: Arc<dyn Clock>,
    seen: Option<Fingerprint>,
}

impl Files {
    /// Will read from these paths; does not touch them yet.
    #[must_use]
    pub fn new(
        certificate: PathBuf,
        key: PathBuf,
        bundle: PathBuf,
        limits: Limits,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            certificate,
            key,
            bundle,
            limits,
            clock,
            seen: None,
        }
    }

    fn look(&self) -> Fingerprint {
        Fingerprint::take([&self.certificate, &self.key, &self.bundle])
    }

    fn load(&self) -> Result<Identity, SourceError> {
        let svid = self.load_svid()?;
        let bundles = self
            .load_bundles(&svid)
            .map_err(|cause| SourceError::Files { cause })?;
        Identity::new(svid, Arc::new(bundles), self.clock.now(), &self.limits)
            .map_err(|cause| SourceError::BadIdentity { cause })
    }

    fn load_svid(&self) -> Result<Svid, SourceError> {
        let unusable = |cause| SourceError::Files { cause };
        let text = read(&self.certificate).map_err(unusable)?;
        let chain = certificates_from_pem(&text, &self.certificate.to_string_lossy())
            .map_err(|cause| unusable(FilesError::Pem { cause }))?;
        let text = zeroize::Zeroizing::new(read(&self.key).map_err(unusable)?);
        let key = private_key_from_pem(&text, &self.key.to_string_lossy())
            .map_err(|cause| unusable(FilesError::Pem { cause }))?;
        Svid::new(chain, key).map_err(|cause| {
            unusable(FilesError::NotAPair {
                certificate: self.certificate.clone(),
                key: self.key.clone(),
                cause,
            })
        })
    }

    fn load_bundles(&self, svid: &Svid) -> Result<Bundles, FilesError> {
        let text = read(&self.bundle)?;
        let roots = certificates_from_pem(&text, &self.bundle.to_string_lossy())
            .map_err(|cause| FilesError::Pem { cause })?;
        let bundle = Bundle::new(svid.id().trust_domain().clone(), roots).map_err(|cause| {
            FilesError::BadBundle {
                path: self.bundle.clone(),
                cause,
            }
        })?;
        Bundles::new([bundle]).map_err(|cause| FilesError::TwoBundles { cause })
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
