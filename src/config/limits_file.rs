//! The limits of the doors as they are written.
//!
//! Each default has its reason beside it; `doors` turns them into settings or
//! says what is wrong.

use schemars::JsonSchema;
use serde::Deserialize;

/// What every door keeps to.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Limits {
    /// How long what is under way at the doors for other workloads may go on when its caller's certificate has ended, in milliseconds: 0 to 3600000. It is recorded.
    pub(super) certificate_grace_ms: u64,
    /// How long reaching a destination may take, in milliseconds.
    pub(super) connect_timeout_ms: u64,
    /// What one HTTP/2 connection may have in our hands, in bytes.
    pub(super) connection_window_bytes: u32,
    /// Connections of a worker at one door.
    pub(super) connections: usize,
    /// How long a TLS handshake may take, in milliseconds.
    pub(super) handshake_timeout_ms: u64,
    /// TLS handshakes under way, of all workers.
    pub(super) handshakes: usize,
    /// How long a request's head may take, which is also how long an HTTP/1 connection may be idle, in milliseconds.
    pub(super) header_read_timeout_ms: u64,
    /// The largest head of a message, in bytes.
    pub(super) header_bytes: usize,
    /// Header fields of a message.
    pub(super) headers: usize,
    /// How long an HTTP/2 connection without streams is kept, in milliseconds.
    pub(super) idle_timeout_ms: u64,
    /// How long a request body may stand still before there is a response, in milliseconds.
    pub(super) request_idle_timeout_ms: u64,
    /// What must come of a request body in each second that it is waited for, in bytes; 0 for no such limit. gRPC is exempt, and so is what comes once there is a response.
    pub(super) request_min_bytes_per_s: u32,
    /// How much longer than that a request body is waited for, all in all, in milliseconds.
    pub(super) request_min_grace_ms: u64,
    /// How long the head of a response may take, in milliseconds.
    pub(super) response_timeout_ms: u64,
    /// Connections that one address, or one IPv6 network of 64 bits, may have at all doors for other workloads together, from 1 to 4294967295.
    pub(super) source_connections: u32,
    /// New connections of one address in a second, from 1 to 1000000; twice as many may come at once.
    pub(super) source_connections_per_s: u32,
    /// TLS handshakes of one address under way, of all workers; never more than are left for others.
    pub(super) source_handshakes: usize,
    /// How long a response, a stream or an upgraded connection may be silent, in milliseconds.
    pub(super) stream_idle_timeout_ms: u64,
    /// What one HTTP/2 stream may have in our hands, in bytes.
    pub(super) stream_window_bytes: u32,
    /// Concurrent streams of one HTTP/2 connection.
    pub(super) streams: u32,
    /// The longest path with its query, in bytes.
    pub(super) uri_bytes: usize,
    /// How long a write may be stuck because the other side does not read, in milliseconds.
    pub(super) write_stall_timeout_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Who renews in time and is a sidecar needs none.
            certificate_grace_ms: 0,
            // A SYN that is lost twice is sent again after 3 s.
            connect_timeout_ms: 5_000,
            // Sixteen streams at their full window.
            connection_window_bytes: 4 * 1024 * 1024,
            // 40 KB each: 400 MB at the worst.
            connections: 10_000,
            // A caller on another continent needs one second.
            handshake_timeout_ms: 5_000,
            // A core does 2,000 a second: an eighth of a second of work.
            handshakes: 256,
            // hyper's own default. Slow heads are bounded by `connections`.
            header_read_timeout_ms: 30_000,
            // Kerberos tickets and big cookies fit; Envoy takes 60 KiB.
            header_bytes: 64 * 1024,
            // Envoy's and hyper's own.
            headers: 100,
            idle_timeout_ms: 600_000,
            request_idle_timeout_ms: 60_000,
            // Kestrel's, which exempts streams of gRPC, too. Apache has 500; nginx, HAProxy and Envoy know only silence.
            request_min_bytes_per_s: 240,
            // Twice Kestrel's, for those on a bad line.
            request_min_grace_ms: 10_000,
            // nginx' and HAProxy's usual.
            response_timeout_ms: 60_000,
            // A gateway may bring nearly all callers, and leaves some places.
            source_connections: 8_000,
            // What a core could shake hands with if it did nothing else.
            source_connections_per_s: 2_000,
            // Half of all.
            source_handshakes: 128,
            // Envoy's stream idle timeout.
            stream_idle_timeout_ms: 300_000,
            // A gigabit at 2 ms.
            stream_window_bytes: 256 * 1024,
            // h2's and nginx' usual, twice.
            streams: 256,
            // nginx' and Apache's.
            uri_bytes: 8_192,
            write_stall_timeout_ms: 60_000,
        }
    }
}
