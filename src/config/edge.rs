//! The door for people into the settings of those who keep it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use crate::config::EdgeConfig;
use crate::config::Mistakes;
use crate::config::authority;
use crate::config::doors;
use crate::config::edge_certificate;
use crate::config::edge_file as file;
use crate::config::inbound_file::AppProtocol;
use crate::oidc;
use crate::oidc::ClientAuthentication;
use crate::oidc::DeviceLogin;
use crate::oidc::Issuer;
use crate::oidc::Places;
use crate::policy::ClaimName;
use crate::policy::ClaimType;
use crate::policy::ProviderName;
use crate::policy::ServiceName;
use crate::proxy;
use crate::proxy::EdgeRoute;
use crate::proxy::EdgeTarget;
use crate::proxy::Latitude;
use crate::proxy::Outbound;
use crate::session;
use crate::tls::Protocol;

/// What a door for people needs besides what is written under `edge`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beside<'a> {
    pub(super) folder: &'a Path,
    pub(super) limits: proxy::Limits,
    pub(super) outbound: &'a [Outbound],
}

pub(super) fn door(
    written: &file::Edge,
    beside: Beside<'_>,
    notes: &mut Mistakes,
) -> Option<EdgeConfig> {
    let listen = notes.parse::<SocketAddr>("edge.listen", &written.listen);
    let balancers = doors::balancers("edge", &written.proxy_protocol_from, beside.limits, notes);
    let providers = providers(written, beside, notes);
    let routes = routes(written, beside, notes);
    let sessions = sessions(&written.sessions, beside.folder, notes);
    let rate = &written.sign_in_rate;
    let pace = (rate.requests, rate.period_s);
    let rate = doors::rate("edge.sign_in_rate", pace, (rate.burst, BURST), notes);
    let certificate =
        edge_certificate::certificate(&written.certificate, &routes, beside.folder, notes);
    Some(EdgeConfig {
        certificate: certificate?,
        door: proxy::Edge {
            balancers,
            limits: beside.limits,
            listen: listen?,
            routes,
            sign_in_rate: rate?,
        },
        providers,
        sessions: sessions?,
    })
}

impl EdgeConfig {
    /// The same where policies may read these `claims`.
    pub(super) fn reading(mut self, claims: &BTreeMap<ClaimName, ClaimType>) -> Self {
        for provider in &mut self.providers {
            let claims = claims.iter();
            let claims = claims.map(|(name, kind)| (name.as_str().into(), *kind));
            provider.claims = claims.collect();
        }
        self
    }
}

fn providers(
    written: &file::Edge,
    beside: Beside<'_>,
    notes: &mut Mistakes,
) -> Vec<oidc::Settings> {
    if written.providers.is_empty() {
        notes.add("edge.providers", "names nobody who could sign people in");
    }
    let all = written.providers.iter();
    all.filter_map(|(name, written)| provider(name, written, beside, notes))
        .collect()
}

fn provider(
    name: &str,
    written: &file::Provider,
    beside: Beside<'_>,
    notes: &mut Mistakes,
) -> Option<oidc::Settings> {
    let path = format!("edge.providers.{name}");
    let name = notes.parse::<ProviderName>(&*path, name);
    let issuer = issuer(&path, written, notes);
    if written.client_id.is_empty() {
        notes.add(format!("{path}.client_id"), "must not be empty");
    }
    let mut settings = oidc::Settings::new(name?, issuer?);
    settings.client = Some(oidc::ClientSettings {
        authentication: authentication(written, beside.folder),
        id: written.client_id.clone(),
    });
    settings.roots = written
        .roots
        .as_ref()
        .map(|roots| beside.folder.join(roots));
    settings.userinfo = written.userinfo;
    if written.device_login == Some(true) {
        settings.device_login = DeviceLogin::Allow;
    }
    let audiences = written.bearer_audiences.iter();
    settings.bearer_audiences = audiences.cloned().collect();
    if settings.bearer_audiences.contains(&written.client_id) {
        notes.add(
            format!("{path}.bearer_audiences"),
            "has the `client_id`: ID tokens of people would do for programs",
        );
    }
    if let Some(scopes) = &written.scopes {
        settings.scopes.clone_from(scopes);
    }
    if let Some(claim) = &written.groups_claim {
        settings.groups_claim.clone_from(claim);
    }
    if let Some(claim) = &written.roles_claim {
        settings.roles_claim.clone_from(claim);
    }
    if let Some(algorithms) = &written.algorithms {
        let place = format!("{path}.algorithms");
        let read = algorithms
            .iter()
            .filter_map(|name| notes.parse(&*place, name));
        settings.algorithms = read.collect();
        if algorithms.is_empty() {
            notes.add(
                place,
                "names no way to sign: leave it out if the usual ones are meant",
            );
        }
    }
    Some(settings)
}

fn issuer(path: &str, written: &file::Provider, notes: &mut Mistakes) -> Option<Issuer> {
    let places = if written.insecure_loopback == Some(true) {
        Places::InsecureLoopback
    } else {
        Places::Https
    };
    let text = &written.issuer;
    let issuer = Issuer::parse(text, places);
    issuer
        .map_err(|error| notes.add(format!("{path}.issuer"), format!("`{text}`: {error}")))
        .ok()
}

fn authentication(written: &file::Provider, folder: &Path) -> ClientAuthentication {
    let Some(file) = &written.client_secret_file else {
        return ClientAuthentication::Public;
    };
    let secret_file = folder.join(file);
    match written.client_secret_by {
        file::SecretBy::Basic => ClientAuthentication::Basic { secret_file },
        file::SecretBy::Post => ClientAuthentication::Post { secret_file },
    }
}

fn routes(written: &file::Edge, beside: Beside<'_>, notes: &mut Mistakes) -> Vec<EdgeRoute> {
    if written.routes.is_empty() {
        notes.add("edge.routes", "names nothing that could be asked for");
    }
    let mut routes: Vec<EdgeRoute> = Vec::new();
    for (at, one) in written.routes.iter().enumerate() {
        let path = format!("edge.routes[{at}]");
        if let Some(name) = &one.provider
            && !written.providers.contains_key(name)
        {
            notes.add(
                format!("{path}.provider"),
                format!("`{name}` is not among `edge.providers`"),
            );
        }
        if let Some(name) = &one.bearer {
            bearer(&format!("{path}.bearer"), name, written, notes);
        }
        let Some(route) = route(&path, one, beside, notes) else {
            continue;
        };
        let is_same = |other: &EdgeRoute| other.host == route.host && other.prefix == route.prefix;
        if routes.iter().any(is_same) {
            let (host, prefix) = (&route.host, &route.prefix);
            notes.add(
                &*path,
                format!("`{host}{prefix}` is there already: only the first could be reached"),
            );
        }
        routes.push(route);
    }
    routes
}

/// Notes what keeps the provider called `name` from vouching for programs.
fn bearer(path: &str, name: &str, written: &file::Edge, notes: &mut Mistakes) {
    match written.providers.get(name) {
        None => notes.add(path, format!("`{name}` is not among `edge.providers`")),
        Some(provider) if provider.bearer_audiences.is_empty() => notes.add(
            path,
            format!("`edge.providers.{name}.bearer_audiences` must say whom its tokens are for"),
        ),
        Some(_) => {}
    }
}

fn route(
    path: &str,
    written: &file::EdgeRoute,
    beside: Beside<'_>,
    notes: &mut Mistakes,
) -> Option<EdgeRoute> {
    let host = host(&format!("{path}.host"), &written.host, notes);
    let prefix = prefix(&format!("{path}.path"), &written.path, notes);
    let provider = written.provider.as_ref();
    let provider = provider.and_then(|name| notes.parse(format!("{path}.provider"), name));
    let (to, service) = match (&written.app, &written.outbound) {
        (Some(app), None) => {
            let address = doors::app(&format!("{path}.app"), app, beside.folder, notes);
            let to = EdgeTarget::App {
                address: address?,
                idle: Duration::from_millis(written.app_idle_ms),
                protocol: match written.app_protocol {
                    AppProtocol::Http1 => Protocol::Http1,
                    AppProtocol::Http2 => Protocol::Http2,
                },
            };
            if written.service.is_none() {
                notes.add(format!("{path}.service"), "must say what policies call it");
            }
            (to, None)
        }
        (None, Some(name)) => {
            let mut doors = beside.outbound.iter();
            let Some(at) = doors.position(|door| door.service.as_str() == name) else {
                notes.add(
                    format!("{path}.outbound"),
                    format!("`{name}` is the service of none of the `outbound` doors"),
                );
                return None;
            };
            (EdgeTarget::Outbound(at), Some(name))
        }
        (Some(_), Some(_)) | (None, None) => {
            notes.add(path, "must have exactly one of `app` and `outbound`");
            return None;
        }
    };
    let service = written.service.as_ref().or(service);
    let service =
        service.and_then(|name| notes.parse::<ServiceName>(format!("{path}.service"), name));
    let bearer = written.bearer.as_ref();
    let bearer = bearer.and_then(|name| notes.parse(format!("{path}.bearer"), name));
    Some(EdgeRoute {
        bearer,
        host: host?,
        latitude: doors::latitude([
            written.allow_encoded_slashes == Some(true),
            written.allow_semicolons,
        ]),
        prefix: prefix?,
        provider,
        service: service?,
        to,
    })
}

/// A host as requests have it: lower case, no port.
fn host(path: &str, written: &str, notes: &mut Mistakes) -> Option<String> {
    if proxy::is_host(written) {
        return Some(written.to_owned());
    }
    notes.add(
        path,
        format!("`{written}` is not a host in lower case, without scheme, port and path"),
    );
    None
}

/// A path as requests have it.
fn prefix(path: &str, written: &str, notes: &mut Mistakes) -> Option<String> {
    match proxy::canonical_path(written, Latitude::WIDEST) {
        Ok(canonical) if canonical == written => Some(canonical.into_owned()),
        Ok(canonical) => {
            notes.add(
                path,
                format!("`{written}` is never asked for: requests have it as `{canonical}`"),
            );
            None
        }
        Err(error) => {
            notes.add(path, format!("`{written}`: {error}"));
            None
        }
    }
}

fn sessions(
    written: &file::Sessions,
    folder: &Path,
    notes: &mut Mistakes,
) -> Option<session::Settings> {
    let database = authority::database("edge.sessions.store", &written.store, folder, notes);
    let usual = session::Limits::default();
    let mut seconds = |key: &str, written: Option<u64>, usual, (least, most)| {
        let key = format!("edge.sessions.{key}");
        let written = written.map(|value| notes.between(&key, value, least, most));
        written.map_or(usual, Duration::from_secs)
    };
    let mut limits = session::Limits {
        absolute: seconds(
            "absolute_s",
            written.absolute_s,
            usual.absolute,
            (1, A_YEAR_S),
        ),
        blind: seconds("blind_s", written.blind_s, usual.blind, (3, A_DAY_S)),
        idle: seconds("idle_s", written.idle_s, usual.idle, (1, A_YEAR_S)),
        refresh_grace: seconds(
            "refresh_grace_s",
            written.refresh_grace_s,
            usual.refresh_grace,
            (0, A_DAY_S),
        ),
        ..usual
    };
    let mut count = |key: &str, written: Option<usize>, usual, most| {
        let key = format!("edge.sessions.{key}");
        let written = written.map(|value| notes.between(&key, value, 1, most));
        written.and_then(NonZeroUsize::new).unwrap_or(usual)
    };
    limits.most = count("most", written.most, usual.most, MOST_SESSIONS);
    limits.most_per_person = count(
        "most_per_person",
        written.most_per_person,
        usual.most_per_person,
        MOST_OF_ONE,
    );
    Some(session::Settings {
        database: database?,
        key_file: folder.join(&written.key_file),
        limits,
    })
}

/// So many times a period's requests may come at once, unless it is said how many.
const BURST: u32 = 20;
const A_DAY_S: u64 = 86_400;
const A_YEAR_S: u64 = 365 * A_DAY_S;
/// Each takes a kilobyte or two.
const MOST_SESSIONS: usize = 10_000_000;
/// More than anybody's browsers.
const MOST_OF_ONE: usize = 10_000;
