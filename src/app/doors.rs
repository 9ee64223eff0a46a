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
    inbound: Vec<Bound>,
    /// By door, then by worker.
    outbound: Vec<Vec<Bound>>,
    /// The same.
    tcp_inbound: Vec<Vec<Bound>>,
    /// The same.
    tcp_outbound: Vec<Vec<Bound>>,
    workers: usize,
}

impl Doors {
    pub(super) fn bind(config: &Config, workers: usize) -> Result<Self, BindError> {
        let inbound = match &config.inbound {
            Some(door) => net::bind(door.listen, workers)?,
            None => Vec::new(),
        };
        let outbound = config
            .outbound
            .iter()
            .map(|door| net::bind(door.listen, workers));
        let (inbound_doors, outbound_doors) = (&config.tcp_inbound, &config.tcp_outbound);
        let tcp_inbound = inbound_doors
            .iter()
            .map(|door| net::bind(door.listen, workers));
        let tcp_outbound = outbound_doors
            .iter()
            .map(|door| net::bind(door.listen, workers));
        Ok(Self {
            inbound,
            outbound: outbound.collect::<Result<_, _>>()?,
            tcp_inbound: tcp_inbound.collect::<Result<_, _>>()?,
            tcp_outbound: tcp_outbound.collect::<Result<_, _>>()?,
            workers,
        })
    }

    pub(super) fn addresses(&self) -> Addresses {
        Addresses {
            admin: None,
            inbound: self.inbound.first().map(Bound::address),
            outbound: addresses(&self.outbound),
            tcp_inbound: addresses(&self.tcp_inbound),
            tcp_outbound: addresses(&self.tcp_outbound),
        }
    }

    /// The same for the operator, with where each door leads.
    pub(super) fn listeners(&self, config: &Config) -> Vec<admin::Listener> {
        let addresses = self.addresses();
        let inbound = addresses.inbound.zip(config.inbound.as_ref());
        let inbound = inbound.map(|(address, door)| admin::Listener {
            door: "inbound",
            address,
            to: Some(door.app.to_string()),
        });
        let outbound = addresses.outbound.into_iter().zip(&config.outbound);
        let outbound = outbound.map(|(address, door)| admin::Listener {
            door: "outbound",
            address,
            to: Some(door.to.clone()),
        });
        let tcp_inbound = addresses.tcp_inbound.into_iter().zip(&config.tcp_inbound);
        let tcp_inbound = tcp_inbound.map(|(address, door)| admin::Listener {
            door: "tcp inbound",
            address,
            to: Some(door.app.to_string()),
        });
        let tcp_outbound = addresses.tcp_outbound.into_iter().zip(&config.tcp_outbound);
        let tcp_outbound = tcp_outbound.map(|(address, door)| admin::Listener {
            door: "tcp outbound",
            address,
            to: Some(door.to.clone()),
        });
        let tcp = tcp_inbound.chain(tcp_outbound);
        inbound.into_iter().chain(outbound).chain(tcp).collect()
    }

    /// Hands each worker its sockets.
    pub(super) fn into_workers(self, common: &Common, log: &Log) -> Vec<Worker> {
        let mut inbound = self.inbound.into_iter();
        let [mut outbound, mut tcp_inbound, mut tcp_outbound] =
            [self.outbound, self.tcp_inbound, self.tcp_outbound].map(Dealt::new);
        let workers = (0..self.workers).filter_map(|at| {
            Some(Worker {
                common: common.clone(),
                inbound: inbound.next(),
                log: log.shard(at)?,
                outbound: outbound.deal(),
                tcp_inbound: tcp_inbound.deal(),
                tcp_outbound: tcp_outbound.deal(),
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

/// Sockets by door, to be handed out by worker.
struct Dealt(Vec<std::vec::IntoIter<Bound>>);

impl Dealt {
    fn new(doors: Vec<Vec<Bound>>) -> Self {
        Self(doors.into_iter().map(Vec::into_iter).collect())
    }

    /// One of each door.
    fn deal(&mut self) -> Vec<Bound> {
        self.0.iter_mut().filter_map(Iterator::next).collect()
    }
}
