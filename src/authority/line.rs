//! A connection to the authority, from the handshake to gRPC.

use std::io;
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
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use crate::authority::caller::Caller;
use crate::authority::operator::Operator;
use crate::http2::Guarded;
use crate::identity::Watchlist;
use crate::net::Curfew;
use crate::time::Clock;
use crate::tls::Peer;

/// A connection, and who is at its other end.
#[derive(Debug)]
pub(super) struct Line<S, W> {
    stream: S,
    who: W,
}

impl Line<Guarded<Curfew<TlsStream<TcpStream>>>, Caller> {
    /// One that a sidecar opened. It ends with the certificate that was shown, or
    /// when that is revoked, and soon if none was that is in force: asking takes
    /// no longer. Nor does it outlive a flood of frames.
    pub(super) fn of_caller(
        stream: TlsStream<TcpStream>,
        caller: Caller,
        clock: Arc<dyn Clock>,
        revoked: Arc<Watchlist>,
    ) -> Self {
        let over = over(caller.peer.clone(), clock, revoked);
        Self {
            stream: Guarded::new(Curfew::new(stream, over), MOST_STREAMS),
            who: caller,
        }
    }
}

impl Line<UnixStream, Operator> {
    /// One through the socket.
    ///
    /// # Errors
    ///
    /// If the kernel does not say who is there.
    pub(super) fn of_operator(stream: UnixStream) -> io::Result<Self> {
        let who = stream.peer_cred()?;
        Ok(Self {
            stream,
            who: Operator::Local {
                uid: who.uid(),
                pid: who.pid(),
            },
        })
    }
}

async fn over(peer: Option<Peer>, clock: Arc<dyn Clock>, revoked: Arc<Watchlist>) {
    // Who is revoked already may ask, too: it is told, and that is recorded.
    let in_force = peer.filter(|peer| {
        let is_revoked = peer.is_revoked(&revoked.current());
        !is_revoked && peer.not_after() >= clock.now()
    });
    let Some(peer) = in_force else {
        return sleep(TIME_TO_ASK).await;
    };
    let mut changes = revoked.changed();
    loop {
        let is_revoked = peer.is_revoked(&changes.borrow_and_update());
        let Ok(left) = peer.not_after().duration_since(clock.now()) else {
            return;
        };
        if is_revoked {
            return;
        }
        tokio::select! {
            // A second longer than it holds; looked at now and then, since the
            // calendar may jump.
            () = sleep(left.min(LOOK_AT_CALENDAR_EVERY) + Duration::from_secs(1)) => {}
            changed = changes.changed() => if changed.is_err() { return },
        }
    }
}

impl<S, W: Clone + Send + Sync + 'static> Connected for Line<S, W> {
    type ConnectInfo = W;

    fn connect_info(&self) -> W {
        self.who.clone()
    }
}

impl<S: AsyncRead + Unpin, W: Unpin> AsyncRead for Line<S, W> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin, W: Unpin> AsyncWrite for Line<S, W> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// Two round trips from anywhere, and the database's own patience.
const TIME_TO_ASK: Duration = Duration::from_secs(30);

const LOOK_AT_CALENDAR_EVERY: Duration = Duration::from_secs(30);

/// What a workload asks at once.
pub(super) const MOST_STREAMS: u32 = 16;
