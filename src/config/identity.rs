//! Where our identity comes from, as the file has it.

use std::path::Path;
use std::time::Duration;

use crate::authority;
use crate::config::IdentitySource;
use crate::config::Mistakes;
use crate::config::enrolment_file::FromAuthority;
use crate::config::file;
use crate::enrol;
use crate::enrol::Credential;
use crate::id::SpiffeId;
use crate::id::TrustDomain;

/// The one source that is written.
pub(super) fn source(
    written: &file::Identity,
    domain: Option<&TrustDomain>,
    folder: &Path,
    notes: &mut Mistakes,
) -> Option<IdentitySource> {
    match (
        &written.files,
        &written.embedded,
        &written.authority,
        &written.workload_api,
    ) {
        (Some(files), None, None, None) => Some(IdentitySource::Files {
            certificate: folder.join(&files.certificate),
            key: folder.join(&files.key),
            bundle: folder.join(&files.bundle),
        }),
        (None, Some(embedded), None, None) => self::embedded(embedded, domain, folder, notes),
        (None, None, Some(authority), None) => {
            let settings = from_authority(authority, domain, folder, notes)?;
            Some(IdentitySource::Authority(Box::new(settings)))
        }
        (None, None, None, Some(agent)) => {
            let endpoint = notes.parse("identity.workload_api", agent)?;
            Some(IdentitySource::WorkloadApi { endpoint })
        }
        _ => {
            notes.add(
                "identity",
                "must have exactly one of `files`, `embedded`, `authority` and `workload_api`",
            );
            None
        }
    }
}

fn embedded(
    written: &file::Embedded,
    domain: Option<&TrustDomain>,
    folder: &Path,
    notes: &mut Mistakes,
) -> Option<IdentitySource> {
    let ttl = notes.between(
        "identity.embedded.svid_ttl_s",
        written.svid_ttl_s,
        1,
        MOST_TTL_S,
    );
    let id = own_id("identity.embedded.id", &written.id, domain, notes)?;
    Some(IdentitySource::Embedded {
        dir: folder.join(&written.dir),
        id,
        ttl: Duration::from_secs(ttl),
    })
}

fn own_id(
    path: &str,
    written: &str,
    domain: Option<&TrustDomain>,
    notes: &mut Mistakes,
) -> Option<SpiffeId> {
    let id = notes.parse::<SpiffeId>(path, written)?;
    if domain.is_some_and(|domain| domain != id.trust_domain()) {
        notes.add(
            path,
            format!("`{id}` is not in the trust domain of `trust_domain`"),
        );
    }
    if id.path().is_empty() {
        notes.add(path, format!("`{id}` has no path, so it names no workload"));
    }
    Some(id)
}

fn from_authority(
    written: &FromAuthority,
    domain: Option<&TrustDomain>,
    folder: &Path,
    notes: &mut Mistakes,
) -> Option<enrol::Settings> {
    let authorities: Vec<String> = written
        .url
        .as_slice()
        .iter()
        .filter_map(|url| address(url, notes))
        .collect();
    if written.url.as_slice().is_empty() {
        notes.add("identity.authority.url", "names no authority");
    }
    let credential = credential(written, folder, notes);
    let wish = match &written.spiffe_id {
        Some(id) => Some(own_id("identity.authority.spiffe_id", id, domain, notes)?),
        None => None,
    };
    let trust_domain = domain?.clone();
    let authority_id = authority::Settings::own_id(&trust_domain);
    if authority_id.is_none() {
        notes.add(
            "trust_domain",
            format!("`{trust_domain}` is too long: no authority can be named in it"),
        );
    }
    Some(enrol::Settings {
        authorities,
        authority_id: authority_id?,
        bundle: folder.join(&written.bundle),
        credential: credential?,
        patience: PATIENCE,
        state: written.state_dir.as_ref().map(|state| folder.join(state)),
        trust_domain,
        wants_policies: false,
        wish,
    })
}

/// The `host:port` of a URL that has nothing else.
fn address(url: &str, notes: &mut Mistakes) -> Option<String> {
    let authority = url
        .strip_prefix("https://")
        .map(|rest| rest.strip_suffix('/').unwrap_or(rest))
        .filter(|rest| !rest.contains(['/', '?', '#', '@']));
    let port = authority.and_then(|authority| authority.rsplit_once(':'));
    match port.map(|(host, port)| (host.is_empty(), port.parse::<u16>())) {
        Some((false, Ok(1..))) => authority.map(ToOwned::to_owned),
        _ => {
            notes.add(
                "identity.authority.url",
                format!("`{url}` is not `https://host:port`"),
            );
            None
        }
    }
}

fn credential(written: &FromAuthority, folder: &Path, notes: &mut Mistakes) -> Option<Credential> {
    match (
        &written.join_token_file,
        &written.kubernetes_token_file,
        &written.x509,
    ) {
        (Some(path), None, None) => Some(Credential::JoinToken {
            path: folder.join(path),
        }),
        (None, Some(path), None) => Some(Credential::Kubernetes {
            path: folder.join(path),
        }),
        (None, None, Some(x509)) => Some(Credential::Possession {
            certificate: folder.join(&x509.certificate),
            key: folder.join(&x509.key),
        }),
        _ => {
            notes.add(
                "identity.authority",
                "must have exactly one of `join_token_file`, `kubernetes_token_file` and `x509`",
            );
            None
        }
    }
}

/// Peers believe no certificate that holds for much longer.
pub(super) const MOST_TTL_S: u64 = 90 * 24 * 60 * 60;

/// Longer than a database fails over, shorter than anybody waits for a start.
const PATIENCE: Duration = Duration::from_secs(10);
