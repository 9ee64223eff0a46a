//! Each part of the file into the settings of the room that it is for.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use crate::admin;
use crate::config::Config;
use crate::config::EdgeConfig;
use crate::config::Handshakes;
use crate::config::Log;
use crate::config::Mistake;
use crate::config::Mistakes;
use crate::config::audit;
use crate::config::doors;
use crate::config::edge;
use crate::config::file;
use crate::config::hatch;
use crate::config::identity;
use crate::config::inbound;
use crate::config::outbound;
use crate::config::policies;
use crate::config::tcp;
use crate::config::transparent;
use crate::config::workload_api;
use crate::id::TrustDomain;
use crate::policy;
use crate::policy::ProviderName;
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
    let names = outbound::names(&file.names, notes);
    let doors = Doors::read(&file, limits, folder, notes);
    let services = doors.services(&file, notes);
    let at = (trust_domain.as_ref(), folder);
    let mut policy = policies::of_sidecar(&file, services, at, notes);
    policy.providers = doors.providers();
    let policy_source = policies::source(&file.policy, &mut identity, folder, notes);
    let audit = audit::settings(&file.audit, folder, notes);
    let admin = file.admin.as_ref();
    let admin = admin.and_then(|admin| admin_settings((&admin.listen, admin.allow_remote), notes));
    let workload_api = workload_api::settings(&file, folder, notes);
    let hatch = hatch::settings(&file, folder, notes);
    doors::clashes(&doors.listens(admin), notes);
    let log = log_settings(file.log, notes);
    let workers = workers(file.workers, notes);
    let whole = (|| {
        Some(Config {
            admin,
            audit: audit?,
            drain_deadline: Duration::from_millis(file.drain_deadline_ms),
            edge: doors.edge.map(|edge| edge.reading(&policy.claims)),
            handshakes,
            hatch,
            identity: identity?,
            inbound: doors.inbound,
            log,
            names,
            outbound: doors.outbound,
            policy,
            policy_source: policy_source?,
            tcp_inbound: doors.tcp.inbound,
            tcp_outbound: doors.tcp.outbound,
            transparent: doors.transparent,
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

/// All doors of a sidecar.
struct Doors {
    edge: Option<EdgeConfig>,
    inbound: Option<proxy::Inbound>,
    outbound: Vec<proxy::Outbound>,
    tcp: tcp::Doors,
    transparent: Option<proxy::Transparent>,
}

impl Doors {
    fn read(file: &file::File, limits: proxy::Limits, folder: &Path, notes: &mut Mistakes) -> Self {
        let inbound = file.inbound.as_ref();
        let inbound = inbound.and_then(|door| inbound::door(door, limits, folder, notes));
        let outbound = outbound::doors(&file.outbound, limits, notes);
        let tcp = tcp::doors(file.tcp.as_ref(), limits, folder, notes);
        let transparent = transparent::settings(file, limits, (&outbound, &tcp), notes);
        let beside = edge::Beside {
            folder,
            limits,
            outbound: &outbound,
        };
        let edge = file.edge.as_ref();
        let edge = edge.and_then(|door| edge::door(door, beside, notes));
        let has_none = file.inbound.is_none() && file.outbound.is_empty();
        if has_none && file.tcp.is_none() && file.edge.is_none() {
            notes.add(
                "",
                "there is neither `inbound` nor `outbound` nor `tcp` nor `edge`: nothing would be served",
            );
        }
        Self {
            edge,
            inbound,
            outbound,
            tcp,
            transparent,
        }
    }

    /// The services that policies may name: our own, those that we call, and
    /// those that people come to.
    fn services(
        &self,
        file: &file::File,
        notes: &mut Mistakes,
    ) -> BTreeMap<ServiceName, Vec<policy::Route>> {
        let ways = self.transparent.iter().flat_map(|door| &door.passthrough);
        let people = self.edge.iter().flat_map(|edge| &edge.door.routes);
        let called = self.outbound.iter().map(|door| &door.service);
        let called = called
            .chain(self.tcp.services())
            .chain(ways.map(|way| &way.service))
            .chain(people.map(|route| &route.service));
        let mut services: BTreeMap<_, _> = called
            .map(|service| (service.clone(), Vec::new()))
            .collect();
        if let (Some(door), Some(written)) = (&self.inbound, &file.inbound) {
            services.insert(
                door.service.clone(),
                doors::routes("inbound.routes", &written.routes, notes),
            );
        }
        services
    }

    /// Who signs people in, or vouches for programs.
    fn providers(&self) -> BTreeSet<ProviderName> {
        let providers = self.edge.iter().flat_map(|edge| &edge.providers);
        providers.map(|provider| provider.name.clone()).collect()
    }

    /// Where we will listen, by the paths that say so.
    fn listens(&self, admin: Option<admin::Settings>) -> Vec<(String, SocketAddr)> {
        let probes = self.inbound.as_ref().and_then(|door| door.probes.as_ref());
        let probes = probes.map(|door| ("inbound.probes.listen".to_owned(), door.listen));
        let inbound = self.inbound.as_ref();
        let inbound = inbound.map(|door| ("inbound.listen".to_owned(), door.listen));
        let outbound = self.outbound.iter().enumerate();
        let outbound = outbound
            .filter_map(|(at, door)| Some((format!("outbound[{at}].listen"), door.listen?)));
        let edge = self.edge.as_ref();
        let edge = edge.map(|edge| ("edge.listen".to_owned(), edge.door.listen));
        let admin = admin.map(|window| ("admin.listen".to_owned(), window.listen));
        let doors = inbound.into_iter().chain(probes).chain(outbound);
        let doors = doors.chain(self.tcp.listens()).chain(admin).chain(edge);
        doors
            .chain(transparent::listens(self.transparent.as_ref()))
            .collect()
    }
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

/// `listen` is where it is to listen, with whether that may be elsewhere than on loopback.
pub(super) fn admin_settings(
    (listen, allow_remote): (&str, bool),
    notes: &mut Mistakes,
) -> Option<admin::Settings> {
    let listen = notes.parse::<SocketAddr>("admin.listen", listen)?;
    if !listen.ip().is_loopback() && !allow_remote {
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
