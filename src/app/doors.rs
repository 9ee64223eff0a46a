//! The ports of a sidecar, taken before anything is served on them.

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
        Ok(Self {
            inbound,
            outbound: outbound.collect::<Result<_, _>>()?,
            workers,
        })
    }

    pub(super) fn addresses(&self) -> Addresses {
        Addresses {
            admin: None,
            inbound: self.inbound.first().map(Bound::address),
            outbound: self
                .outbound
                .iter()
                .filter_map(|door| door.first())
                .map(Bound::address)
                .collect(),
        }
    }

    /// The same for the operator, with where each door leads.
    pub(super) fn listeners(&self, config: &Config) -> Vec<admin::Listener> {
        let addresses = self.addresses();
        let inbound = addresses.inbound.zip(config.inbound.as_ref());
        let inbound = inbound.map(|(address, door)| admin::Listener {
            door: "inbound",
            address,
            to: Some(door.app.clone()),
        });
        let outbound = addresses.outbound.into_iter().zip(&config.outbound);
        let outbound = outbound.map(|(address, door)| admin::Listener {
            door: "outbound",
            address,
            to: Some(door.to.clone()),
        });
        inbound.into_iter().chain(outbound).collect()
    }

    /// Hands each worker its sockets.
    pub(super) fn into_workers(self, common: &Common, log: &Log) -> Vec<Worker> {
        let mut inbound = self.inbound.into_iter();
        let mut outbound: Vec<_> = self.outbound.into_iter().map(Vec::into_iter).collect();
        let workers = (0..self.workers).filter_map(|at| {
            Some(Worker {
                common: common.clone(),
                inbound: inbound.next(),
                log: log.shard(at)?,
                outbound: outbound.iter_mut().filter_map(Iterator::next).collect(),
            })
        });
        workers.collect()
    }
}
