//! The section about other trust domains: as it is written, and into settings.

use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::authority::EndpointProfile;
use crate::authority::EndpointSettings;
use crate::authority::FederationSettings;
use crate::authority::RelationProfile;
use crate::authority::RelationSettings;
use crate::config::Mistakes;
use crate::id::TrustDomain;

/// With which trust domains bundles are exchanged.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Federation {
    /// Where other trust domains ask for our bundle, such as `0.0.0.0:15444`. Default: nowhere.
    pub(super) listen: Option<String>,
    /// How we prove who we are there. Default: `https_spiffe`.
    #[serde(default)]
    pub(super) profile: Profile,
    /// For `https_web`: a certificate for the host, PEM, leaf first. Read again when it changes.
    pub(super) certificate: Option<PathBuf>,
    /// For `https_web`: its key, PEM.
    pub(super) key: Option<PathBuf>,
    /// How often others should look for a change, in seconds. Default: 300.
    #[serde(default = "default_refresh_hint_s")]
    pub(super) refresh_hint_s: u64,
    /// Whose bundles we ask for, and believe.
    #[serde(default)]
    pub(super) with: Vec<Relation>,
}

/// A trust domain whose bundle we ask for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Relation {
    /// Whose bundle it is, such as `other.example`.
    pub(super) trust_domain: String,
    /// Where it is served, such as `https://bundle.other.example/`.
    pub(super) url: String,
    /// Who must serve it.
    pub(super) profile: Profile,
    /// For `https_web`: the roots to believe the server by, PEM. Default: the system's.
    pub(super) roots: Option<PathBuf>,
    /// For `https_spiffe`: who must serve it, such as `spiffe://other.example/portreeve/authority`.
    pub(super) spiffe_id: Option<String>,
    /// For `https_spiffe`: the bundle of its trust domain to believe it by the first time, a SPIFFE bundle or PEM.
    pub(super) bundle: Option<PathBuf>,
}

/// How a bundle endpoint proves who it is.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Profile {
    /// By an SVID.
    #[default]
    HttpsSpiffe,
    /// By a certificate for its host.
    HttpsWeb,
}

/// What the standard recommends to those who are told nothing.
const fn default_refresh_hint_s() -> u64 {
    300
}

pub(super) fn settings(
    written: Option<&Federation>,
    own: Option<&TrustDomain>,
    folder: &Path,
    notes: &mut Mistakes,
) -> FederationSettings {
    let Some(written) = written else {
        return FederationSettings::default();
    };
    let endpoint = endpoint(written, folder, notes);
    let mut relations: Vec<RelationSettings> = Vec::new();
    for (at, relation) in written.with.iter().enumerate() {
        let path = format!("federation.with[{at}]");
        let Some(relation) = read(&path, relation, folder, notes) else {
            continue;
        };
        let name = &relation.trust_domain;
        if Some(name) == own {
            let text = "is our own trust domain, which we ask nobody about";
            notes.add(format!("{path}.trust_domain"), text);
        }
        if relations.iter().any(|other| other.trust_domain == *name) {
            let text = format!("`{name}` is there already: a trust domain has one bundle");
            notes.add(format!("{path}.trust_domain"), text);
        }
        relations.push(relation);
    }
    FederationSettings {
        endpoint,
        relations,
    }
}

fn endpoint(written: &Federation, folder: &Path, notes: &mut Mistakes) -> Option<EndpointSettings> {
    let hint = notes.between(
        "federation.refresh_hint_s",
        written.refresh_hint_s,
        1,
        MOST_HINT_S,
    );
    let files = [
        ("federation.certificate", &written.certificate),
        ("federation.key", &written.key),
    ];
    let [certificate, key] = files.map(|(path, file)| {
        let place = match (written.profile, &written.listen) {
            (Profile::HttpsWeb, Some(_)) => Place::Needed,
            _ => Place::None,
        };
        part(path, file.as_ref(), place, notes).map(|file| folder.join(file))
    });
    let listen = written.listen.as_ref()?;
    let listen = notes.parse::<SocketAddr>("federation.listen", listen)?;
    let profile = match written.profile {
        Profile::HttpsSpiffe => EndpointProfile::Spiffe,
        Profile::HttpsWeb => EndpointProfile::Web {
            certificate: certificate?,
            key: key?,
        },
    };
    Some(EndpointSettings {
        listen,
        profile,
        refresh_hint: Duration::from_secs(hint),
    })
}

fn read(
    path: &str,
    written: &Relation,
    folder: &Path,
    notes: &mut Mistakes,
) -> Option<RelationSettings> {
    let trust_domain = notes.parse(format!("{path}.trust_domain"), &written.trust_domain);
    let url = notes.parse(format!("{path}.url"), &written.url);
    let place = match written.profile {
        Profile::HttpsSpiffe => Place::Needed,
        Profile::HttpsWeb => Place::None,
    };
    let roots = written.roots.as_ref();
    if place == Place::Needed && roots.is_some() {
        notes.add(format!("{path}.roots"), NO_PLACE);
    }
    let id_at = format!("{path}.spiffe_id");
    let id = part(&id_at, written.spiffe_id.as_ref(), place, notes);
    let id = id.and_then(|id| notes.parse(id_at, id));
    let bundle_at = format!("{path}.bundle");
    let bundle = part(&bundle_at, written.bundle.as_ref(), place, notes);
    let profile = match written.profile {
        Profile::HttpsSpiffe => RelationProfile::Spiffe {
            spiffe_id: id?,
            bundle: folder.join(bundle?),
        },
        Profile::HttpsWeb => RelationProfile::Web {
            roots: roots.map(|roots| folder.join(roots)),
        },
    };
    Some(RelationSettings {
        trust_domain: trust_domain?,
        url: url?,
        profile,
    })
}

/// Whether a profile has a place for a part.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    Needed,
    None,
}

/// A part that must be there if there is a `place` for it, and else must not.
fn part<'a, T>(
    path: &str,
    written: Option<&'a T>,
    place: Place,
    notes: &mut Mistakes,
) -> Option<&'a T> {
    match (written, place) {
        (None, Place::Needed) => notes.add(path, "is missing, and this profile needs it"),
        (Some(_), Place::None) => notes.add(path, NO_PLACE),
        (Some(_), Place::Needed) => return written,
        (None, Place::None) => {}
    }
    None
}

const NO_PLACE: &str = "has no meaning with this profile";

/// A day: nobody should believe for longer without asking.
const MOST_HINT_S: u64 = 24 * 60 * 60;
