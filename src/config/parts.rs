//! Each part of the file into the settings of the room that it is for.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use crate::admin;
use crate::audit;
use crate::config::Config;
use crate::config::Handshakes;
use crate::config::Log;
use crate::config::Mistake;
use crate::config::Mistakes;
use crate::config::doors;
use crate::config::file;
use crate::config::identity;
use crate::config::inbound;
use crate::config::outbound;
use crate::config::policies;
use crate::config::tcp;
use crate::config::transparent;
use crate::config::workload_api;
use crate::id::TrustDomain;
use crate::policy;
use crate::policy::ServiceName;
use crate::proxy;

/// All settings, or all mistakes.
pub(super) fn check(file: file::File, folder: &Path) -> Result<Config, Vec<Mistake>> {
    let mut mistakes = Mistakes::default();
    let notes = &mut mistakes;
    let limits = doors::limits(&file.limits, notes);
    let handshakes = handshakes(&file, notes);
    let trust_domain = notes.parse::<TrustDomain>("trust_domain", &file.trust_domain);
    let mut identity = identity::source(&file.identity, trust_domain.as_ref(), folder, notes);
    let inbound = file
        .inbound
        .as_ref()
        .and_then(|door| inbound::door(door, limits, folder, notes));
    let names = outbound::names(&file.names, notes);
    let outbound = outbound::doors(&file.outbound, limits, notes);
    let tcp = tcp::doors(file.tcp.as_ref(), limits, folder, notes);
    let transparent = transparent::settings(&file, limits, (&outbound, &tcp), notes);
    if file.inbound.is_none() && file.outbound.is_empty() && file.tcp.is_none() {
        notes.add(
            "",
            "there is neither `inbound` nor `outbound` nor `tcp`: nothing would be served",
        );
    }
    let ways = transparent.iter().flat_map(|door| &door.passthrough);
    let ways = ways.map(|way| &way.service);
    let called = outbound.iter().map(|door| &door.service);
    let called = called.chain(tcp.services()).chain(ways).cloned();
    let inbound_service = inbound.as_ref().map(|door| &door.service);
    let services = services(&file, inbound_service, called, notes);
    let at = (trust_domain.as_ref(), folder);
    let policy = policies::of_sidecar(&file.policy, services, at, notes);
    let policy_source = policies::source(&file.policy, &mut identity, folder, notes);
    let audit = audit_settings(&file.audit, folder, notes);
    let admin = file.admin.as_ref();
    let admin = admin.and_then(|admin| admin_settings(admin, notes));
    let workload_api = workload_api::settings(&file, folder, notes);
    let mut listens = listens(inbound.as_ref(), &outbound, &tcp, admin);
    listens.extend(transparent::listens(transparent.as_ref()));
    doors::clashes(&listens, notes);
    let log = log_settings(file.log, notes);
    let workers = workers(file.workers, notes);
    let whole = (|| {
        Some(Config {
            admin,
            audit: audit?,
            drain_deadline: Duration::from_millis(file.drain_deadline_ms),
            handshakes,
            identity: identity?,
            inbound,
            log,
            names,
            outbound,
            policy,
            policy_source: policy_source?,
            tcp_inbound: tcp.inbound,
            tcp_outbound: tcp.outbound,
            transparent,
            trust_domain: trust_domain?,
            workers,
            workload_api,
        })
    })();
    mistakes.unless_any(whole)
}

fn handshakes(file: &file::File, notes: &mut Mistakes) -> Handshakes {
    Handshakes {
        most: notes.above_zero("limits.handshakes", file.limits.handshakes),
        of_source: notes.above_zero("limits.source_handshakes", file.limits.source_handshakes),
        sources: doors::sources(&file.limits, notes),
        timeout: Duration::from_millis(notes.above_zero(
            "limits.handshake_timeout_ms",
            file.limits.handshake_timeout_ms,
        )),
    }
}

/// Where we will listen, by the paths that say so.
fn listens(
    inbound: Option<&proxy::Inbound>,
    outbound: &[proxy::Outbound],
    tcp: &tcp::Doors,
    admin: Option<admin::Settings>,
) -> Vec<(String, SocketAddr)> {
    let probes = inbound.and_then(|door| door.probes.as_ref());
    let probes = probes.map(|door| ("inbound.probes.listen".to_owned(), door.listen));
    let inbound = inbound.map(|door| ("inbound.listen".to_owned(), door.listen));
    let outbound = outbound.iter().enumerate();
    let outbound =
        outbound.filter_map(|(at, door)| Some((format!("outbound[{at}].listen"), door.listen?)));
    let admin = admin.map(|window| ("admin.listen".to_owned(), window.listen));
    let inbound = inbound.into_iter().chain(probes);
    let doors = inbound.chain(outbound).chain(tcp.listens());
    doors.chain(admin).collect()
}

/// The services that policies may name: our own, and those that we call.
fn services(
    file: &file::File,
    inbound: Option<&ServiceName>,
    called: impl Iterator<Item = ServiceName>,
    notes: &mut Mistakes,
) -> BTreeMap<ServiceName, Vec<policy::Route>> {
    let mut services: BTreeMap<_, _> = called.map(|service| (service, Vec::new())).collect();
    if let (Some(service), Some(written)) = (inbound, &file.inbound) {
        services.insert(
            service.clone(),
            doors::routes("inbound.routes", &written.routes, notes),
        );
    }
    services
}

pub(super) fn audit_settings(
    written: &file::Audit,
    folder: &Path,
    notes: &mut Mistakes,
) -> Option<audit::Settings> {
    let sink = match (&written.file, written.stdout) {
        (Some(file), false) => audit::Sink::File(folder.join(file)),
        (None, true) => audit::Sink::Stdout,
        (Some(_), true) | (None, false) => {
            notes.add(
                "audit",
                "must have exactly one of `file: PATH` and `stdout: true`",
            );
            return None;
        }
    };
    let queue_records = notes.between(
        "audit.queue_records",
        written.queue_records,
        1,
        MOST_QUEUE_RECORDS,
    );
    let queue_records = NonZeroUsize::new(queue_records)?;
    Some(audit::Settings {
        queue_records,
        ..audit::Settings::new(sink)
    })
}

pub(super) fn log_settings(written: file::Log, notes: &mut Mistakes) -> Log {
    let file::Log { format, level } = written;
    if let Err(error) = EnvFilter::builder().parse(&level) {
        notes.add(
            "log.level",
            format!("`{level}` is neither a level nor a list of directives: {error}"),
        );
    }
    Log { format, level }
}

pub(super) fn admin_settings(
    written: &file::Admin,
    notes: &mut Mistakes,
) -> Option<admin::Settings> {
    let listen = notes.parse::<SocketAddr>("admin.listen", &written.listen)?;
    if !listen.ip().is_loopback() && !written.allow_remote {
        notes.add(
            "admin.listen",
            format!("`{listen}` is not on loopback: say `allow_remote: true` if that is meant"),
        );
    }
    Some(admin::Settings {
        listen,
        ..admin::Settings::default()
    })
}

fn workers(written: Option<usize>, notes: &mut Mistakes) -> usize {
    match written {
        Some(workers @ 1..=MOST_WORKERS) => workers,
        Some(workers) => {
            notes.add(
                "workers",
                format!("must be from 1 to {MOST_WORKERS}, not {workers}"),
            );
            1
        }
        // The system's answer takes a container's CPU limit into account.
        None => std::thread::available_parallelism()
            .map_or(1, NonZeroUsize::get)
            .min(DEFAULT_WORKERS),
    }
}

/// More cores than a sidecar should ever want for itself.
const DEFAULT_WORKERS: usize = 4;
/// Beyond this the kernel spreads connections unevenly, and memory is wasted.
const MOST_WORKERS: usize = 64;
/// Each takes a kilobyte while it waits.
const MOST_QUEUE_RECORDS: usize = 16 * 1024 * 1024;
