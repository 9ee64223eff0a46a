//! A connection to another sidecar, of which it is told whether it is alive.

use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::net::Ending;
use crate::net::Pulse;
use crate::net::end_by;

/// Beats a pulse with all that is read.
///
/// If the pulse was stopped, it ends with a reset. What is not acknowledged
/// would else be sent again for half a minute, and a far side that comes back
/// would do what our application was told has failed.
#[derive(Debug)]
pub(super) struct Heard {
    pulse: Pulse,
    stream: TlsStream<TcpStream>,
}

impl Heard {
    pub(super) const fn new(stream: TlsStream<TcpStream>, pulse: Pulse) -> Self {
        Self { pulse, stream }
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        if self.pulse.is_stopped() {
            end_by(self.stream.get_ref().0, Ending::Reset);
        }
    }
}

impl AsyncRead for Heard {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        this.pulse.beat();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Heard {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
