//! The application beside a sidecar: it keeps the bytes it gets, and says what it is told to.

use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::net::Shutdown;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::thread;

use rustls::ServerConfig;
use rustls::ServerConnection;

use crate::stage::DEADLINE;

/// Listens, and does nothing of its own.
pub(crate) struct Application {
    /// None on a Unix socket.
    address: Option<SocketAddr>,
    calls: Receiver<TcpStream>,
}

impl Application {
    pub(crate) fn start() -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    pub(crate) fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let (called, calls) = mpsc::sync_channel(1024);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if called.send(stream).is_err() {
                    return;
                }
            }
        });
        let address = Some(address);
        Self { address, calls }
    }

    /// On a Unix socket at `path`.
    pub(crate) fn start_on(path: &Path) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let (called, calls) = mpsc::sync_channel(1024);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                // What is done with either is the same to the system.
                if called.send(OwnedFd::from(stream).into()).is_err() {
                    return;
                }
            }
        });
        let address = None;
        Self { address, calls }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address.unwrap()
    }

    /// The next connection, in the order in which they were made.
    pub(crate) fn call(&self) -> Call {
        let stream = self.calls.recv_timeout(DEADLINE).expect("nobody called");
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        Call {
            stream,
            unread: Vec::new(),
        }
    }

    pub(crate) fn was_not_called(&self) {
        assert!(self.calls.try_recv().is_err(), "the application was called");
    }
}

/// One connection to the application.
pub(crate) struct Call {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Call {
    /// All up to and with the next `end`, however it comes in pieces.
    pub(crate) fn until(&mut self, end: &str) -> String {
        loop {
            let found = self
                .unread
                .windows(end.len())
                .position(|window| window == end.as_bytes());
            if let Some(at) = found {
                return text(self.unread.drain(..at + end.len()));
            }
            assert!(
                self.more().unwrap() > 0,
                "the caller hung up after {:?}",
                String::from_utf8_lossy(&self.unread)
            );
        }
    }

    /// The next `bytes`, as they are.
    pub(crate) fn exactly(&mut self, bytes: usize) -> Vec<u8> {
        while self.unread.len() < bytes {
            assert!(self.more().unwrap() > 0, "the caller hung up");
        }
        self.unread.drain(..bytes).collect()
    }

    /// The next request's head.
    pub(crate) fn head(&mut self) -> String {
        self.until("\r\n\r\n")
    }

    /// At least `bytes`, if so many come before the end or the deadline.
    pub(crate) fn at_least(&mut self, bytes: usize) -> String {
        while self.unread.len() < bytes {
            if !matches!(self.more(), Ok(1..)) {
                break;
            }
        }
        text(self.unread.drain(..))
    }

    /// All that comes until the caller hangs up, or resets the connection.
    pub(crate) fn rest(&mut self) -> String {
        loop {
            match self.more() {
                Ok(0) => return text(self.unread.drain(..)),
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    return text(self.unread.drain(..));
                }
                Ok(_) => {}
                Err(error) => panic!("the caller does not hang up: {error}"),
            }
        }
    }

    /// Whether the connection ends with a reset, and not as it should.
    pub(crate) fn is_reset(&mut self) -> bool {
        loop {
            match self.more() {
                Ok(0) => return false,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return true,
                Err(error) => panic!("the caller does not hang up: {error}"),
            }
        }
    }

    /// Hangs up with a reset.
    pub(crate) fn reset(self) {
        let socket = socket2::SockRef::from(&self.stream);
        socket.set_linger(Some(std::time::Duration::ZERO)).unwrap();
    }

    /// Says no more.
    pub(crate) fn finish(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// The same connection, for another thread.
    pub(crate) fn another(&self) -> Self {
        Self {
            stream: self.stream.try_clone().unwrap(),
            unread: Vec::new(),
        }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        assert!(self.try_send(bytes), "the caller hung up");
    }

    /// Sends to whoever may have hung up.
    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    /// Becomes a wire to `address`: what comes from either side goes to the other.
    pub(crate) fn forward(self, address: SocketAddr) {
        let far = TcpStream::connect(address).unwrap();
        let ends = [(&self.stream, &far), (&far, &self.stream)];
        for (from, to) in ends {
            let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            from.set_read_timeout(None).unwrap();
            thread::spawn(move || {
                let copied = io::copy(&mut from, &mut to);
                (copied, to.shutdown(Shutdown::Both))
            });
        }
    }

    /// Shakes hands as `config` says, and tells whether that went well.
    pub(crate) fn shakes_hands(&mut self, config: ServerConfig) -> bool {
        let mut session = ServerConnection::new(Arc::new(config)).unwrap();
        while session.is_handshaking() {
            if session.complete_io(&mut self.stream).is_err() {
                return false;
            }
        }
        true
    }

    pub(crate) fn close(&self) {
        self.stream.shutdown(Shutdown::Both).unwrap();
    }

    /// Ends the connection.
    pub(crate) fn hang_up(self) {
        drop(self);
    }

    fn more(&mut self) -> io::Result<usize> {
        let mut buffer = [0; 16 * 1024];
        let read = self.stream.read(&mut buffer)?;
        self.unread.extend_from_slice(&buffer[..read]);
        Ok(read)
    }
}

fn text(bytes: impl Iterator<Item = u8>) -> String {
    String::from_utf8_lossy(&bytes.collect::<Vec<_>>()).into_owned()
}
