//! Redirected connections into the proxy's settings.

use std::net::SocketAddr;
use std::time::Duration;

use crate::config::Mistakes;
use crate::config::doors;
use crate::config::file::File;
use crate::config::tcp;
use crate::config::tcp_file;
use crate::config::transparent_file::Passthrough;
use crate::net::Captured;
use crate::policy::ServiceName;
use crate::proxy;

pub(super) fn settings(
    file: &File,
    limits: proxy::Limits,
    (outbound, tcp): (&[proxy::Outbound], &tcp::Doors),
    notes: &mut Mistakes,
) -> Option<proxy::Transparent> {
    let door = door(file, limits, notes);
    agree(door.as_ref(), outbound, tcp, notes);
    door
}

fn door(
    file: &File,
    mut limits: proxy::Limits,
    notes: &mut Mistakes,
) -> Option<proxy::Transparent> {
    let written = file.transparent.as_ref()?;
    let idle_ms = file.tcp.as_ref().map(|tcp| tcp.idle_timeout_ms);
    let idle_ms = idle_ms.unwrap_or_else(tcp_file::idle_timeout_ms);
    limits.silence.stream = Duration::from_millis(idle_ms);
    let listen = written.listen.as_slice();
    if listen.is_empty() {
        notes.add("transparent.listen", "names no address");
    }
    let listen = listen
        .iter()
        .filter_map(|written| doors::on_loopback("transparent", written, notes));
    let listen = listen.collect();
    let ways = written.passthrough.iter().enumerate();
    let ways = ways
        .filter_map(|(at, way)| passthrough(&format!("transparent.passthrough[{at}]"), way, notes));
    Some(proxy::Transparent {
        limits,
        listen,
        passthrough: ways.collect(),
    })
}

/// Where it listens, by the path that says so.
pub(super) fn listens(
    door: Option<&proxy::Transparent>,
) -> impl Iterator<Item = (String, SocketAddr)> {
    let listens = door.into_iter().flat_map(|door| &door.listen);
    listens.map(|listen| ("transparent.listen".to_owned(), *listen))
}

fn passthrough(
    path: &str,
    written: &Passthrough,
    notes: &mut Mistakes,
) -> Option<proxy::Passthrough> {
    if written.captures.is_empty() {
        notes.add(format!("{path}.captures"), "names no destination");
    }
    let captures = captures(path, &written.captures, notes);
    let service = notes.parse::<ServiceName>(format!("{path}.service"), &written.service);
    Some(proxy::Passthrough {
        captures,
        service: service?,
    })
}

/// The destinations of the door at `path`.
pub(super) fn captures(path: &str, written: &[String], notes: &mut Mistakes) -> Vec<Captured> {
    let written = written.iter().enumerate();
    written
        .filter_map(|(at, text)| notes.parse(format!("{path}.captures[{at}]"), text))
        .collect()
}

/// Where the door at `path` listens. `None` if nobody could come to it.
pub(super) fn listen(
    path: &str,
    (written, captures): (Option<&str>, &[String]),
    notes: &mut Mistakes,
) -> Option<Option<SocketAddr>> {
    match written {
        Some(written) => doors::on_loopback(path, written, notes).map(Some),
        None if captures.is_empty() => {
            notes.add(
                format!("{path}.listen"),
                "is missing, and so are `captures`: nobody could come to this door",
            );
            None
        }
        None => Some(None),
    }
}

/// Notes captures that nothing brings connections for, and those of two doors.
fn agree(
    transparent: Option<&proxy::Transparent>,
    outbound: &[proxy::Outbound],
    tcp: &tcp::Doors,
    notes: &mut Mistakes,
) {
    let http = outbound.iter().map(|door| &door.captures).enumerate();
    let http = http.map(|(at, captures)| (format!("outbound[{at}]"), captures));
    let tcp = tcp.outbound.iter().map(|door| &door.captures).enumerate();
    let tcp = tcp.map(|(at, captures)| (format!("tcp.outbound[{at}]"), captures));
    let ways = transparent.into_iter().flat_map(|door| &door.passthrough);
    let ways = ways.map(|way| &way.captures).enumerate();
    let ways = ways.map(|(at, captures)| (format!("transparent.passthrough[{at}]"), captures));
    let mut seen: Vec<(String, Captured)> = Vec::new();
    for (path, captures) in http.chain(tcp).chain(ways) {
        if transparent.is_none() && !captures.is_empty() {
            notes.add(
                format!("{path}.captures"),
                "needs `transparent`: nothing would bring connections here",
            );
        }
        for capture in captures {
            if let Some((earlier, _)) = seen.iter().find(|(_, other)| other == capture) {
                notes.add(
                    format!("{path}.captures"),
                    format!("`{capture}` is captured already: by `{earlier}`"),
                );
            }
            seen.push((path.clone(), capture.clone()));
        }
    }
}
