//! Taking a port, once for each worker.

use std::io;
use std::net::SocketAddr;
use std::net::TcpListener;

use socket2::Domain;
use socket2::Socket;
use socket2::Type;

/// A listening socket that no runtime knows yet, so it may change threads.
#[derive(Debug)]
pub struct Bound {
    pub(super) socket: TcpListener,
    address: SocketAddr,
}

impl Bound {
    /// Where it listens. The port is the one that the system chose if 0 was asked for.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Listens on `address` with `copies` sockets (at least one) that share the
/// port, so that each worker accepts for itself and the kernel spreads the
/// connections.
///
/// # Errors
///
/// [`BindError`] names the address. A port that another process listens on is
/// an error even if that process would share it.
pub fn bind(address: SocketAddr, copies: usize) -> Result<Vec<Bound>, BindError> {
    let named = |cause| BindError { address, cause };
    // SO_REUSEPORT would let us join another process's port: two sidecars
    // would each get half of the connections. So ask without it first.
    let first = open(address, Port::Alone).map_err(named)?;
    let mut taken = first.local_addr().map_err(named)?;
    if copies <= 1 {
        return Ok(vec![Bound {
            socket: first,
            address: taken,
        }]);
    }
    if address.port() != 0 {
        taken = address;
    }
    drop(first);
    (0..copies)
        .map(|_| {
            open(taken, Port::Shared).map(|socket| Bound {
                socket,
                address: taken,
            })
        })
        .collect::<io::Result<_>>()
        .map_err(named)
}

/// Why nobody can be served on an address.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}")]
pub struct BindError {
    /// The address.
    pub address: SocketAddr,
    /// What the system says.
    #[source]
    pub cause: io::Error,
}

/// Whether other sockets may listen on the same port.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Port {
    Alone,
    Shared,
}

fn open(address: SocketAddr, port: Port) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // Without this a restart waits for the last connections' TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(port == Port::Shared)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Connections that the kernel holds for us while a worker is busy. The kernel
/// cuts it to `net.core.somaxconn` (4096 by default).
const BACKLOG: i32 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_share_a_port_that_nobody_else_can_take() {
        let ours = bind("127.0.0.1:0".parse().unwrap(), 2).unwrap();
        assert_eq!(ours.len(), 2);
        assert_eq!(ours[0].address(), ours[1].address());
        let taken = bind(ours[0].address(), 2).unwrap_err();
        assert_eq!(taken.cause.kind(), io::ErrorKind::AddrInUse);
        assert_eq!(
            taken.to_string(),
            format!("cannot listen on {}", ours[0].address())
        );
        let alone = bind("127.0.0.1:0".parse().unwrap(), 1).unwrap();
        assert_eq!(alone.len(), 1);
    }
}
