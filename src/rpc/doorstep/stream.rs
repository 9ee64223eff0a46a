//! A connection whose incoming bytes are rewritten.

use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;

use crate::rpc::doorstep::rewriter::Rewriter;

/// A server's end of a connection, on which what the client sends goes through
/// a [`Rewriter`]. What the server sends is left alone.
#[derive(Debug)]
pub struct Doorstep<S> {
    stream: S,
    rewriter: Rewriter,
    /// Read from the client, as it came.
    raw: Vec<u8>,
    /// Rewritten, and from where on it was not handed over.
    ready: Vec<u8>,
    handed: usize,
}

impl<S> Doorstep<S> {
    /// At the first byte of `stream`.
    #[must_use]
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            rewriter: Rewriter::new(),
            raw: vec![0; READ_BYTES],
            ready: Vec::new(),
            handed: 0,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Doorstep<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            let waiting = this.ready.get(this.handed..).unwrap_or_default();
            if !waiting.is_empty() {
                let now = waiting.len().min(buf.remaining());
                buf.put_slice(waiting.get(..now).unwrap_or_default());
                this.handed += now;
                return Poll::Ready(Ok(()));
            }
            this.ready.clear();
            this.handed = 0;
            let mut raw = ReadBuf::new(&mut this.raw);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut raw))?;
            if raw.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.rewriter
                .push(raw.filled(), &mut this.ready)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Doorstep<S> {
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

/// What is read from the client at once.
const READ_BYTES: usize = 8 * 1024;
