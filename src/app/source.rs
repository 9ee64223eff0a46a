//! Where the configuration says that identities come from.

use std::fs;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use crate::app::build_error::BuildError;
use crate::audit;
use crate::ca::Authority;
use crate::config::Config;
use crate::config::IdentitySource;
use crate::enrol;
use crate::enrol::Bulletin;
use crate::enrol::Enrolment;
use crate::enrol::Follower;
use crate::identity::Embedded;
use crate::identity::FilePaths;
use crate::identity::Files;
use crate::identity::Source;
use crate::identity::WorkloadApi;
use crate::time::Clock;
use crate::time::SystemClock;
use crate::x509::Limits;

/// Reads the identity's files and looks at the audit file, and changes
/// nothing: what `portreeve check` does before anything is started.
#[must_use]
pub fn check(config: &Config) -> Vec<BuildError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut mistakes = Vec::new();
    if let IdentitySource::Files {
        certificate,
        key,
        bundle,
    } = &config.identity
        && let Err(causes) = files(config, [certificate, key, bundle], clock).check()
    {
        mistakes.extend(
            causes
                .into_iter()
                .map(|cause| BuildError::Identity { cause }),
        );
    }
    if let IdentitySource::Authority(settings) = &config.identity {
        let wrong = enrol::look_at(settings).into_iter();
        mistakes.extend(wrong.map(|cause| BuildError::Enrol { cause }));
    }
    if let audit::Sink::File(path) = &config.audit.sink
        && let Err(cause) = look_at_log(path)
    {
        let path = path.clone();
        let cause = audit::SinkError::File { path, cause };
        let cause = audit::OpenError::BadSink { cause };
        mistakes.push(BuildError::Audit { cause });
    }
    if let Some(checkpoints) = &config.audit.checkpoints
        && let Err(cause) = checkpoints.key()
    {
        mistakes.push(BuildError::Audit { cause });
    }
    mistakes
}

/// Whether records could be appended to `path`, which is not made yet, perhaps.
fn look_at_log(path: &Path) -> io::Result<()> {
    match OpenOptions::new().read(true).append(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => return opened.map(drop),
    }
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    fs::metadata(folder.unwrap_or_else(|| Path::new("."))).map(drop)
}

/// Where identities come from, and who listens for what changes meanwhile.
pub(super) struct Opened {
    pub(super) bulletin: Option<Arc<Bulletin>>,
    pub(super) source: Box<dyn Source>,
    pub(super) follower: Option<Follower>,
}

/// Opens the source; asks it for nothing yet.
pub(super) fn open(config: &Config, clock: &Arc<dyn Clock>) -> Result<Opened, BuildError> {
    let clock = Arc::clone(clock);
    let alone = |source: Box<dyn Source>| Opened {
        bulletin: None,
        source,
        follower: None,
    };
    match &config.identity {
        IdentitySource::Authority(settings) => {
            let settings = enrol::Settings::clone(settings);
            let enrolment = Enrolment::new(settings, clock);
            Ok(Opened {
                bulletin: Some(enrolment.bulletin),
                source: Box::new(enrolment.source),
                follower: Some(enrolment.follower),
            })
        }
        IdentitySource::Embedded { dir, id, ttl } => {
            let authority = Authority::open(dir, config.trust_domain.clone(), Arc::clone(&clock))
                .map_err(|cause| BuildError::Authority { cause })?;
            Ok(alone(Box::new(Embedded::new(
                Arc::new(authority),
                id.clone(),
                *ttl,
                Limits::default(),
                clock,
            ))))
        }
        IdentitySource::Files {
            certificate,
            key,
            bundle,
        } => Ok(alone(Box::new(files(
            config,
            [certificate, key, bundle],
            clock,
        )))),
        IdentitySource::WorkloadApi { endpoint } => Ok(alone(Box::new(WorkloadApi::new(
            endpoint.clone(),
            Limits::default(),
            clock,
        )))),
    }
}

fn files(config: &Config, paths: [&PathBuf; 3], clock: Arc<dyn Clock>) -> Files {
    let [certificate, key, bundle] = paths.map(Clone::clone);
    let paths = FilePaths {
        certificate,
        key,
        bundle,
    };
    let trust_domain = config.trust_domain.clone();
    Files::new(paths, trust_domain, Limits::default(), clock)
}
