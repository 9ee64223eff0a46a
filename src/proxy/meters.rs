//! What the doors count.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use http::StatusCode;
use prometheus::Registry;

use crate::audit::Decision;
use crate::audit::Door;
use crate::metrics::About;
use crate::metrics::Counter;
use crate::metrics::Gauge;
use crate::metrics::Held;
use crate::metrics::Histogram;
use crate::metrics::SECONDS;
use crate::metrics::ShardedCounterVec;
use crate::metrics::ShardedGaugeVec;
use crate::metrics::ShardedHistogramVec;
use crate::policy::ServiceName;
use crate::proxy::gates::Shed;
use crate::proxy::live::LiveMeters;
use crate::proxy::live::LiveMetrics;
use crate::proxy::threshold::LeaseCounts;
use crate::proxy::threshold::Threshold;

/// The doors' metrics, of all workers together. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Metrics {
    connections: ShardedGaugeVec<1>,
    durations: ShardedHistogramVec<2>,
    endpoints_left_out: ShardedCounterVec<2>,
    handshakes: ShardedCounterVec<2>,
    leases: ShardedCounterVec<2>,
    live: LiveMetrics,
    offences: ShardedCounterVec<2>,
    requests: ShardedCounterVec<4>,
    retries: ShardedCounterVec<2>,
    shadowed: ShardedCounterVec<3>,
    shed: ShardedCounterVec<3>,
    streams: ShardedGaugeVec<1>,
}

impl Metrics {
    /// Adds the metrics to `registry`.
    ///
    /// # Errors
    ///
    /// If a name is taken.
    pub fn register(registry: &Registry) -> Result<Self, prometheus::Error> {
        Ok(Self {
            connections: ShardedGaugeVec::register(registry, CONNECTIONS)?,
            durations: ShardedHistogramVec::register(registry, DURATIONS, SECONDS)?,
            endpoints_left_out: ShardedCounterVec::register(registry, ENDPOINTS_LEFT_OUT)?,
            handshakes: ShardedCounterVec::register(registry, HANDSHAKES)?,
            leases: ShardedCounterVec::register(registry, LEASES)?,
            live: LiveMetrics::register(registry)?,
            offences: ShardedCounterVec::register(registry, OFFENCES)?,
            requests: ShardedCounterVec::register(registry, REQUESTS)?,
            retries: ShardedCounterVec::register(registry, RETRIES)?,
            shadowed: ShardedCounterVec::register(registry, SHADOWED)?,
            shed: ShardedCounterVec::register(registry, SHED)?,
            streams: ShardedGaugeVec::register(registry, STREAMS)?,
        })
    }

    /// The calling worker's part of them at one door.
    #[must_use]
    pub fn door(&self, door: Door, service: &ServiceName) -> DoorMeters {
        DoorMeters {
            detours: (door == Door::Outbound).then(|| self.detours(service)),
            duration: self.durations.histogram([door.as_str(), service.as_str()]),
            families: self.clone(),
            labels: (door.as_str(), service.clone()),
            requests: RefCell::default(),
            shadowed: RefCell::default(),
            shed: Shed::ALL
                .into_iter()
                .filter(|why| match door {
                    Door::Edge => *why == Shed::RateLimited,
                    _ => door == Door::Inbound,
                })
                .map(|why| {
                    let labels = [door.as_str(), service.as_str(), why.as_str()];
                    (why, self.shed.counter(labels))
                })
                .collect(),
            streams: self.streams.gauge([door.as_str()]),
            threshold: self.threshold(door),
        }
    }

    /// The calling worker's part of what is counted of what is in flight.
    #[must_use]
    pub fn live(&self) -> LiveMeters {
        self.live.worker()
    }

    fn detours(&self, service: &ServiceName) -> Detours {
        let retries = |why| self.retries.counter([service.as_str(), why]);
        let left_out = |why| self.endpoints_left_out.counter([service.as_str(), why]);
        Detours {
            broken: retries("broken"),
            ejected: left_out("failing"),
            refused: retries("refused"),
            rested: left_out("unreached"),
            unreached: retries("unreached"),
        }
    }

    /// The calling worker's part of what every door counts.
    pub(super) fn threshold(&self, door: Door) -> Threshold {
        Threshold {
            connected: Rc::default(),
            connections: self.connections.gauge([door.as_str()]),
            door,
            handshakes: self.handshakes.clone(),
            leases: LeaseCounts::new(door, self.leases.clone()),
            offences: self.offences.clone(),
        }
    }

    /// How many connections there are at all doors.
    #[must_use]
    pub fn live_connections(&self) -> i64 {
        self.connections.sum()
    }

    /// How many requests are under way at all doors.
    #[must_use]
    pub fn live_streams(&self) -> i64 {
        self.streams.sum()
    }
}

/// Few, and the usual ones soon in front: found sooner than by a hash.
type ByOutcome = Vec<(Outcome, Counter)>;
type Outcome = (Decision, Option<StatusCode>);

/// Why a request is tried once more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Again {
    /// The connection broke.
    Broken,
    /// The other side says that it has not looked at it.
    Refused,
    /// Nobody was reached.
    Unreached,
}

/// What is counted where there are several ways to a destination.
#[derive(Debug)]
struct Detours {
    broken: Counter,
    ejected: Counter,
    refused: Counter,
    rested: Counter,
    unreached: Counter,
}

/// One worker's counters at one door.
#[derive(Debug)]
pub struct DoorMeters {
    /// None where requests have one way only.
    detours: Option<Detours>,
    duration: Histogram,
    families: Metrics,
    labels: (&'static str, ServiceName),
    /// Looked up once for each outcome that occurs.
    requests: RefCell<ByOutcome>,
    /// As those.
    shadowed: RefCell<Vec<(Decision, Counter)>>,
    /// At doors for others only, and of what there is for them.
    shed: Vec<(Shed, Counter)>,
    streams: Gauge,
    threshold: Threshold,
}

impl DoorMeters {
    pub(super) const fn threshold(&self) -> &Threshold {
        &self.threshold
    }

    /// Counts a request under way until the answer is dropped.
    pub(super) fn in_flight(&self) -> Held {
        self.streams.hold()
    }

    /// Counts how a connection began; `result` is `ok` or a stable reason.
    pub(super) fn handshake(&self, result: &str) {
        self.threshold.handshake(result);
    }

    /// Counts that a request is tried once more.
    pub(super) fn tried_again(&self, why: Again) {
        if let Some(detours) = &self.detours {
            match why {
                Again::Broken => detours.broken.inc(),
                Again::Refused => detours.refused.inc(),
                Again::Unreached => detours.unreached.inc(),
            }
        }
    }

    /// Counts an endpoint that is left out for a while because it fails.
    pub(super) fn ejected(&self) {
        if let Some(detours) = &self.detours {
            detours.ejected.inc();
        }
    }

    /// Counts an endpoint that is left out for a while because it was not reached.
    pub(super) fn rested(&self) {
        if let Some(detours) = &self.detours {
            detours.rested.inc();
        }
    }

    /// Counts a request that has ended after `duration`.
    pub(super) fn ended(&self, decision: Decision, status: Option<StatusCode>, duration: Duration) {
        self.count(decision, status);
        self.duration.observe(duration);
    }

    /// Counts a request that came too often, or at a bad time.
    pub(super) fn shed(&self, why: Shed) {
        for (_, counter) in self.shed.iter().filter(|(of, _)| *of == why) {
            counter.inc();
        }
    }

    /// Counts a request on which shadow policies would have `decided` otherwise.
    pub(super) fn shadowed(&self, decided: Decision) {
        let mut shadowed = self.shadowed.borrow_mut();
        if let Some((_, counter)) = shadowed.iter().find(|(known, _)| *known == decided) {
            return counter.inc();
        }
        let (door, service) = (self.labels.0, self.labels.1.as_str());
        let labels = [door, service, decided.as_str()];
        let counter = self.families.shadowed.counter(labels);
        counter.inc();
        shadowed.push((decided, counter));
    }

    /// Counts a request that was not even begun.
    pub(super) fn turned_away(&self, status: StatusCode) {
        self.count(Decision::Refuse, Some(status));
    }

    fn count(&self, decision: Decision, status: Option<StatusCode>) {
        let outcome = (decision, status);
        let mut requests = self.requests.borrow_mut();
        if let Some((_, counter)) = requests.iter().find(|(known, _)| *known == outcome) {
            counter.inc();
            return;
        }
        let code = status.as_ref().map_or("none", StatusCode::as_str);
        let counter = self.families.requests.counter([
            self.labels.0,
            self.labels.1.as_str(),
            decision.as_str(),
            code,
        ]);
        counter.inc();
        requests.push((outcome, counter));
    }
}

const CONNECTIONS: About<1> = About {
    name: "portreeve_connections",
    help: "Connections that callers hold.",
    labels: ["door"],
    most_series: 4,
};

const DURATIONS: About<2> = About {
    name: "portreeve_request_duration_seconds",
    help: "From a request's head to the last byte of its response.",
    labels: ["door", "service"],
    most_series: 256,
};

const ENDPOINTS_LEFT_OUT: About<2> = About {
    name: "portreeve_endpoint_ejections_total",
    help: "How often a worker left an endpoint out for a while.",
    labels: ["service", "reason"],
    most_series: 256,
};

const HANDSHAKES: About<2> = About {
    name: "portreeve_handshakes_total",
    help: "Connections by how they began.",
    labels: ["door", "result"],
    most_series: 128,
};

const LEASES: About<2> = About {
    name: "portreeve_leases_total",
    help: "Attempts to prove who is at the ends of a connection once more, by how they ended.",
    labels: ["door", "result"],
    most_series: 128,
};

const OFFENCES: About<2> = About {
    name: "portreeve_offences_total",
    help: "Connections that were closed for what the caller did, by reason.",
    labels: ["door", "reason"],
    most_series: 128,
};

const REQUESTS: About<4> = About {
    name: "portreeve_requests_total",
    help: "Requests that have ended, by decision and by the status that the caller got.",
    labels: ["door", "service", "decision", "code"],
    most_series: 2048,
};

const RETRIES: About<2> = About {
    name: "portreeve_retries_total",
    help: "How often a request was tried once more, by why.",
    labels: ["service", "reason"],
    most_series: 256,
};

const SHADOWED: About<3> = About {
    name: "portreeve_shadow_decisions_total",
    help: "Requests that would have been decided otherwise if shadow policies were enforced.",
    labels: ["door", "service", "decision"],
    most_series: 256,
};

const SHED: About<3> = About {
    name: "portreeve_shed_requests_total",
    help: "Requests that came too often, or when the application could not take them.",
    labels: ["door", "service", "reason"],
    most_series: 256,
};

const STREAMS: About<1> = About {
    name: "portreeve_streams",
    help: "Requests under way.",
    labels: ["door"],
    most_series: 4,
};
