//! The doors for our own application into the proxy's settings.

use std::net::SocketAddr;
use std::time::Duration;

use crate::config::Mistakes;
use crate::config::doors;
use crate::config::outbound_file as file;
use crate::config::transparent;
use crate::net::NameSettings;
use crate::proxy;
use crate::proxy::Balancing;

pub(super) fn doors(
    written: &[file::Outbound],
    limits: proxy::Limits,
    notes: &mut Mistakes,
) -> Vec<proxy::Outbound> {
    let doors = written.iter().enumerate();
    doors
        .filter_map(|(at, written)| door(&format!("outbound[{at}]"), written, limits, notes))
        .collect()
}

fn door(
    path: &str,
    written: &file::Outbound,
    limits: proxy::Limits,
    notes: &mut Mistakes,
) -> Option<proxy::Outbound> {
    let listen = transparent::listen(path, (written.listen.as_deref(), &written.captures), notes);
    let captures = transparent::captures(path, &written.captures, notes);
    let to = doors::destination(&format!("{path}.to"), &written.to, notes);
    let expect = doors::expected(path, &written.expect, notes);
    let service = doors::service(path, written.service.as_deref(), to.as_deref(), notes);
    let limits = own_limits(path, written, limits, notes);
    let balancing = balancing(path, written, &limits, notes);
    Some(proxy::Outbound {
        balancing,
        captures,
        expect,
        latitude: doors::latitude([
            written.allow_encoded_slashes == Some(true),
            written.allow_semicolons,
        ]),
        limits,
        listen: listen?,
        service: service?,
        to: to?,
    })
}

/// Those of all doors, but for what this one has for itself.
fn own_limits(
    path: &str,
    written: &file::Outbound,
    mut limits: proxy::Limits,
    notes: &mut Mistakes,
) -> proxy::Limits {
    let own = [
        (
            "connect_timeout_ms",
            written.connect_timeout_ms,
            &mut limits.connect,
        ),
        (
            "response_timeout_ms",
            written.response_timeout_ms,
            &mut limits.silence.response,
        ),
    ];
    for (key, written, limit) in own {
        if let Some(ms) = written {
            *limit = Duration::from_millis(notes.above_zero(&format!("{path}.{key}"), ms));
        }
    }
    limits
}

fn balancing(
    path: &str,
    written: &file::Outbound,
    limits: &proxy::Limits,
    notes: &mut Mistakes,
) -> Balancing {
    let idle = written.idle_timeout_ms.map_or(limits.idle, |ms| {
        Duration::from_millis(notes.above_zero(&format!("{path}.idle_timeout_ms"), ms))
    });
    let ping = notes.between(
        &format!("{path}.ping_interval_ms"),
        written.ping_interval_ms,
        LEAST_PING_MS,
        MOST_PING_MS,
    );
    Balancing {
        ejection: ejection(&format!("{path}.ejection"), &written.ejection, notes),
        idle,
        ping: Duration::from_millis(ping),
        retries: retries(&format!("{path}.retries"), &written.retries, notes),
    }
}

fn ejection(path: &str, written: &file::Ejection, notes: &mut Mistakes) -> proxy::Ejection {
    let base = notes.above_zero(&format!("{path}.base_ms"), written.base_ms);
    if written.longest_ms < base {
        notes.add(
            format!("{path}.longest_ms"),
            format!("must be at least `base_ms`, which is {base}"),
        );
    }
    let mut percent = |key: &str, value| notes.between(&format!("{path}.{key}"), value, 0, 100);
    proxy::Ejection {
        failures: written.failures,
        base: Duration::from_millis(base),
        longest: Duration::from_millis(written.longest_ms),
        most_percent: percent("most_percent", written.most_percent),
        panic_percent: percent("panic_percent", written.panic_percent),
    }
}

fn retries(path: &str, written: &file::Retries, notes: &mut Mistakes) -> proxy::Retries {
    let mut most = |key: &str, value, most| notes.between(&format!("{path}.{key}"), value, 0, most);
    proxy::Retries {
        most: most("most", written.most, MOST_RETRIES),
        budget_percent: most("budget_percent", written.budget_percent, 100),
        budget_floor: most("budget_floor", written.budget_floor, MOST_FLOOR),
    }
}

pub(super) fn names(written: &file::Names, notes: &mut Mistakes) -> NameSettings {
    let servers = written.servers.iter().enumerate();
    let servers = servers.filter_map(|(at, server)| {
        notes.parse::<SocketAddr>(format!("names.servers[{at}]"), server)
    });
    let servers = servers.collect();
    NameSettings {
        servers,
        stale: Duration::from_millis(notes.above_zero("names.stale_ms", written.stale_ms)),
    }
}

/// More often would only be noise.
const LEAST_PING_MS: u64 = 100;
/// Whoever vanishes must be found out within half a minute, which is three times as long.
const MOST_PING_MS: u64 = 10_000;
/// What fails so often will not get better by it.
const MOST_RETRIES: u32 = 10;
/// A hundred a second.
const MOST_FLOOR: u32 = 1_000;
