//! What the doors for TCP count.

use prometheus::Registry;

use crate::audit::Decision;
use crate::audit::Door;
use crate::metrics::About;
use crate::metrics::Counter;
use crate::metrics::ShardedCounterVec;
use crate::policy::ServiceName;
use crate::proxy::meters::Metrics;
use crate::proxy::threshold::Threshold;

/// The metrics of TCP connections, of all workers together. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct TcpMetrics {
    bytes: ShardedCounterVec<3>,
    connections: ShardedCounterVec<3>,
}

impl TcpMetrics {
    /// Adds the metrics to `registry`.
    ///
    /// # Errors
    ///
    /// If a name is taken.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        Ok(Self {
            bytes: ShardedCounterVec::register(registry, BYTES)?,
            connections: ShardedCounterVec::register(registry, CONNECTIONS)?,
        })
    }

    /// The calling worker's part of them at one door. What all doors count is in `metrics`.
    #[must_use]
    pub fn door(&self, door: Door, service: &ServiceName, metrics: &Metrics) -> TcpMeters {
        let labels = [door.as_str(), service.as_str()];
        let bytes = |direction| self.bytes.counter([labels[0], labels[1], direction]);
        TcpMeters {
            bytes_in: bytes("in"),
            bytes_out: bytes("out"),
            families: self.clone(),
            labels: (door.as_str(), service.clone()),
            threshold: metrics.threshold(door),
        }
    }
}

/// One worker's counters at one door.
#[derive(Debug)]
pub struct TcpMeters {
    bytes_in: Counter,
    bytes_out: Counter,
    families: TcpMetrics,
    labels: (&'static str, ServiceName),
    threshold: Threshold,
}

impl TcpMeters {
    pub(super) const fn threshold(&self) -> &Threshold {
        &self.threshold
    }

    /// Counts bytes from the caller.
    pub(super) fn passed_in(&self, bytes: usize) {
        self.bytes_in.add(bytes as u64);
    }

    /// Counts bytes to the caller.
    pub(super) fn passed_out(&self, bytes: usize) {
        self.bytes_out.add(bytes as u64);
    }

    /// Counts a connection that has ended.
    pub(super) fn ended(&self, decision: Decision) {
        let (door, service) = (self.labels.0, self.labels.1.as_str());
        let labels = [door, service, decision.as_str()];
        self.families.connections.counter(labels).inc();
    }
}

const BYTES: About<3> = About {
    name: "portreeve_tcp_bytes_total",
    help: "Bytes of TCP connections, from the caller (in) and to it (out).",
    labels: ["door", "service", "direction"],
    most_series: 256,
};

const CONNECTIONS: About<3> = About {
    name: "portreeve_tcp_connections_total",
    help: "TCP connections that have ended, by decision.",
    labels: ["door", "service", "decision"],
    most_series: 256,
};
