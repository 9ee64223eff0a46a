//! What a cluster must have before anything of ours runs in it.
//!
//! The root of the trust domain, so that it can be handed to every pod without
//! waiting for an authority that has yet to make one; the key that the authority's
//! secrets are sealed with; and a certificate for the injector, with the CA that API
//! servers are told to believe it by. What is there stays, but for the injector's
//! certificate: that is made anew each time, and the CA from before stays believed
//! beside its successor, so that nobody is refused while the one takes the other's
//! place.

use std::path::Path;
use std::time::Duration;
use std::time::SystemTime;

use rustls_pki_types::PrivatePkcs8KeyDer;
use zeroize::Zeroizing;

use crate::ca::Host;
use crate::ca::HostCa;
use crate::ca::SignerError;
use crate::ca::make_root;
use crate::id::TrustDomain;
use crate::store;
use crate::store::SealingKey;
use crate::store::SealingKeyError;
use crate::store::StoreError;
use crate::x509::certificates_from_pem;
use crate::x509::certificates_to_pem;
use crate::x509::private_key_to_pem;

/// Writes them into `dir`; `host` is the name that API servers call the injector by.
///
/// # Errors
///
/// All of [`FilesError`].
pub fn write_files(
    dir: &Path,
    trust_domain: &TrustDomain,
    host: &str,
    now: SystemTime,
) -> Result<(), FilesError> {
    let unwritten = |cause| FilesError::Unwritten { cause };
    store::make_secret_dir(dir).map_err(unwritten)?;
    let is_there = |name: &str| dir.join(name).exists();
    match [ROOT, ROOT_KEY].map(is_there) {
        [true, true] => {}
        [false, false] => write_root(dir, trust_domain, now)?,
        [true, false] => return Err(half(dir, ROOT_KEY)),
        [false, true] => return Err(half(dir, ROOT)),
    }
    SealingKey::load_or_make(&dir.join(SEALING_KEY))
        .map_err(|cause| FilesError::SealingKey { cause })?;
    write_certificate(dir, host, now)
}

fn write_root(dir: &Path, trust_domain: &TrustDomain, now: SystemTime) -> Result<(), FilesError> {
    let unwritten = |cause| FilesError::Unwritten { cause };
    let made = make_root(trust_domain, ROOT_LIFETIME, now);
    let (root, key) = made.map_err(|cause| FilesError::NoRoot { cause })?;
    let key = Zeroizing::new(key.serialize_der());
    let key = PrivatePkcs8KeyDer::from(key.as_slice());
    let key = Zeroizing::new(private_key_to_pem(&key));
    store::write_secret(&dir.join(ROOT_KEY), key.as_bytes()).map_err(unwritten)?;
    let root = certificates_to_pem([&root]);
    store::write_public(&dir.join(ROOT), root.as_bytes()).map_err(unwritten)
}

fn write_certificate(dir: &Path, host: &str, now: SystemTime) -> Result<(), FilesError> {
    let unmade = |cause| FilesError::NoCertificate {
        host: host.to_owned(),
        cause,
    };
    let unwritten = |cause| FilesError::Unwritten { cause };
    let of = Host {
        title: "Portreeve: CA for the injector",
        name: host.to_owned(),
        is_here: false,
        lifetime: CERTIFICATE_LIFETIME,
    };
    let ca = HostCa::new(of, now).map_err(unmade)?;
    let made = ca.issue(now).map_err(unmade)?;
    let path = dir.join(CERTIFICATE_CA);
    let before = store::read(&path).ok();
    let before = before.and_then(|text| certificates_from_pem(&text, CERTIFICATE_CA).ok());
    let before = before.iter().flatten().take(1);
    let roots = ca.root().to_owned() + &certificates_to_pem(before);
    // The roots first: they vouch for the old certificate as well as the new.
    store::write_public(&path, roots.as_bytes()).map_err(unwritten)?;
    let key = Zeroizing::new(made.key);
    store::write_secret(&dir.join(CERTIFICATE_KEY), key.as_bytes()).map_err(unwritten)?;
    let certificate = dir.join(CERTIFICATE);
    store::write_public(&certificate, made.certificate.as_bytes()).map_err(unwritten)
}

fn half(dir: &Path, missing: &str) -> FilesError {
    FilesError::HalfARoot {
        missing: dir.join(missing).display().to_string(),
    }
}

/// Why they cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// A root without its key signs nothing, and another root would be another
    /// trust domain.
    #[error(
        "`{missing}` is not there, and what belongs to it is: put it back, or begin anew in another folder"
    )]
    HalfARoot {
        /// The path.
        missing: String,
    },
    /// The injector has no certificate.
    #[error("no certificate can be made for `{host}`")]
    NoCertificate {
        /// Its name.
        host: String,
        /// Why not.
        #[source]
        cause: rcgen::Error,
    },
    /// The trust domain has no root.
    #[error("no root can be made")]
    NoRoot {
        /// Why not.
        #[source]
        cause: SignerError,
    },
    /// There is no key to seal with.
    #[error("the sealing key cannot be made")]
    SealingKey {
        /// Why not.
        #[source]
        cause: SealingKeyError,
    },
    /// A file cannot be written.
    #[error("a file cannot be written")]
    Unwritten {
        /// Which, and why not.
        #[source]
        cause: StoreError,
    },
}

const ROOT: &str = "root.crt";
const ROOT_KEY: &str = "root.key";
const SEALING_KEY: &str = "sealing.key";
const CERTIFICATE: &str = "injector.crt";
const CERTIFICATE_CA: &str = "injector-ca.crt";
const CERTIFICATE_KEY: &str = "injector.key";

/// Another root is another trust domain, and every pod must be made anew. What signs
/// day by day are intermediates, each for a year at the most.
const ROOT_LIFETIME: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// Long enough to make the next one by hand.
const CERTIFICATE_LIFETIME: Duration = Duration::from_secs(365 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "portreeve-injector.portreeve-system.svc";

    fn written(dir: &Path) -> [Vec<u8>; 6] {
        let names = [
            ROOT,
            ROOT_KEY,
            SEALING_KEY,
            CERTIFICATE,
            CERTIFICATE_CA,
            CERTIFICATE_KEY,
        ];
        names.map(|name| store::read(&dir.join(name)).unwrap())
    }

    #[test]
    fn what_is_there_stays_but_for_the_certificate_whose_ca_stays_believed() {
        let dir = tempfile::tempdir().unwrap();
        let domain = "example.org".parse().unwrap();
        let now = SystemTime::UNIX_EPOCH + ROOT_LIFETIME;
        let write = || write_files(dir.path(), &domain, HOST, now).unwrap();
        write();
        let first = written(dir.path());
        write();
        let second = written(dir.path());
        assert_eq!(first[..3], second[..3]);
        for at in 3..6 {
            assert_ne!(first[at], second[at], "{at}");
        }
        assert!(second[4].ends_with(&first[4]));
        write();
        let third = written(dir.path());
        let cas = certificates_from_pem(&third[4], "").unwrap();
        assert_eq!(cas.len(), 2, "the last one before stays, and no other");
        assert_eq!(cas[1], certificates_from_pem(&second[4], "").unwrap()[0]);
    }

    #[test]
    fn half_a_root_is_not_made_whole_with_another() {
        let dir = tempfile::tempdir().unwrap();
        let domain = "example.org".parse().unwrap();
        let now = SystemTime::UNIX_EPOCH + ROOT_LIFETIME;
        write_files(dir.path(), &domain, HOST, now).unwrap();
        std::fs::remove_file(dir.path().join(ROOT_KEY)).unwrap();
        let refused = write_files(dir.path(), &domain, HOST, now).unwrap_err();
        assert!(
            matches!(refused, FilesError::HalfARoot { missing } if missing.ends_with(ROOT_KEY))
        );
    }
}
