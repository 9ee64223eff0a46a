//! Lines as messages of RFC 5424: to the machine's own syslog, or over TCP to another's.
//!
//! A datagram is one message. Over TCP each is preceded by its length (RFC 6587, 3.4.1), because a line may not be
//! the end of a message. Neither has an answer: what the other side loses after the kernel has it, it loses unseen, but
//! not unnoticed, because then a number is missing in the chain.

use crate::audit::tail::time_of;
use std::fs;
use std::io;
use std::io::Write as _;
use std::net::TcpStream;
use std::net::ToSocketAddrs as _;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

/// Where a syslog is, and how it is spoken to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// Where it is.
    pub to: Address,
    /// The facility's number: at most 23.
    pub facility: u8,
    /// `APP-NAME`: 1 to 48 printable characters.
    pub app_name: String,
    /// `MSGID`: 1 to 32 printable characters.
    pub msg_id: String,
}

/// Where a syslog is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Address {
    /// At a socket for datagrams, such as `/dev/log`.
    Socket(PathBuf),
    /// At `host:port`, over TCP.
    Tcp(String),
}

/// A syslog that is written to.
#[derive(Debug)]
pub(super) struct Syslog {
    settings: Settings,
    /// All of a message between its date and the line.
    middle: String,
    connection: Option<Connection>,
    /// The message under way, and how much of it is sent.
    message: Vec<u8>,
    sent: usize,
}

#[derive(Debug)]
enum Connection {
    Socket(UnixDatagram),
    Tcp(TcpStream),
}

impl Syslog {
    pub(super) fn new(settings: Settings) -> Self {
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host = match host.trim() {
            "" => "-",
            host => host,
        };
        let (app, id, process) = (&settings.app_name, &settings.msg_id, std::process::id());
        Self {
            middle: format!(" {host} {app} {process} {id} - "),
            settings,
            connection: None,
            message: Vec::new(),
            sent: 0,
        }
    }

    /// Sends the first line of `bytes` as a message. Answers with its length and that of its newline.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let end = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
        let line = bytes.get(..end).unwrap_or_default();
        if self.sent == 0 {
            self.compose(line);
        }
        let done = self.send();
        if let Err(error) = &done
            && !is_slow(error)
        {
            // Of a message that broke off, the next connection gets the whole.
            self.connection = None;
            self.sent = 0;
        }
        done?;
        self.sent = 0;
        Ok((end + 1).min(bytes.len()))
    }

    fn send(&mut self) -> io::Result<()> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(connect(&self.settings.to)?),
        };
        match connection {
            Connection::Socket(socket) => socket.send(&self.message).map(drop),
            Connection::Tcp(stream) => {
                if self.sent == 0 && has_ended(stream) {
                    return Err(io::ErrorKind::ConnectionReset.into());
                }
                while let Some(rest) = self.message.get(self.sent..)
                    && !rest.is_empty()
                {
                    match stream.write(rest) {
                        Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                        Ok(sent) => self.sent += sent,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(())
            }
        }
    }

    fn compose(&mut self, line: &[u8]) {
        let priority = u32::from(self.settings.facility) * 8 + INFORMATIONAL;
        let time = time_of(line).unwrap_or_else(|| "-".to_owned());
        let head = format!("<{priority}>1 {time}{}", self.middle);
        self.message.clear();
        if matches!(self.settings.to, Address::Tcp(_)) {
            let length = head.len() + line.len();
            self.message
                .extend_from_slice(format!("{length} ").as_bytes());
        }
        self.message.extend_from_slice(head.as_bytes());
        self.message.extend_from_slice(line);
    }
}

fn connect(to: &Address) -> io::Result<Connection> {
    match to {
        Address::Socket(path) => {
            let socket = UnixDatagram::unbound()?;
            socket.connect(path)?;
            socket.set_write_timeout(Some(PATIENCE))?;
            Ok(Connection::Socket(socket))
        }
        Address::Tcp(address) => {
            let mut last = io::ErrorKind::AddrNotAvailable.into();
            for one in address.to_socket_addrs()? {
                match TcpStream::connect_timeout(&one, PATIENCE) {
                    Ok(stream) => {
                        stream.set_nodelay(true)?;
                        stream.set_write_timeout(Some(PATIENCE))?;
                        return Ok(Connection::Tcp(stream));
                    }
                    Err(error) => last = error,
                }
            }
            Err(last)
        }
    }
}

/// Whether the other side has closed: what is written then is lost, and the first write would not say so.
fn has_ended(stream: &TcpStream) -> bool {
    let mut nothing = [0; 1];
    let flags = rustix::net::RecvFlags::PEEK | rustix::net::RecvFlags::DONTWAIT;
    match rustix::net::recv(stream, &mut nothing[..], flags) {
        Ok((_, read)) => read == 0,
        Err(error) => !matches!(error, rustix::io::Errno::AGAIN | rustix::io::Errno::INTR),
    }
}

/// Whether the other side has just not read, so that the same bytes may go later.
fn is_slow(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

/// A record is no alarm.
const INFORMATIONAL: u32 = 6;

/// How long a write or a new connection may keep the writer from its other duties.
const PATIENCE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;
    use std::net::TcpListener;

    const LINE: &[u8] = b"{\"time\":\"2027-01-15T12:00:00.000000Z\",\"a\":1}\nnext\n";

    fn settings(to: Address) -> Settings {
        Settings {
            to,
            facility: 10,
            app_name: "portreeve".to_owned(),
            msg_id: "audit".to_owned(),
        }
    }

    /// What a message looks like, but for the host's name.
    fn is_message(message: &str) {
        let (head, line) = message.split_once(" - ").unwrap();
        assert_eq!(line, "{\"time\":\"2027-01-15T12:00:00.000000Z\",\"a\":1}");
        let words: Vec<&str> = head.split(' ').collect();
        assert_eq!(words[..2], ["<86>1", "2027-01-15T12:00:00.000000Z"]);
        assert_eq!(
            words[3..],
            ["portreeve", &std::process::id().to_string(), "audit"]
        );
    }

    #[test]
    fn a_line_is_one_datagram_and_a_dead_socket_an_error_until_it_is_there_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut syslog = Syslog::new(settings(Address::Socket(path.clone())));
        assert_eq!(
            syslog.write(LINE).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
        let there = UnixDatagram::bind(&path).unwrap();
        let mut read = [0; 512];
        assert_eq!(syslog.write(LINE).unwrap(), LINE.len() - 5);
        let length = there.recv(&mut read).unwrap();
        is_message(std::str::from_utf8(&read[..length]).unwrap());
        drop(there);
        assert!(syslog.write(LINE).is_err());
        fs::remove_file(&path).unwrap();
        let again = UnixDatagram::bind(&path).unwrap();
        assert_eq!(syslog.write(LINE).unwrap(), LINE.len() - 5);
        let length = again.recv(&mut read).unwrap();
        is_message(std::str::from_utf8(&read[..length]).unwrap());
    }

    #[test]
    fn over_tcp_a_message_says_its_length_and_goes_whole_to_the_next_connection() {
        let there = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = there.local_addr().unwrap();
        let mut syslog = Syslog::new(settings(Address::Tcp(address.to_string())));
        for _twice in 0..2 {
            assert_eq!(syslog.write(LINE).unwrap(), LINE.len() - 5);
            let (mut stream, _) = there.accept().unwrap();
            let mut read = [0; 512];
            let length = stream.read(&mut read).unwrap();
            let (said, message) = std::str::from_utf8(&read[..length])
                .unwrap()
                .split_once(' ')
                .unwrap();
            assert_eq!(said.parse(), Ok(message.len()));
            is_message(message);
            drop(stream);
            // It is closed: nothing more is given to it.
            let ended = syslog.write(LINE).unwrap_err();
            assert_eq!(ended.kind(), io::ErrorKind::ConnectionReset);
        }
        drop(there);
        assert_eq!(
            syslog.write(LINE).unwrap_err().kind(),
            io::ErrorKind::ConnectionRefused
        );
    }
}
