//! What the doors need to know, already checked.

use std::net::SocketAddr;
use std::time::Duration;

use crate::id::SpiffeId;
use crate::net::AppAddress;
use crate::net::Captured;
use crate::policy::ServiceName;
use crate::proxy::activity::Silence;
use crate::proxy::app_watch::AppReady;
use crate::proxy::balancers::Balancers;
use crate::proxy::gates::RateLimit;
use crate::proxy::path::Latitude;
use crate::proxy::probes::Probes;
use crate::proxy::upstream::Balancing;
use crate::tls::Protocol;

/// What every door keeps to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long what is under way at a door for other workloads may go on when
    /// its caller's certificate has ended.
    pub certificate_grace: Duration,
    /// How long reaching the destination may take.
    pub connect: Duration,
    /// What one HTTP/2 connection may send before we have handed it on, in bytes.
    pub connection_window_bytes: u32,
    /// The most connections that a worker holds at one door.
    pub connections: usize,
    /// How long a caller may take to prove who it is, in each step that there is for it.
    pub handshake: Duration,
    /// How long a request's head may take, and how long an HTTP/1 connection may be idle before it.
    pub header_read: Duration,
    /// The largest request or response head, in bytes.
    pub header_bytes: usize,
    /// The most header fields.
    pub headers: usize,
    /// How long an HTTP/2 connection without streams is kept.
    pub idle: Duration,
    /// How long an exchange may be silent.
    pub silence: Silence,
    /// What one HTTP/2 stream may send before we have handed it on, in bytes.
    pub stream_window_bytes: u32,
    /// The most concurrent streams on one HTTP/2 connection.
    pub streams: u32,
    /// The longest path with its query, in bytes.
    pub uri_bytes: usize,
    /// How long a write may be stuck because the other side does not read.
    pub write_stall: Duration,
}

impl Limits {
    /// What one HTTP/2 stream may have waiting to be written, in bytes: eight
    /// full TLS records, so that a stalled connection holds little.
    pub(super) const SEND_BUFFER_BYTES: usize = 128 * 1024;

    /// What the HTTP/2 layer takes of a head, as it counts: more than
    /// [`Limits::header_bytes`], because what it refuses nobody can record.
    pub(super) fn header_list_bytes(&self) -> u32 {
        u32::try_from(self.header_bytes.saturating_mul(2)).unwrap_or(u32::MAX)
    }
}

/// The door for other workloads.
#[derive(Clone, Debug)]
pub struct Inbound {
    /// Where our application is.
    pub app: AppAddress,
    /// How long an unused connection to the application is kept.
    pub app_idle: Duration,
    /// What the application speaks.
    pub app_protocol: Protocol,
    /// How it is asked whether it is ready; none if it is not asked.
    pub app_ready: Option<AppReady>,
    /// How many requests it may have at a time, of all workers; none for as many as come.
    pub concurrent_requests: Option<usize>,
    /// Who may say that a connection is from somebody else.
    pub balancers: Balancers,
    /// The door's limits.
    pub limits: Limits,
    /// Where other sidecars connect to us. Port 0 lets the system choose.
    pub listen: SocketAddr,
    /// What may be asked of it without a certificate, at a door of its own.
    pub probes: Option<Probes>,
    /// How often callers may ask. The first that is for a caller counts.
    pub rate_limits: Vec<RateLimit>,
    /// What paths may have.
    pub latitude: Latitude,
    /// What our application is called in policies.
    pub service: ServiceName,
}

/// A door for our own application, to one other workload.
#[derive(Clone, Debug)]
pub struct Outbound {
    /// How its endpoints are used.
    pub balancing: Balancing,
    /// The destinations that connections are redirected from, see [`Transparent`].
    pub captures: Vec<Captured>,
    /// Who may be at the other end. Never empty.
    pub expect: Vec<SpiffeId>,
    /// The door's limits.
    pub limits: Limits,
    /// Where our application connects to us, unless it is always redirected. Port 0 lets the system choose.
    pub listen: Option<SocketAddr>,
    /// What paths may have.
    pub latitude: Latitude,
    /// What the other workload is called in policies.
    pub service: ServiceName,
    /// Where the other sidecar is, `host:port`.
    pub to: String,
}

/// A door for other workloads, to an application that speaks in its own way.
#[derive(Clone, Debug)]
pub struct TcpInbound {
    /// Where our application is.
    pub app: AppAddress,
    /// Who may say that a connection is from somebody else.
    pub balancers: Balancers,
    /// The door's limits. How long a connection may be silent is that of streams.
    pub limits: Limits,
    /// Where other sidecars connect to us. Port 0 lets the system choose.
    pub listen: SocketAddr,
    /// What our application is called in policies.
    pub service: ServiceName,
}

/// A door for our own application, to one other workload that speaks in its own way.
#[derive(Clone, Debug)]
pub struct TcpOutbound {
    /// The destinations that connections are redirected from, see [`Transparent`].
    pub captures: Vec<Captured>,
    /// Who may be at the other end. Never empty.
    pub expect: Vec<SpiffeId>,
    /// The door's limits. How long a connection may be silent is that of streams.
    pub limits: Limits,
    /// Where our application connects to us, unless it is always redirected. Port 0 lets the system choose.
    pub listen: Option<SocketAddr>,
    /// What the other workload is called in policies.
    pub service: ServiceName,
    /// Where the other sidecar is, `host:port`.
    pub to: String,
}

/// Where connections come that our application dialled elsewhere.
#[derive(Clone, Debug)]
pub struct Transparent {
    /// The limits. How long a connection in the clear may be silent is that of streams.
    pub limits: Limits,
    /// Where the firewall redirects them to. Port 0 lets the system choose.
    pub listen: Vec<SocketAddr>,
    /// What may leave in the clear.
    pub passthrough: Vec<Passthrough>,
}

/// Destinations that may be reached in the clear, if the policy agrees.
#[derive(Clone, Debug)]
pub struct Passthrough {
    /// The destinations.
    pub captures: Vec<Captured>,
    /// What policies call all of them.
    pub service: ServiceName,
}
