//! An injector's file becomes settings, or a list of all its mistakes.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::Path;

use crate::admin;
use crate::audit as records;
use crate::config::Log;
use crate::config::Mistake;
use crate::config::Mistakes;
use crate::config::audit;
use crate::config::injector_file as file;
use crate::config::parts;
use crate::config::text;
use crate::id::TrustDomain;
use crate::inject;
use crate::inject::Quantity;
use crate::inject::Resources;
use crate::inject::SidecarSettings;

/// An injector's configuration, without mistakes.
#[derive(Clone, Debug)]
pub struct InjectorConfig {
    /// The operator's window, if there is one.
    pub admin: Option<admin::Settings>,
    /// Where it is recorded what became of each pod.
    pub audit: records::Settings,
    /// The injector itself.
    pub injector: inject::Settings,
    /// The operational log.
    pub log: Log,
}

impl InjectorConfig {
    /// Reads the file at `path`. Paths in it are relative to its folder.
    ///
    /// # Errors
    ///
    /// All mistakes, or the one that it cannot be read.
    pub fn load(path: &Path) -> Result<Self, Vec<Mistake>> {
        Self::parse(&text::load(path)?, text::folder(path))
    }

    /// Parses the text of a configuration file that stands in `folder`.
    ///
    /// # Errors
    ///
    /// All mistakes by their path. Where the text is not YAML, the first place
    /// where it is not, with line and column.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, Vec<Mistake>> {
        check(text::parse(text)?, folder)
    }

    /// The JSON Schema of the file, for editors.
    #[must_use]
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(file::File).to_value()
    }
}

fn check(file: file::File, folder: &Path) -> Result<InjectorConfig, Vec<Mistake>> {
    let mut mistakes = Mistakes::default();
    let notes = &mut mistakes;
    let listen = notes.parse::<SocketAddr>("listen", &file.listen);
    let trust_domain = notes.parse::<TrustDomain>("trust_domain", &file.trust_domain);
    let audit = audit::settings(&file.audit, folder, notes);
    let admin = file.admin.as_ref();
    let admin =
        admin.and_then(|admin| parts::admin_settings((&admin.listen, admin.allow_remote), notes));
    let log = parts::log_settings(file.log, notes);
    let sidecar = sidecar(&file.sidecar, &file.authority, trust_domain, folder, notes);
    let whole = (|| {
        Some(InjectorConfig {
            admin,
            audit: audit?,
            injector: inject::Settings {
                listen: listen?,
                certificate: folder.join(&file.certificate),
                key: folder.join(&file.key),
                sidecar: sidecar?,
            },
            log,
        })
    })();
    mistakes.unless_any(whole)
}

fn sidecar(
    written: &file::Sidecar,
    authority: &file::Authority,
    trust_domain: Option<TrustDomain>,
    folder: &Path,
    notes: &mut Mistakes,
) -> Option<SidecarSettings> {
    let address = notes.parse::<IpAddr>("sidecar.address", &written.address);
    if address.is_some_and(|address| !address.is_unspecified()) {
        notes.add(
            "sidecar.address",
            "must be `0.0.0.0` or `::`: a pod's own address is not known before it exists",
        );
    }
    let audience = &authority.audience;
    if audience.is_empty() {
        notes.add("authority.audience", "is empty");
    }
    let images = [
        ("sidecar.image", Some(&written.image)),
        ("sidecar.init_image", written.init_image.as_ref()),
    ];
    for (place, image) in images {
        if image.is_some_and(|image| image.is_empty() || image.contains(char::is_whitespace)) {
            notes.add(place, "must be the name of an image");
        }
    }
    let workers = notes.between("sidecar.workers", written.workers, 1, MOST_WORKERS);
    let resources = resources(written, notes);
    Some(SidecarSettings {
        address: address?,
        audience: audience.clone(),
        authorities: authority.url.as_slice().to_vec(),
        image: written.image.clone(),
        init_image: written.init_image.clone(),
        pull_policy: match written.pull_policy {
            file::PullPolicy::Always => inject::PullPolicy::Always,
            file::PullPolicy::IfNotPresent => inject::PullPolicy::IfNotPresent,
            file::PullPolicy::Never => inject::PullPolicy::Never,
        },
        resources: resources?,
        roots: folder.join(&authority.roots),
        trust_domain: trust_domain?,
        workers: NonZeroU16::new(workers)?,
    })
}

fn resources(written: &file::Sidecar, notes: &mut Mistakes) -> Option<Resources> {
    let mut quantity =
        |name: &str, text: &str| notes.parse::<Quantity>(format!("sidecar.{name}"), text);
    let cpu_limit = written.cpu_limit.as_ref();
    let cpu_limit = cpu_limit.map(|limit| quantity("cpu_limit", limit));
    let cpu_request = quantity("cpu_request", &written.cpu_request);
    let memory_limit = quantity("memory_limit", &written.memory_limit);
    let memory_request = quantity("memory_request", &written.memory_request);
    Some(Resources {
        cpu_limit: match cpu_limit {
            Some(limit) => Some(limit?),
            None => None,
        },
        cpu_request: cpu_request?,
        memory_limit: memory_limit?,
        memory_request: memory_request?,
    })
}

/// That of a sidecar.
const MOST_WORKERS: u16 = 64;
