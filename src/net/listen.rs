//! Accepting, whatever the system runs out of.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::SockFilter;
use socket2::SockRef;
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

    /// Lets nobody begin a connection any more; who has begun one is let in.
    ///
    /// Whoever comes is not answered, and asks again in a second: then the door
    /// is closed, or another program has it. To close it at once would reset
    /// whoever the kernel lets in between our last look and the end, and what
    /// they have sent with it.
    ///
    /// # Errors
    ///
    /// What the system says if its sockets know no filters.
    pub fn turn_away(&self) -> io::Result<()> {
        SockRef::from(&self.socket).attach_filter(&NO_NEWCOMERS)
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

/// A program for the kernel's packet filter (the classic one, as of `tcpdump`),
/// which looks at a segment from its TCP header on: one that asks for a
/// connection, SYN without ACK, is dropped.
static NO_NEWCOMERS: [SockFilter; 5] = [
    // The byte at 13 holds the flags (RFC 9293, 3.1).
    SockFilter::new(LOAD_BYTE, 0, 0, 13),
    SockFilter::new(AND, 0, 0, SYN | ACK),
    SockFilter::new(SKIP_UNLESS_EQUAL, 0, 1, SYN),
    SockFilter::new(KEEP_BYTES, 0, 0, 0),
    SockFilter::new(KEEP_BYTES, 0, 0, u32::MAX),
];
const SYN: u32 = 0x02;
const ACK: u32 = 0x10;
/// `BPF_LD | BPF_B | BPF_ABS`.
const LOAD_BYTE: u16 = 0x30;
/// `BPF_ALU | BPF_AND | BPF_K`.
const AND: u16 = 0x54;
/// `BPF_JMP | BPF_JEQ | BPF_K`.
const SKIP_UNLESS_EQUAL: u16 = 0x15;
/// `BPF_RET | BPF_K`.
const KEEP_BYTES: u16 = 0x06;

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

    #[tokio::test]
    async fn who_comes_too_late_is_not_answered_and_not_reset() {
        for ours in ["127.0.0.1:0", "[::1]:0"] {
            let bound = bind(ours.parse().unwrap(), 1).unwrap().remove(0);
            let address = bound.address();
            let listener = Listener::new(bound).unwrap();
            let connect =
                || std::net::TcpStream::connect_timeout(&address, Duration::from_millis(100));
            let early = connect().unwrap();
            listener.turn_away().unwrap();
            assert_eq!(connect().unwrap_err().kind(), io::ErrorKind::TimedOut);
            let inside = listener.close();
            assert_eq!(inside.len(), 1);
            assert_eq!(inside[0].1, early.local_addr().unwrap());
            assert_eq!(
                connect().unwrap_err().kind(),
                io::ErrorKind::ConnectionRefused
            );
        }
    }
}
