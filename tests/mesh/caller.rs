//! Whoever calls a sidecar, byte by byte.

use std::io;
use std::io::Read;
use std::io::Write;
use std::net::Ipv4Addr;
use std::net::Shutdown;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::ClientConnection;
use rustls::StreamOwned;
use rustls_pki_types::ServerName;
use serde_json::Value;
use socket2::Domain;
use socket2::Socket;
use socket2::Type;

use crate::stage::DEADLINE;

/// A connection to a door.
pub(crate) struct Caller {
    tcp: TcpStream,
    unread: Vec<u8>,
    wire: Box<dyn Wire>,
}

pub(crate) trait Wire: Read + Send + Write {}

impl<S: Read + Send + Write> Wire for S {}

/// TLS whose other side may be heard after it has stopped to listen.
struct Secure(StreamOwned<ClientConnection, TcpStream>);

impl Read for Secure {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let outcome = self.0.read(buffer);
        // Before it reads, rustls sends what could not be sent before.
        if outcome.as_ref().err().map(io::Error::kind) != Some(io::ErrorKind::BrokenPipe) {
            return outcome;
        }
        let StreamOwned { conn, sock } = &mut self.0;
        loop {
            match conn.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => return outcome,
            }
            if conn.read_tls(sock)? == 0 {
                return Ok(0);
            }
            conn.process_new_packets().map_err(io::Error::other)?;
        }
    }
}

impl Write for Secure {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// One HTTP/1 response.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its lines, without the empty one.
    pub(crate) head: Vec<String>,
    pub(crate) body: Vec<u8>,
}

impl Caller {
    pub(crate) fn plain(door: SocketAddr) -> Self {
        Self::plain_from(Ipv4Addr::LOCALHOST, door)
    }

    /// From an address of its own, such as `127.0.0.2`.
    pub(crate) fn plain_from(source: Ipv4Addr, door: SocketAddr) -> Self {
        let tcp = dial(source, door);
        Self {
            wire: Box::new(tcp.try_clone().unwrap()),
            tcp,
            unread: Vec::new(),
        }
    }

    /// With TLS. The handshake takes place with the first byte sent or read.
    pub(crate) fn secure(door: SocketAddr, config: ClientConfig) -> Self {
        Self::secure_from(Ipv4Addr::LOCALHOST, door, config)
    }

    /// The same from an address of its own.
    pub(crate) fn secure_from(source: Ipv4Addr, door: SocketAddr, config: ClientConfig) -> Self {
        Self::announced(source, door, b"", config)
    }

    /// The same, with `header` before the first byte of TLS.
    pub(crate) fn announced(
        source: Ipv4Addr,
        door: SocketAddr,
        header: &[u8],
        config: ClientConfig,
    ) -> Self {
        let mut tcp = dial(source, door);
        tcp.write_all(header).unwrap();
        let name = ServerName::try_from("orders.mesh.example").unwrap();
        let session = ClientConnection::new(Arc::new(config), name).unwrap();
        Self {
            wire: Box::new(Secure(StreamOwned::new(session, tcp.try_clone().unwrap()))),
            tcp,
            unread: Vec::new(),
        }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).unwrap();
    }

    /// Sends to whoever may have hung up.
    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.wire.write_all(bytes.as_ref())?;
        self.wire.flush()
    }

    /// Whether the door ends with a reset, and not as it should.
    pub(crate) fn is_reset(&mut self) -> bool {
        loop {
            match self.more() {
                Ok(0) => return false,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return true,
                Err(error) => panic!("the door does not close: {error}"),
            }
        }
    }

    /// Hangs up with a reset.
    pub(crate) fn reset(self) {
        let socket = socket2::SockRef::from(&self.tcp);
        socket.set_linger(Some(std::time::Duration::ZERO)).unwrap();
    }

    /// The same connection in the clear, for another thread.
    pub(crate) fn another(&self) -> Self {
        let tcp = self.tcp.try_clone().unwrap();
        Self {
            wire: Box::new(tcp.try_clone().unwrap()),
            tcp,
            unread: Vec::new(),
        }
    }

    /// Ends the connection without a word.
    pub(crate) fn hang_up(self) {
        self.tcp.shutdown(Shutdown::Both).unwrap();
    }

    pub(crate) fn finish(&self) {
        self.tcp.shutdown(Shutdown::Write).unwrap();
    }

    /// A head, with nothing of what follows it.
    pub(crate) fn head(&mut self) -> Vec<String> {
        let head = self.until("\r\n\r\n");
        let mut lines: Vec<String> = head.trim_end().split("\r\n").map(str::to_owned).collect();
        // Dates differ and say nothing.
        lines.retain(|line| !line.starts_with("date: "));
        lines
    }

    /// A whole response, as its own head frames it.
    pub(crate) fn answer(&mut self) -> Answer {
        let head = self.head();
        let field = |name: &str| {
            let line = head.iter().find(|line| line.starts_with(name))?;
            line.split_once(": ").map(|(_, value)| value.to_owned())
        };
        let body = match (field("transfer-encoding"), field("content-length")) {
            (Some(_chunked), _) => self.chunks(),
            (None, Some(length)) => self.exactly(length.parse().unwrap()),
            (None, None) => Vec::new(),
        };
        Answer { head, body }
    }

    /// What comes of the last answer until the door closes, whole or not.
    pub(crate) fn last_answer(&mut self) -> Answer {
        let said = self.rest();
        let (head, body) = said.split_once("\r\n\r\n").unwrap_or((&said, ""));
        Answer {
            head: head.split("\r\n").map(str::to_owned).collect(),
            body: body.into(),
        }
    }

    fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let size = usize::from_str_radix(self.until("\r\n").trim_end(), 16).unwrap();
            body.extend(self.exactly(size));
            assert_eq!(self.exactly(2), b"\r\n");
            if size == 0 {
                return body;
            }
        }
    }

    /// All up to and with the next `end`.
    pub(crate) fn until(&mut self, end: &str) -> String {
        loop {
            let mut windows = self.unread.windows(end.len());
            if let Some(at) = windows.position(|window| window == end.as_bytes()) {
                let taken: Vec<u8> = self.unread.drain(..at + end.len()).collect();
                return String::from_utf8(taken).unwrap();
            }
            assert!(
                self.more().unwrap() > 0,
                "the door closed after {:?}",
                String::from_utf8_lossy(&self.unread)
            );
        }
    }

    pub(crate) fn exactly(&mut self, bytes: usize) -> Vec<u8> {
        while self.unread.len() < bytes {
            assert!(self.more().unwrap() > 0, "the door closed too early");
        }
        self.unread.drain(..bytes).collect()
    }

    /// All that comes until the door is closed, in whatever way.
    pub(crate) fn rest(&mut self) -> String {
        loop {
            match self.more() {
                Ok(1..) => {}
                Err(error) if is_late(&error) => panic!("the door does not close"),
                Ok(0) | Err(_) => break,
            }
        }
        String::from_utf8_lossy(&std::mem::take(&mut self.unread)).into_owned()
    }

    fn more(&mut self) -> io::Result<usize> {
        let mut buffer = [0; 16 * 1024];
        let read = self.wire.read(&mut buffer)?;
        self.unread.extend_from_slice(&buffer[..read]);
        Ok(read)
    }
}

impl Answer {
    /// 0, if there is none.
    pub(crate) fn status(&self) -> u16 {
        let code = self.head[0].split(' ').nth(1);
        code.and_then(|code| code.parse().ok()).unwrap_or(0)
    }

    /// The field `name`, if there is one.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.iter().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            (found == name).then_some(value)
        })
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// What a refusal gives as its reason.
    pub(crate) fn reason(&self) -> String {
        let problem: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        problem["reason"].as_str().unwrap_or_default().to_owned()
    }
}

fn dial(source: Ipv4Addr, door: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    // A port that is taken so could be one that an authority comes back to.
    if source != Ipv4Addr::LOCALHOST {
        socket.bind(&SocketAddr::from((source, 0)).into()).unwrap();
    }
    socket.connect(&door.into()).unwrap();
    let tcp = TcpStream::from(socket);
    tcp.set_nodelay(true).unwrap();
    tcp.set_read_timeout(Some(DEADLINE)).unwrap();
    tcp.set_write_timeout(Some(DEADLINE)).unwrap();
    tcp
}

fn is_late(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock
    )
}
