//! Socket options that every connection wants.

use std::time::Duration;

use socket2::SockRef;
use socket2::TcpKeepalive;
use tokio::net::TcpStream;

/// No Nagle delay, and a peer that vanished is noticed within half a minute.
///
/// Options are wishes: a socket that refuses one (because it was closed
/// meanwhile) fails at its next use, which is reported there.
pub(super) fn connection(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE)
        .with_interval(KEEPALIVE_INTERVAL);
    let outcomes = [
        socket.set_tcp_nodelay(true),
        socket.set_tcp_keepalive(&keepalive),
        socket.set_tcp_user_timeout(Some(USER_TIMEOUT)),
    ];
    for error in outcomes.into_iter().filter_map(Result::err) {
        tracing::debug!(%error, "a socket option was refused");
    }
}

/// How a connection ends when it is dropped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ending {
    /// What was written arrives, and then the end.
    Orderly,
    /// With a reset: nobody can take it for complete.
    Reset,
}

/// Lets `stream` end by `ending` when it is dropped, as it is or within the
/// runtime that it is on.
pub fn end_by(stream: &TcpStream, ending: Ending) {
    let linger = (ending == Ending::Reset).then_some(Duration::ZERO);
    if let Err(error) = SockRef::from(stream).set_linger(linger) {
        tracing::debug!(%error, "a socket option was refused");
    }
}

/// Silence after which the kernel asks whether the peer is still there.
const KEEPALIVE: Duration = Duration::from_secs(15);
/// How often it asks again.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// How long sent bytes may stay unacknowledged.
const USER_TIMEOUT: Duration = Duration::from_secs(30);
