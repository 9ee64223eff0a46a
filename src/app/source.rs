//! Where the configuration says that identities come from.

use std::path::Path;
use std::sync::Arc;

use futures_util::FutureExt as _;

use crate::app::build::BuildError;
use crate::audit;
use crate::ca::Authority;
use crate::config::Config;
use crate::config::IdentitySource;
use crate::identity::Embedded;
use crate::identity::Files;
use crate::identity::Source;
use crate::identity::WorkloadApi;
use crate::time::Clock;
use crate::time::SystemClock;
use crate::x509::Limits;

/// Reads the identity's files and looks for the audit file's folder, and
/// changes nothing: what `portreeve check` does before anything is started.
///
/// # Errors
///
/// What a sidecar could not start without.
pub fn check(config: &Config) -> Result<(), BuildError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    if matches!(config.identity, IdentitySource::Files { .. }) {
        let mut source = open(config, &clock)?;
        let fetched = source.fetch().now_or_never();
        if let Some(Err(cause)) = fetched {
            return Err(BuildError::Identity { cause });
        }
    }
    let audit::Sink::File(path) = &config.audit.sink else {
        return Ok(());
    };
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    match std::fs::metadata(folder.unwrap_or_else(|| Path::new("."))) {
        Ok(_) => Ok(()),
        Err(cause) => {
            let cause = audit::SinkError::File {
                path: path.clone(),
                cause,
            };
            Err(BuildError::Audit {
                cause: audit::OpenError::BadSink { cause },
            })
        }
    }
}

/// Opens the source; asks it for nothing yet.
pub(super) fn open(config: &Config, clock: &Arc<dyn Clock>) -> Result<Box<dyn Source>, BuildError> {
    let limits = Limits::default();
    let clock = Arc::clone(clock);
    match &config.identity {
        IdentitySource::Embedded { dir, id, ttl } => {
            let authority = Authority::open(dir, config.trust_domain.clone(), Arc::clone(&clock))
                .map_err(|cause| BuildError::Authority { cause })?;
            Ok(Box::new(Embedded::new(
                Arc::new(authority),
                id.clone(),
                *ttl,
                limits,
                clock,
            )))
        }
        IdentitySource::Files {
            certificate,
            key,
            bundle,
        } => Ok(Box::new(Files::new(
            certificate.clone(),
            key.clone(),
            bundle.clone(),
            limits,
            clock,
        ))),
        IdentitySource::WorkloadApi { endpoint } => {
            Ok(Box::new(WorkloadApi::new(endpoint.clone(), limits, clock)))
        }
    }
}
