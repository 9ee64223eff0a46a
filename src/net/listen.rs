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

    /// Stops listening, and hands out those whom the kernel has let in already.
    ///
    /// Asks the kernel and not the runtime, which hears of callers only between
    /// two turns: those that it has not heard of would be reset.
    pub fn close(self) -> Vec<(TcpStream, SocketAddr)> {
        let mut last = Vec::new();
        let Ok(socket) = self.socket.into_std() else {
            return last;
        };
        loop {
            match socket.accept() {
                Ok((stream, source)) => last.extend(adopt(stream).map(|stream| (stream, source))),
                Err(error) if is_callers(&error) => {}
                // Usually that nobody is left.
                Err(_) => return last,
            }
        }
    }
}

fn adopt(stream: std::net::TcpStream) -> Option<TcpStream> {
    stream.set_nonblocking(true).ok()?;
    let stream = TcpStream::from_std(stream).ok()?;
    tune::connection(&stream);
    Some(stream)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::bind;

    #[tokio::test]
    async fn who_was_let_in_before_the_end_is_handed_out() {
        let mut bound = bind("127.0.0.1:0".parse().unwrap(), 1).unwrap();
        let bound = bound.remove(0);
        let address = bound.address();
        let listener = Listener::new(bound).unwrap();
        let connect = || std::net::TcpStream::connect(address);
        // More than the runtime would accept in one turn, and without a turn.
        let callers: Vec<_> = (0..200).map(|_| connect().unwrap()).collect();
        assert_eq!(listener.close().len(), callers.len());
        assert!(connect().is_err(), "it still listens");
    }
}
