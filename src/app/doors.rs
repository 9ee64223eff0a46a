//! The ports of a sidecar, taken before anything is served on them.

use std::net::SocketAddr;

use crate::admin;
use crate::app::running::Addresses;
use crate::app::worker::Common;
use crate::app::worker::Worker;
use crate::audit::Log;
use crate::config::Config;
use crate::net;
use crate::net::BindError;
use crate::net::Bound;

/// One socket of each door for each worker.
#[derive(Debug)]
pub(super) struct Doors {
    edge: Vec<Bound>,
    inbound: Vec<Bound>,
    /// By door, then by worker; none of a door that only redirected connections come to.
    outbound: Vec<Vec<Bound>>,
    /// At one worker: few come.
    probes: Option<Bound>,
    /// By door, then by worker.
    tcp_inbound: Vec<Vec<Bound>>,
    /// The same.
    tcp_outbound: Vec<Vec<Bound>>,
    /// By address, then by worker.
    transparent: Vec<Vec<Bound>>,
    workers: usize,
}

impl Doors {
    pub(super) fn bind(config: &Config, workers: usize) -> Result<Self, BindError> {
        let inbound = match &config.inbound {
            Some(door) => net::bind(door.listen, workers)?,
            None => Vec::new(),
        };
        let edge = match &config.edge {
            Some(edge) => net::bind(edge.door.listen, workers)?,
            None => Vec::new(),
        };
        let take = |listen| net::bind(listen, workers);
        let may_take = |listen: Option<_>| listen.map_or_else(|| Ok(Vec::new()), take);
        let outbound = config.outbound.iter().map(|door| may_take(door.listen));
        let tcp_inbound = config.tcp_inbound.iter().map(|door| take(door.listen));
        let tcp_outbound = config.tcp_outbound.iter();
        let tcp_outbound = tcp_outbound.map(|door| may_take(door.listen));
        let transparent = config.transparent.iter();
        let transparent = transparent.flat_map(|door| door.listen.iter().copied().map(take));
        let probes = config.inbound.as_ref();
        let probes = match probes.and_then(|door| door.probes.as_ref()) {
            Some(door) => net::bind(door.listen, 1)?.pop(),
            None => None,
        };
        Ok(Self {
            edge,
            inbound,
            outbound: outbound.collect::<Result<_, _>>()?,
            probes,
            tcp_inbound: tcp_inbound.collect::<Result<_, _>>()?,
            tcp_outbound: tcp_outbound.collect::<Result<_, _>>()?,
            transparent: transparent.collect::<Result<_, _>>()?,
            workers,
        })
    }

    pub(super) fn addresses(&self) -> Addresses {
        Addresses {
            admin: None,
            edge: self.edge.first().map(Bound::address),
            inbound: self.inbound.first().map(Bound::address),
            outbound: addresses(&self.outbound),
            probes: self.probes.as_ref().map(Bound::address),
            tcp_inbound: addresses(&self.tcp_inbound),
            tcp_outbound: addresses(&self.tcp_outbound),
            transparent: addresses(&self.transparent),
        }
    }

    /// The same for the operator, with where each door leads.
    pub(super) fn listeners(&self, config: &Config) -> Vec<admin::Listener> {
        let edge = self.edge.first();
        let edge = edge.map(|bound| listener("edge", bound, None::<&String>));
        let inbound = self.inbound.first().zip(config.inbound.as_ref());
        let inbound = inbound.map(|(bound, door)| listener("inbound", bound, Some(&door.app)));
        let probes = self.probes.iter().zip(config.inbound.as_ref());
        let probes = probes.map(|(bound, door)| listener("probes", bound, Some(&door.app)));
        let tos = config.outbound.iter().map(|door| &door.to);
        let outbound = those_bound("outbound", &self.outbound, tos);
        let apps = config.tcp_inbound.iter().map(|door| &door.app);
        let tcp_inbound = those_bound("tcp inbound", &self.tcp_inbound, apps);
        let tos = config.tcp_outbound.iter().map(|door| &door.to);
        let tcp_outbound = those_bound("tcp outbound", &self.tcp_outbound, tos);
        let transparent = self.transparent.iter().filter_map(|door| door.first());
        let transparent = transparent.map(|bound| listener("transparent", bound, None::<&String>));
        let tcp = tcp_inbound.chain(tcp_outbound).chain(transparent);
        let inbound = edge.into_iter().chain(inbound).chain(probes);
        inbound.chain(outbound).chain(tcp).collect()
    }

    /// Hands each worker its sockets.
    pub(super) fn into_workers(self, common: &Common, log: &Log) -> Vec<Worker> {
        let mut edge = self.edge.into_iter();
        let mut inbound = self.inbound.into_iter();
        let mut probes = self.probes;
        let [mut outbound, mut tcp_inbound, mut tcp_outbound] =
            [self.outbound, self.tcp_inbound, self.tcp_outbound].map(Dealt::new);
        let mut transparent = Dealt::new(self.transparent);
        let workers = (0..self.workers).filter_map(|at| {
            Some(Worker {
                common: common.clone(),
                edge: edge.next(),
                inbound: inbound.next(),
                log: log.shard(at)?,
                outbound: outbound.deal(),
                probes: probes.take(),
                tcp_inbound: tcp_inbound.deal(),
                tcp_outbound: tcp_outbound.deal(),
                transparent: transparent.deal(),
            })
        });
        workers.collect()
    }
}

/// Where each of several doors is.
fn addresses(doors: &[Vec<Bound>]) -> Vec<SocketAddr> {
    let firsts = doors.iter().filter_map(|door| door.first());
    firsts.map(Bound::address).collect()
}

fn listener(door: &'static str, bound: &Bound, to: Option<&impl ToString>) -> admin::Listener {
    admin::Listener {
        door,
        address: bound.address(),
        to: to.map(ToString::to_string),
    }
}

/// The doors that listen, each with where it leads.
fn those_bound<'a>(
    door: &'static str,
    bound: &'a [Vec<Bound>],
    tos: impl Iterator<Item = &'a (impl ToString + 'a)>,
) -> impl Iterator<Item = admin::Listener> {
    let doors = bound.iter().zip(tos);
    doors.filter_map(move |(sockets, to)| Some(listener(door, sockets.first()?, Some(to))))
}

/// Sockets by door, to be handed out by worker.
struct Dealt(Vec<std::vec::IntoIter<Bound>>);

impl Dealt {
    fn new(doors: Vec<Vec<Bound>>) -> Self {
        Self(doors.into_iter().map(Vec::into_iter).collect())
    }

    /// One of each door, where it has any.
    fn deal(&mut self) -> Vec<Option<Bound>> {
        self.0.iter_mut().map(Iterator::next).collect()
    }
}
