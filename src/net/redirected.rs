//! Where a connection was going before the kernel brought it to us.

use std::io;
use std::net::SocketAddr;

use socket2::SockRef;
use tokio::net::TcpStream;

/// The destination that the caller of `stream` dialled, where a rule of the
/// firewall (`REDIRECT`) has changed it.
///
/// # Errors
///
/// [`RedirectedError`] if no rule has: then nobody can say what is wanted, and
/// what would be dialled is ourselves.
pub fn original_destination(stream: &TcpStream) -> Result<SocketAddr, RedirectedError> {
    let untold = |cause| RedirectedError::Untold { cause };
    let here = stream.local_addr().map_err(untold)?;
    let socket = SockRef::from(stream);
    let told = match here {
        SocketAddr::V4(_) => socket.original_dst_v4(),
        SocketAddr::V6(_) => socket.original_dst_v6(),
    };
    let told = told.map_err(untold)?.as_socket();
    match told {
        Some(destination) if destination != here => Ok(destination),
        _ => Err(RedirectedError::Loop { here }),
    }
}

/// Why nobody knows where a connection was going.
#[derive(Debug, thiserror::Error)]
pub enum RedirectedError {
    /// It was going to us: sent on, it would come back for ever.
    #[error("the connection was dialled to {here} itself")]
    Loop {
        /// Where we listen.
        here: SocketAddr,
    },
    /// The kernel knows of no other destination.
    #[error("the kernel knows of no original destination")]
    Untold {
        /// What it says.
        #[source]
        cause: io::Error,
    },
}
