//! Where the configuration says that identities come from.

use std::sync::Arc;

use crate::app::build::BuildError;
use crate::ca::Authority;
use crate::config::Config;
use crate::config::IdentitySource;
use crate::identity::Embedded;
use crate::identity::Files;
use crate::identity::Source;
use crate::time::Clock;
use crate::x509::Limits;

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
    }
}
