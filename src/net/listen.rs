//! Accepting, whatever the system runs out of.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::net::TcpStream;

use crate::net::Bound;
use crate::net::tune;

/// A listening socket on the current worker's runtime.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
}

impl Listener {
    /// Hands `bound` to the current runtime.
    ///
    /// # Errors
    ///
    /// What the system says if it cannot be watched.
    pub fn new(bound: Bound) -> io::Result<Self> {
        Ok(Self {
            socket: TcpListener::from_std(bound.socket)?,
        })
    }

    /// The next connection. An error of the system (no descriptor left, a
    /// caller that was gone before we looked) is waited out, not returned: a
    /// door that gives up at the first shortage stays shut for ever.
    pub async fn accept(&self) -> (TcpStream, SocketAddr) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.socket.accept().await {
                Ok((stream, source)) => {
                    tune::connection(&stream);
                    return (stream, source);
                }
                Err(error) if is_callers(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, pause_ms = pause.as_millis(), "cannot accept connections");
                    tokio::time::sleep(pause).await;
                    pause = LAST_PAUSE.min(pause * 2);
                }
            }
        }
    }
}

/// Whether an error of `accept(2)` is about that one connection only.
fn is_callers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}

/// Long enough not to burn a core, short enough that nobody notices.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
/// A door looks again at least once a second.
const LAST_PAUSE: Duration = Duration::from_secs(1);
