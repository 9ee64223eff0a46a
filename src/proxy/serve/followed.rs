//! A wire on which the frames are followed, in both directions.
//!
//! What comes is counted, so that nobody keeps us busy with frames that are no
//! request. What goes tells of requests that were never handed to us, and what
//! the caller has reason to send.

use std::cell::Cell;
use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;

use crate::http2::Flood;
use crate::http2::Reading;
use crate::http2::written_parts;
use crate::proxy::serve::unread::Frames;
use crate::proxy::serve::unread::Unread;
use crate::proxy::upstream::Wire;

/// Set once a caller sends what no caller has reason to.
pub(super) type Flooded = Rc<Cell<Option<Flood>>>;

/// A wire that is read no more once it is flooded: whoever serves it says
/// goodbye, which needs a wire that can be written.
#[derive(Debug)]
pub(super) struct Followed {
    flooded: Flooded,
    reading: Reading,
    wire: Wire,
    written: Frames,
}

impl Followed {
    /// A wire on which there may be so many `streams`.
    pub(super) fn new(wire: Wire, streams: u32, unread: Rc<Unread>, flooded: Flooded) -> Self {
        Self {
            flooded,
            reading: Reading::new(streams),
            wire,
            written: Frames::new(unread),
        }
    }

    fn earn(&mut self) {
        let earned = self.written.take_earned();
        self.reading.earn(earned);
    }
}

impl AsyncRead for Followed {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.flooded.get().is_some() {
            return Poll::Pending;
        }
        let Some(flood) = ready!(this.reading.poll_read(&mut this.wire, cx, buf))? else {
            return Poll::Ready(Ok(()));
        };
        this.flooded.set(Some(flood));
        Poll::Pending
    }
}

impl AsyncWrite for Followed {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.wire).poll_write(cx, buf))?;
        this.written.written(buf.get(..written).unwrap_or(buf));
        this.earn();
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.wire).poll_write_vectored(cx, bufs))?;
        for part in written_parts(bufs, written) {
            this.written.written(part);
        }
        this.earn();
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.wire.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().wire).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().wire).poll_shutdown(cx)
    }
}
