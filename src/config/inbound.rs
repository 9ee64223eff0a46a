//! The door for other workloads into the proxy's settings.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use crate::config::Mistakes;
use crate::config::doors;
use crate::config::inbound_file::AppProtocol;
use crate::config::inbound_file::AppReady;
use crate::config::inbound_file::Inbound;
use crate::config::inbound_file::Probes;
use crate::config::inbound_file::RateLimit;
use crate::policy::ServiceName;
use crate::proxy;
use crate::tls::Protocol;

pub(super) fn door(
    written: &Inbound,
    limits: proxy::Limits,
    folder: &Path,
    notes: &mut Mistakes,
) -> Option<proxy::Inbound> {
    let listen = notes.parse::<SocketAddr>("inbound.listen", &written.listen);
    let service = notes.parse::<ServiceName>("inbound.service", &written.service);
    let app = doors::app("inbound.app", &written.app, folder, notes);
    let balancers = doors::balancers("inbound", &written.proxy_protocol_from, limits, notes);
    let app_ready = written
        .app_ready
        .as_ref()
        .map(|ready| app_ready(ready, notes));
    let places = "inbound.concurrent_requests";
    let places = written
        .concurrent_requests
        .map(|most| notes.between(places, most, 1, MOST_REQUESTS));
    let probes = written.probes.as_ref().and_then(|door| probes(door, notes));
    let rate_limits = written.rate_limits.iter().enumerate();
    let rate_limits = rate_limits
        .filter_map(|(at, limit)| rate_limit(&format!("inbound.rate_limits[{at}]"), limit, notes))
        .collect();
    Some(proxy::Inbound {
        app: app?,
        app_idle: Duration::from_millis(written.app_idle_ms),
        app_protocol: match written.app_protocol {
            AppProtocol::Http1 => Protocol::Http1,
            AppProtocol::Http2 => Protocol::Http2,
        },
        app_ready,
        balancers,
        concurrent_requests: places,
        latitude: doors::latitude([
            written.allow_encoded_slashes == Some(true),
            written.allow_semicolons,
        ]),
        limits,
        listen: listen?,
        probes,
        rate_limits,
        service: service?,
    })
}

fn app_ready(written: &AppReady, notes: &mut Mistakes) -> proxy::AppReady {
    let path = written.path.as_deref();
    let path = path.and_then(|path| notes.parse("inbound.app_ready.path", path));
    let mut ms = |key: &str, value, least| {
        let key = format!("inbound.app_ready.{key}");
        Duration::from_millis(notes.between(&key, value, least, AN_HOUR_MS))
    };
    let interval = ms("interval_ms", written.interval_ms, LEAST_INTERVAL_MS);
    let timeout = ms("timeout_ms", written.timeout_ms, 1);
    let failures = "inbound.app_ready.failures";
    proxy::AppReady {
        failures: notes.between(failures, written.failures, 1, MOST_FAILURES),
        interval,
        path,
        timeout,
    }
}

fn probes(written: &Probes, notes: &mut Mistakes) -> Option<proxy::Probes> {
    let listen = notes.parse::<SocketAddr>("inbound.probes.listen", &written.listen);
    if written.paths.is_empty() {
        notes.add(
            "inbound.probes.paths",
            "names nothing that may be asked for: say some, or leave `probes` out",
        );
    }
    let paths = written.paths.iter().enumerate();
    let paths = paths
        .filter_map(|(at, path)| notes.parse(format!("inbound.probes.paths[{at}]"), path))
        .collect();
    Some(proxy::Probes {
        listen: listen?,
        paths,
    })
}

fn rate_limit(path: &str, written: &RateLimit, notes: &mut Mistakes) -> Option<proxy::RateLimit> {
    let callers = written
        .callers
        .as_ref()
        .map_or(&[][..], |ids| ids.as_slice());
    if written.callers.is_some() && callers.is_empty() {
        notes.add(
            format!("{path}.callers"),
            "names nobody: leave it out if everybody is meant",
        );
    }
    let callers = callers
        .iter()
        .filter_map(|id| notes.parse(format!("{path}.callers"), id))
        .collect();
    let pace = (written.requests, written.period_s);
    let rate = doors::rate(path, pace, (written.burst, 1), notes);
    Some(proxy::RateLimit {
        callers,
        rate: rate?,
    })
}

/// More than a machine can have under way.
const MOST_REQUESTS: usize = 1_000_000;
/// More often would be a load of its own.
const LEAST_INTERVAL_MS: u64 = 100;
const AN_HOUR_MS: u64 = 3_600_000;
/// At the shortest interval, ten seconds of an application that is gone.
const MOST_FAILURES: u32 = 100;
