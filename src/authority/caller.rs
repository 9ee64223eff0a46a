//! Who is on one connection to the authority.

use std::net::SocketAddr;

use crate::tls::Exporter;
use crate::tls::Peer;

/// Whoever is at the other end. Each request of a connection knows it.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) source: SocketAddr,
    /// The certificate that it showed, if any. It may have ended.
    pub(super) peer: Option<Peer>,
    pub(super) exporter: Exporter,
}
