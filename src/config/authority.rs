//! An authority's file becomes settings, or a list of all its mistakes.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use crate::admin;
use crate::audit as records;
use crate::authority;
use crate::ca;
use crate::config::Log;
use crate::config::Mistake;
use crate::config::Mistakes;
use crate::config::audit;
use crate::config::authority_file as file;
use crate::config::clusters::clusters;
use crate::config::federation;
use crate::config::identity::MOST_TTL_S;
use crate::config::parts;
use crate::config::policies;
use crate::config::text;
use crate::id::SpiffeId;
use crate::id::TrustDomain;
use crate::store::DatabaseSettings;
use crate::store::Url;
use crate::workload_api;

/// An authority's configuration, without mistakes.
#[derive(Clone, Debug)]
pub struct AuthorityConfig {
    /// The operator's window, if there is one.
    pub admin: Option<admin::Settings>,
    /// Where deeds are recorded.
    pub audit: records::Settings,
    /// The authority itself.
    pub authority: authority::Settings,
    /// The file that the roots are written to.
    pub bundle_file: Option<PathBuf>,
    /// The operational log.
    pub log: Log,
}

impl AuthorityConfig {
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

fn check(file: file::File, folder: &Path) -> Result<AuthorityConfig, Vec<Mistake>> {
    let mut mistakes = Mistakes::default();
    let notes = &mut mistakes;
    let trust_domain = notes.parse::<TrustDomain>("trust_domain", &file.trust_domain);
    let listen = notes.parse::<SocketAddr>("listen", &file.listen);
    let database = database("store", &file.store, folder, notes);
    let audit = audit::settings(&file.audit, folder, notes);
    let admin = file.admin.as_ref();
    let admin =
        admin.and_then(|admin| parts::admin_settings((&admin.listen, admin.allow_remote), notes));
    let log = parts::log_settings(file.log, notes);
    let svid_ttl = notes.between("svid_ttl_s", file.svid_ttl_s, 1, MOST_TTL_S);
    let root_ttl = notes.between("root_ttl_s", file.root_ttl_s, 60, MOST_ROOT_TTL_S);
    let token_ttl = notes.between("join_token_ttl_s", file.join_token_ttl_s, 1, MOST_TTL_S);
    let grace = notes.between("renewal_grace_s", file.renewal_grace_s, 0, MOST_TTL_S);
    let jwt_ttl = notes.between("jwt_svid_ttl_s", file.jwt_svid_ttl_s, 1, MOST_JWT_TTL_S);
    let workload_api = workload_api(file.workload_api.as_ref(), folder, notes);
    let rate = notes.above_zero("issues_per_second", file.issues_per_second);
    let admins = admins(&file.admins, notes);
    let clusters = clusters(&file.proofs.kubernetes, folder, notes);
    let written = file.federation.as_ref();
    let federation = federation::settings(written, trust_domain.as_ref(), folder, notes);
    let policy = file.policy.as_ref().map(|policy| {
        let mut domains = federation.trust_domains();
        domains.extend(trust_domain.clone());
        policies::of_authority(policy, domains, folder, notes)
    });
    let possession = possession(&file.proofs.x509, folder, notes);
    let whole = (|| {
        Some(AuthorityConfig {
            admin,
            audit: audit?,
            authority: authority::Settings {
                admins,
                clusters,
                database: database?,
                entries: file.entries.as_ref().map(|entries| folder.join(entries)),
                federation,
                issues_per_second: NonZeroU32::new(rate)?,
                join_token_ttl: Duration::from_secs(token_ttl),
                jwt_svid_ttl: Duration::from_secs(jwt_ttl),
                listen: listen?,
                policy,
                possession,
                renewal_grace: Duration::from_secs(grace),
                replace_ended_root: file.replace_ended_root,
                root_ttl: Duration::from_secs(root_ttl),
                sealing_key: folder.join(&file.sealing_key_file),
                socket: folder.join(&file.socket),
                svid_ttl: Duration::from_secs(svid_ttl),
                trust_domain: trust_domain?,
                upstream: file.upstream.as_ref().map(|ca| upstream(ca, folder)),
                workload_api,
            },
            bundle_file: file.bundle_file.as_ref().map(|bundle| folder.join(bundle)),
            log,
        })
    })();
    mistakes.unless_any(whole)
}

/// The database that `written`, which stands at `place`, means.
pub(super) fn database(
    place: &str,
    written: &file::Store,
    folder: &Path,
    notes: &mut Mistakes,
) -> Option<DatabaseSettings> {
    match (&written.sqlite, &written.postgres_url_file) {
        (Some(path), None) => Some(DatabaseSettings::Sqlite {
            path: folder.join(path),
        }),
        (None, Some(path)) => {
            let path = folder.join(path);
            match std::fs::read_to_string(&path) {
                Ok(url) if url.trim().starts_with("postgres") => Some(DatabaseSettings::Postgres {
                    url: Url::new(url.trim().to_owned()),
                }),
                // What is in it may be a password: it is not shown.
                Ok(_) => {
                    let path = path.display();
                    notes.add(
                        format!("{place}.postgres_url_file"),
                        format!("`{path}` does not hold a `postgres://` URL"),
                    );
                    None
                }
                Err(error) => {
                    let path = path.display();
                    notes.add(
                        format!("{place}.postgres_url_file"),
                        format!("cannot read `{path}`: {error}"),
                    );
                    None
                }
            }
        }
        (Some(_), Some(_)) | (None, None) => {
            notes.add(
                place,
                "must have exactly one of `sqlite` and `postgres_url_file`",
            );
            None
        }
    }
}

fn workload_api(
    written: Option<&file::WorkloadApi>,
    folder: &Path,
    notes: &mut Mistakes,
) -> Option<workload_api::Settings> {
    let written = written?;
    let mode = notes.parse("workload_api.mode", &written.mode)?;
    let socket = folder.join(&written.socket);
    Some(workload_api::Settings::new(socket, mode))
}

fn upstream(written: &file::Upstream, folder: &Path) -> ca::Upstream {
    ca::Upstream {
        certificate: folder.join(&written.certificate),
        key: folder.join(&written.key),
    }
}

fn admins(written: &[String], notes: &mut Mistakes) -> Vec<SpiffeId> {
    let ids = written.iter().enumerate();
    ids.filter_map(|(at, id)| notes.parse(format!("admins[{at}]"), id))
        .collect()
}

fn possession(
    written: &[file::Ca],
    folder: &Path,
    notes: &mut Mistakes,
) -> Vec<authority::PossessionSettings> {
    for (at, ca) in written.iter().enumerate() {
        named(&format!("proofs.x509[{at}]"), "x509:ca", &ca.name, notes);
    }
    written
        .iter()
        .map(|ca| authority::PossessionSettings {
            name: ca.name.clone(),
            roots: folder.join(&ca.roots),
        })
        .collect()
}

fn named(path: &str, kind: &str, name: &str, notes: &mut Mistakes) {
    if let Err(error) = authority::Selector::new(kind, name) {
        notes.add(format!("{path}.name"), error.to_string());
    }
}

/// A day: whoever has a token can use it until it ends, revoked or not.
const MOST_JWT_TTL_S: u64 = 24 * 60 * 60;

/// Twenty years: more than any root should hold.
const MOST_ROOT_TTL_S: u64 = 20 * 365 * 24 * 60 * 60;
