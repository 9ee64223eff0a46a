//! Whom to believe at the other end.

use std::fmt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::SystemTime;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::time_provider::TimeProvider;
use rustls::version::TLS12;
use rustls::version::TLS13;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::UnixTime;

use crate::store;
use crate::store::Fingerprint;
use crate::store::StoreError;
use crate::time::Clock;
use crate::x509::PemError;
use crate::x509::certificates_from_pem;

/// Who must be at the other end of a connection. Cloning is cheap.
#[derive(Clone)]
pub struct Trust(Arc<ClientConfig>);

impl Trust {
    /// Whomever `config` believes. It speaks HTTP/1.1, and begins anew each time.
    #[must_use]
    pub fn new(mut config: ClientConfig) -> Self {
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // A resumed session would not be looked at again.
        config.resumption = Resumption::disabled();
        config.enable_early_data = false;
        Self(Arc::new(config))
    }

    /// Whoever has a certificate for the host that is asked, of one of `roots`,
    /// as browsers do it: TLS 1.2 or 1.3.
    fn of_web(roots: RootCertStore, clock: &Arc<dyn Clock>) -> Result<Self, TrustError> {
        let calendar = Arc::new(Calendar(Arc::clone(clock)));
        let config = ClientConfig::builder_with_details(Arc::new(default_provider()), calendar)
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|cause| TrustError::Misconfigured { cause })?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self::new(config))
    }

    pub(super) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.0)
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trust(…)")
    }
}

/// The roots of the web, or of whoever named the servers of one site.
#[derive(Debug)]
pub struct WebRoots {
    clock: Arc<dyn Clock>,
    /// None: the system's.
    file: Option<PathBuf>,
    read: Mutex<Option<(Fingerprint, Trust)>>,
}

impl WebRoots {
    /// The roots in the PEM file `file`, which is read again when it changes;
    /// without one those that the system believes.
    #[must_use]
    pub const fn new(file: Option<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            file,
            read: Mutex::new(None),
        }
    }

    /// Whom they vouch for now. Looks at the file's date only, mostly.
    ///
    /// # Errors
    ///
    /// [`TrustError`] if there are no roots.
    pub fn trust(&self) -> Result<Trust, TrustError> {
        let now = Fingerprint::take(&self.file);
        let before = self.lock().clone();
        if let Some((then, trust)) = before
            && then == now
        {
            return Ok(trust);
        }
        let roots = match &self.file {
            Some(path) => from_file(path)?,
            None => of_system()?,
        };
        let trust = Trust::of_web(roots, &self.clock)?;
        *self.lock() = Some((now, trust.clone()));
        Ok(trust)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(Fingerprint, Trust)>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why nobody can be believed.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A root that is none.
    #[error("a root in `{}` cannot be used", path.display())]
    BadRoot {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: rustls::Error,
    },
    /// The TLS library takes none of it.
    #[error("our own TLS configuration is not usable")]
    Misconfigured {
        /// What it says.
        #[source]
        cause: rustls::Error,
    },
    /// The system believes nobody.
    #[error("the system has no roots: install its CA certificates, or name a file")]
    NoSystemRoots,
    /// The file is not PEM.
    #[error("the roots cannot be read")]
    NotPem {
        /// Why not.
        #[source]
        cause: PemError,
    },
    /// The file cannot be read.
    #[error("the roots cannot be read")]
    Unreadable {
        /// Why not.
        #[source]
        cause: StoreError,
    },
}

fn from_file(path: &Path) -> Result<RootCertStore, TrustError> {
    let text = store::read(path).map_err(|cause| TrustError::Unreadable { cause })?;
    let certificates = certificates_from_pem(&text, &path.to_string_lossy())
        .map_err(|cause| TrustError::NotPem { cause })?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots
            .add(certificate)
            .map_err(|cause| TrustError::BadRoot {
                path: path.to_owned(),
                cause,
            })?;
    }
    Ok(roots)
}

/// The system's store may have certificates that nobody can use: those are
/// passed over, as everybody does.
fn of_system() -> Result<RootCertStore, TrustError> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::debug!(%error, "a part of the system's roots cannot be read");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs.into_iter().map(CertificateDer::into_owned));
    if roots.is_empty() {
        return Err(TrustError::NoSystemRoots);
    }
    Ok(roots)
}

/// Our clock, where the TLS library asks for the date.
#[derive(Debug)]
struct Calendar(Arc<dyn Clock>);

impl TimeProvider for Calendar {
    fn current_time(&self) -> Option<UnixTime> {
        let since = self.0.now().duration_since(SystemTime::UNIX_EPOCH);
        since.ok().map(UnixTime::since_unix_epoch)
    }
}
