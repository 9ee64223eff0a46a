//! The roots that sidecars are given, as the file has them now.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::store;
use crate::store::Fingerprint;
use crate::store::StoreError;
use crate::x509::PemError;
use crate::x509::certificates_from_pem;
use crate::x509::certificates_to_pem;

/// A PEM file that may change. What is not whole does not take the place of what was.
#[derive(Debug)]
pub(super) struct RootsFile {
    path: PathBuf,
    read: Mutex<(Fingerprint, String)>,
}

impl RootsFile {
    /// Reads it for the first time.
    ///
    /// # Errors
    ///
    /// All of [`RootsError`].
    pub(super) fn open(path: PathBuf) -> Result<Self, RootsError> {
        let seen = Fingerprint::take([&path]);
        let text = read(&path)?;
        Ok(Self {
            path,
            read: Mutex::new((seen, text)),
        })
    }

    /// The certificates of the file, and nothing else that may be in it.
    pub(super) fn text(&self) -> String {
        let now = Fingerprint::take([&self.path]);
        let mut before = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if before.0 != now {
            match read(&self.path) {
                Ok(text) => before.1 = text,
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(error, "the roots cannot be read; those from before stay");
                }
            }
            before.0 = now;
        }
        before.1.clone()
    }
}

fn read(path: &Path) -> Result<String, RootsError> {
    let text = store::read(path).map_err(|cause| RootsError::Unreadable { cause })?;
    let roots = certificates_from_pem(&text, &path.to_string_lossy());
    let roots = roots.map_err(|cause| RootsError::NotPem { cause })?;
    Ok(certificates_to_pem(&roots))
}

/// Why there are no roots.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// There is no certificate in it.
    #[error("the authority's roots cannot be read")]
    NotPem {
        /// What is missing, and in which file.
        #[source]
        cause: PemError,
    },
    /// The file cannot be read.
    #[error("the authority's roots cannot be read")]
    Unreadable {
        /// Which, and why not.
        #[source]
        cause: StoreError,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::time::Duration;
    use std::time::SystemTime;

    use crate::ca::make_root;

    #[test]
    fn what_is_not_whole_does_not_take_the_place_of_what_was() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("roots.pem");
        assert!(matches!(
            RootsFile::open(path.clone()),
            Err(RootsError::Unreadable { .. })
        ));
        let root = || {
            let domain = "example.org".parse().unwrap();
            let lifetime = Duration::from_secs(3_600);
            let made = make_root(&domain, lifetime, SystemTime::UNIX_EPOCH + lifetime);
            certificates_to_pem([&made.unwrap().0])
        };
        let (one, other) = (root(), root());
        std::fs::write(&path, format!("# ours\n{one}")).unwrap();
        let file = RootsFile::open(path.clone()).unwrap();
        assert_eq!(file.text(), one);
        std::fs::write(&path, "nothing").unwrap();
        assert_eq!(file.text(), one);
        std::fs::write(&path, &other).unwrap();
        assert_eq!(file.text(), other);
    }
}
