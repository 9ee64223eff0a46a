//! A program beside us: where it listens, and connections to it.
//!
//! It is on a port, or on a Unix socket, which only those can reach whom the
//! file's permissions let. What is spoken is the same on both.

use std::fmt;
use std::io;
use std::io::IoSlice;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio::net::UnixStream;
use tokio::time::sleep;
use tokio::time::timeout;

use crate::net::DialError;
use crate::net::Ending;
use crate::net::end_by;
use crate::net::tune;

/// Where a program beside us listens. Cloning is cheap.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AppAddress {
    /// `host:port`, as written.
    Network(Arc<str>),
    /// A Unix socket, by its file.
    Unix(Arc<Path>),
}

impl AppAddress {
    /// Reads `host:port` or `unix:PATH`. A path that is not absolute is within
    /// `folder`; `unix:///PATH` is taken as well.
    ///
    /// # Errors
    ///
    /// All of [`AppAddressError`].
    pub fn parse(text: &str, folder: &Path) -> Result<Self, AppAddressError> {
        let Some(path) = text.strip_prefix("unix:") else {
            return match text.rsplit_once(':') {
                Some((host, port))
                    if !host.is_empty() && matches!(port.parse(), Ok(1..=u16::MAX)) =>
                {
                    Ok(Self::Network(text.into()))
                }
                _ => Err(AppAddressError::NotAnAddress),
            };
        };
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.ends_with('/') || path.contains('\0') {
            return Err(AppAddressError::NotAFile);
        }
        // One way to write it: `//` and `/./` are gone.
        let path: PathBuf = folder.join(path).components().collect();
        let bytes = path.as_os_str().as_bytes().len();
        if bytes > MOST_PATH_BYTES {
            return Err(AppAddressError::PathTooLong { bytes });
        }
        Ok(Self::Unix(path.into()))
    }
}

impl fmt::Display for AppAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(address) => f.write_str(address),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Why a text does not say where a program listens.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AppAddressError {
    /// It names no file.
    #[error(
        "after `unix:` there must be the path of the socket's file, such as `unix:/run/app.sock`"
    )]
    NotAFile,
    /// It is neither of the two.
    #[error("it is neither `host:port` nor `unix:PATH`")]
    NotAnAddress,
    /// The system takes no path of that length.
    #[error(
        "the socket's whole path has {bytes} bytes, and may have at most {MOST_PATH_BYTES}: choose a shorter one"
    )]
    PathTooLong {
        /// How long it is.
        bytes: usize,
    },
}

/// Knows where one program is and how long reaching it may take.
#[derive(Clone, Debug)]
pub struct AppDialer {
    address: AppAddress,
    limit: Duration,
}

impl AppDialer {
    /// `limit` covers the name's resolution and all its addresses together, and
    /// is above zero.
    #[must_use]
    pub const fn new(address: AppAddress, limit: Duration) -> Self {
        Self { address, limit }
    }

    /// A connection to the program.
    ///
    /// # Errors
    ///
    /// [`DialError`], which names where it should be.
    pub async fn dial(&self) -> Result<AppStream, DialError> {
        match timeout(self.limit, self.connect()).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(cause)) => Err(DialError::Failed {
                destination: self.address.to_string().into(),
                cause,
            }),
            Err(_elapsed) => Err(DialError::TimedOut {
                destination: self.address.to_string().into(),
                after: self.limit,
            }),
        }
    }

    async fn connect(&self) -> io::Result<AppStream> {
        let stream = match &self.address {
            AppAddress::Network(address) => match address.parse::<SocketAddr>() {
                Ok(address) => TcpStream::connect(address).await?,
                Err(_a_name) => TcpStream::connect(&**address).await?,
            },
            AppAddress::Unix(path) => return connect_unix(path).await.map(AppStream::Unix),
        };
        tune::connection(&stream);
        Ok(AppStream::Tcp(stream))
    }
}

/// Where TCP would wait for room in the listener's queue, a Unix socket is
/// refused at once: so ask again until the limit that is set for both.
async fn connect_unix(path: &Path) -> io::Result<UnixStream> {
    let mut pause = FIRST_PAUSE;
    loop {
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                sleep(pause).await;
                pause = LAST_PAUSE.min(pause * 2);
            }
            outcome => return outcome,
        }
    }
}

/// A connection to a program beside us.
#[derive(Debug)]
pub enum AppStream {
    /// To a port.
    Tcp(TcpStream),
    /// To a Unix socket.
    Unix(UnixStream),
}

impl AppStream {
    /// Lets it end by `ending` when it is dropped. A Unix socket knows no reset:
    /// it always ends as if it were in order.
    pub fn end_by(&self, ending: Ending) {
        match self {
            Self::Tcp(stream) => end_by(stream, ending),
            Self::Unix(_) => {}
        }
    }
}

impl AsyncRead for AppStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for AppStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Unix(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// The 108 bytes of `sockaddr_un`, with the zero at their end.
const MOST_PATH_BYTES: usize = 107;
/// Long enough not to burn a core, short enough that nobody notices.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
/// A program that is this slow to accept will not mind.
const LAST_PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use socket2::Domain;
    use socket2::SockAddr;
    use socket2::Socket;
    use socket2::Type;

    fn parsed(text: &str) -> Result<String, AppAddressError> {
        AppAddress::parse(text, Path::new("/etc/portreeve")).map(|address| address.to_string())
    }

    #[test]
    fn a_program_is_at_a_port_or_at_a_file() {
        for (text, address) in [
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("[::1]:8080", "[::1]:8080"),
            ("app.local:1", "app.local:1"),
            ("unix:/run/app.sock", "unix:/run/app.sock"),
            ("unix:///run/app.sock", "unix:/run/app.sock"),
            ("unix:app.sock", "unix:/etc/portreeve/app.sock"),
            ("unix:////run//app.sock", "unix:/run/app.sock"),
        ] {
            assert_eq!(parsed(text).as_deref(), Ok(address), "{text}");
        }
    }

    #[test]
    fn what_is_neither_is_said() {
        use AppAddressError::NotAFile;
        use AppAddressError::NotAnAddress;
        use AppAddressError::PathTooLong;

        let [fits, long] = [107, 108].map(|bytes| format!("unix:/{}", "a".repeat(bytes - 1)));
        assert!(parsed(&fits).is_ok());
        for (text, error) in [
            ("", NotAnAddress),
            ("here", NotAnAddress),
            (":8080", NotAnAddress),
            ("127.0.0.1:0", NotAnAddress),
            ("127.0.0.1:65536", NotAnAddress),
            ("unix:", NotAFile),
            ("unix://", NotAFile),
            ("unix:/run/", NotAFile),
            ("unix:a\0b", NotAFile),
            (&long, PathTooLong { bytes: 108 }),
        ] {
            assert_eq!(parsed(text), Err(error), "{text:?}");
        }
    }

    proptest! {
        /// What is taken is shown in words that are taken for the same.
        #[test]
        fn what_is_shown_is_read_as_the_same(text in "(unix:|unix://)?\\PC{0,120}(:[0-9]{1,6})?") {
            let folder = Path::new("/f");
            if let Ok(address) = AppAddress::parse(&text, folder) {
                let shown = address.to_string();
                prop_assert_eq!(AppAddress::parse(&shown, folder), Ok(address));
            }
        }
    }

    /// A socket on which one connection waits, and no more have room.
    fn crowded(path: &Path) -> (Socket, std::os::unix::net::UnixStream) {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        socket.bind(&SockAddr::unix(path).unwrap()).unwrap();
        socket.listen(0).unwrap();
        let waiting = std::os::unix::net::UnixStream::connect(path).unwrap();
        (socket, waiting)
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_queue_is_waited_for_up_to_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.sock");
        let (socket, _waiting) = crowded(&path);
        let dialer = AppDialer::new(AppAddress::Unix(path.into()), Duration::from_secs(5));
        let error = dialer.dial().await.unwrap_err();
        assert!(matches!(error, DialError::TimedOut { .. }), "{error}");
        // Its turn comes while the next one waits.
        let (dialled, _accepted) = tokio::join!(dialer.dial(), async {
            sleep(Duration::from_secs(1)).await;
            socket.accept().unwrap()
        });
        dialled.unwrap();
    }

    #[tokio::test]
    async fn a_socket_that_is_not_there_is_named() {
        let path = Path::new("/nowhere/app.sock");
        let dialer = AppDialer::new(AppAddress::Unix(path.into()), Duration::from_secs(5));
        let error = dialer.dial().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot connect to `unix:/nowhere/app.sock`"
        );
    }
}
