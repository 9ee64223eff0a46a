//! The doors of the file into the proxy's settings.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use crate::config::Mistakes;
use crate::config::file;
use crate::config::limits_file::Limits;
use crate::id::SpiffeId;
use crate::net::AppAddress;
use crate::net::Network;
use crate::net::SourceLimits;
use crate::policy;
use crate::policy::ServiceName;
use crate::proxy;
use crate::proxy::EncodedSlashes;
use crate::proxy::Latitude;
use crate::proxy::Pace;
use crate::proxy::Semicolons;
use crate::proxy::Silence;

/// What paths may have where these are allowed.
pub(super) const fn latitude([encoded_slashes, semicolons]: [bool; 2]) -> Latitude {
    Latitude {
        encoded_slashes: if encoded_slashes {
            EncodedSlashes::Allow
        } else {
            EncodedSlashes::Refuse
        },
        semicolons: if semicolons {
            Semicolons::Allow
        } else {
            Semicolons::Refuse
        },
    }
}

/// So many requests each `period_s`, and such a burst, or `times` as many.
pub(super) fn rate(
    path: &str,
    (requests, period_s): (u32, u64),
    (burst, times): (Option<u32>, u32),
    notes: &mut Mistakes,
) -> Option<proxy::Rate> {
    let place = |key: &str| format!("{path}.{key}");
    let requests = notes.between(&place("requests"), requests, 1, MOST_RATE);
    let period_s = notes.between(&place("period_s"), period_s, 1, A_DAY_S);
    let burst = burst.map(|burst| notes.between(&place("burst"), burst, 1, MOST_RATE));
    let usual = requests.saturating_mul(times).min(MOST_RATE);
    let burst = burst.unwrap_or(usual);
    let (requests, burst) = (NonZeroU32::new(requests)?, NonZeroU32::new(burst)?);
    let fills_in_s = u64::from(burst.get()).saturating_mul(period_s) / u64::from(requests.get());
    if fills_in_s > A_MONTH_S {
        notes.add(
            place("burst"),
            format!("takes {fills_in_s} s to be granted anew at this rate: choose a smaller one, at most {A_MONTH_S} s' worth"),
        );
    }
    Some(proxy::Rate {
        burst,
        period: Duration::from_secs(period_s),
        requests,
    })
}

pub(super) fn limits(written: &Limits, notes: &mut Mistakes) -> proxy::Limits {
    let mut ms = |key: &str, value: u64| {
        Duration::from_millis(notes.above_zero(&format!("limits.{key}"), value))
    };
    let connect = ms("connect_timeout_ms", written.connect_timeout_ms);
    let header_read = ms("header_read_timeout_ms", written.header_read_timeout_ms);
    let idle = ms("idle_timeout_ms", written.idle_timeout_ms);
    let request = ms("request_idle_timeout_ms", written.request_idle_timeout_ms);
    let response = ms("response_timeout_ms", written.response_timeout_ms);
    let stream = ms("stream_idle_timeout_ms", written.stream_idle_timeout_ms);
    let grace = ms("request_min_grace_ms", written.request_min_grace_ms);
    let write_stall = ms("write_stall_timeout_ms", written.write_stall_timeout_ms);
    if written.header_bytes < LEAST_HEADER_BYTES {
        notes.add(
            "limits.header_bytes",
            format!("must be at least {LEAST_HEADER_BYTES}"),
        );
    }
    for (key, bytes) in [
        ("connection_window_bytes", written.connection_window_bytes),
        ("stream_window_bytes", written.stream_window_bytes),
    ] {
        if !(LEAST_WINDOW_BYTES..=MOST_WINDOW_BYTES).contains(&bytes) {
            notes.add(
                format!("limits.{key}"),
                format!("must be from {LEAST_WINDOW_BYTES} to {MOST_WINDOW_BYTES}"),
            );
        }
    }
    let certificate_grace = notes.between(
        "limits.certificate_grace_ms",
        written.certificate_grace_ms,
        0,
        MOST_GRACE_MS,
    );
    proxy::Limits {
        certificate_grace: Duration::from_millis(certificate_grace),
        connect,
        connection_window_bytes: written.connection_window_bytes,
        connections: notes.above_zero("limits.connections", written.connections),
        handshake: Duration::from_millis(written.handshake_timeout_ms),
        header_read,
        header_bytes: written.header_bytes,
        headers: notes.between("limits.headers", written.headers, 1, MOST_HEADERS),
        idle,
        silence: Silence {
            pace: NonZeroU32::new(written.request_min_bytes_per_s)
                .map(|bytes_per_s| Pace { bytes_per_s, grace }),
            request,
            response,
            stream,
        },
        stream_window_bytes: written.stream_window_bytes,
        streams: notes.above_zero("limits.streams", written.streams),
        uri_bytes: notes.above_zero("limits.uri_bytes", written.uri_bytes),
        write_stall,
    }
}

pub(super) fn sources(written: &Limits, notes: &mut Mistakes) -> SourceLimits {
    let connections = notes.above_zero("limits.source_connections", written.source_connections);
    let per_second = notes.between(
        "limits.source_connections_per_s",
        written.source_connections_per_s,
        1,
        MOST_CONNECTIONS_PER_S,
    );
    SourceLimits {
        connections: NonZeroU32::new(connections).unwrap_or(NonZeroU32::MIN),
        per_second: NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN),
    }
}

/// Where our own application connects to us.
pub(super) fn on_loopback(path: &str, written: &str, notes: &mut Mistakes) -> Option<SocketAddr> {
    let listen = notes.parse::<SocketAddr>(format!("{path}.listen"), written);
    if let Some(listen) = listen.filter(|listen| !listen.ip().is_loopback()) {
        // Whoever reaches it speaks with our identity.
        notes.add(
            format!("{path}.listen"),
            format!("`{listen}` is not on loopback: others could speak in our name"),
        );
    }
    listen
}

/// Who may tell the door at `path` whom a connection is from.
pub(super) fn balancers(
    path: &str,
    written: &[String],
    limits: proxy::Limits,
    notes: &mut Mistakes,
) -> proxy::Balancers {
    let written = written.iter().enumerate();
    let from = written.filter_map(|(at, text)| {
        notes.parse::<Network>(format!("{path}.proxy_protocol_from[{at}]"), text)
    });
    proxy::Balancers {
        from: from.collect(),
        timeout: limits.handshake,
    }
}

/// What the workload at `to` is called.
pub(super) fn service(
    path: &str,
    written: Option<&str>,
    to: Option<&str>,
    notes: &mut Mistakes,
) -> Option<ServiceName> {
    match (written, to) {
        (Some(service), _) => notes.parse::<ServiceName>(format!("{path}.service"), service),
        (None, Some(to)) => default_service(path, to, notes),
        (None, None) => None,
    }
}

pub(super) fn expected(
    path: &str,
    written: &file::OneOrMany,
    notes: &mut Mistakes,
) -> Vec<SpiffeId> {
    let ids = written.as_slice();
    if ids.is_empty() {
        notes.add(
            format!("{path}.expect"),
            "names nobody: the other side must prove some SPIFFE ID",
        );
    }
    let path = format!("{path}.expect");
    let ids = ids
        .iter()
        .filter_map(|id| notes.parse::<SpiffeId>(&*path, id));
    let ids: Vec<_> = ids.collect();
    for id in ids.iter().filter(|id| id.path().is_empty()) {
        notes.add(
            &*path,
            format!("`{id}` has no path, so no workload can be it"),
        );
    }
    ids
}

/// Notes where two of `listens`, each by its path, want one port.
pub(super) fn clashes(listens: &[(String, SocketAddr)], notes: &mut Mistakes) {
    let all = |address: &SocketAddr| address.ip().is_unspecified();
    for (at, (path, address)) in listens.iter().enumerate() {
        let earlier = listens.iter().take(at).find(|(_, other)| {
            let same = other.ip() == address.ip() || all(other) || all(address);
            same && other.port() == address.port() && address.port() != 0
        });
        if let Some((taken, other)) = earlier {
            notes.add(
                path,
                format!("`{address}` is taken: `{taken}` is `{other}`"),
            );
        }
    }
}

fn default_service(path: &str, to: &str, notes: &mut Mistakes) -> Option<ServiceName> {
    let host = to.rsplit_once(':').map_or(to, |(host, _)| host);
    if host.starts_with('[') || host.parse::<std::net::IpAddr>().is_ok() {
        notes.add(
            format!("{path}.service"),
            format!("must be given, since `{to}` is an address and has no name"),
        );
        return None;
    }
    let label = host.split('.').next().unwrap_or(host);
    notes.parse(format!("{path}.service"), label)
}

/// Where our application is.
pub(super) fn app(
    path: &str,
    written: &str,
    folder: &Path,
    notes: &mut Mistakes,
) -> Option<AppAddress> {
    let parsed = AppAddress::parse(written, folder);
    parsed
        .map_err(|error| notes.add(path, format!("`{written}`: {error}")))
        .ok()
}

/// `host:port`, as written.
pub(super) fn destination(path: &str, written: &str, notes: &mut Mistakes) -> Option<String> {
    let port = written
        .rsplit_once(':')
        .filter(|(host, _)| !host.is_empty());
    match port.map(|(_, port)| port.parse::<u16>()) {
        Some(Ok(1..)) => Some(written.to_owned()),
        _ => {
            notes.add(path, format!("`{written}` is not `host:port`"));
            None
        }
    }
}

pub(super) fn routes(
    place: &str,
    written: &[file::Route],
    notes: &mut Mistakes,
) -> Vec<policy::Route> {
    let mut routes = Vec::new();
    for (at, route) in written.iter().enumerate() {
        let path = format!("{place}[{at}]");
        let template = notes.parse(format!("{path}.path"), &route.path);
        let groups = route
            .groups
            .iter()
            .filter_map(|group| notes.parse(format!("{path}.groups"), group))
            .collect();
        routes.extend(template.map(|path| policy::Route { path, groups }));
    }
    routes
}

/// hyper's smallest buffer.
const LEAST_HEADER_BYTES: usize = 8_192;
/// hyper makes room for all of them with each request.
const MOST_HEADERS: usize = 10_000;
/// No machine takes so many.
const MOST_CONNECTIONS_PER_S: u32 = 1_000_000;
/// RFC 9113 6.9.2: what every sender may use before it hears of another size.
const LEAST_WINDOW_BYTES: u32 = 65_535;
/// RFC 9113 6.9.1.
const MOST_WINDOW_BYTES: u32 = i32::MAX.unsigned_abs();
/// More would be no grace but another lifetime: SVIDs hold for an hour.
const MOST_GRACE_MS: u64 = 3_600_000;
/// More requests a second than a core can count.
const MOST_RATE: u32 = 1_000_000;
const A_DAY_S: u64 = 86_400;
/// What is counted over a longer time is not a rate, and would be lost with a restart.
const A_MONTH_S: u64 = 31 * A_DAY_S;
