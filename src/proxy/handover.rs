//! A connection that leaves HTTP: from whoever read heads on it to whoever
//! passes its bytes on.

use std::io;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use bytes::Buf as _;
use bytes::Bytes;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::sync::oneshot;

use crate::proxy::upstream::Wire;

/// A connection, with what was read of it already.
#[derive(Debug)]
pub(super) struct Handed {
    early: Bytes,
    wire: Wire,
}

impl Handed {
    /// `early` is the first that will be read.
    pub(super) const fn new(early: Bytes, wire: Wire) -> Self {
        Self { early, wire }
    }
}

/// Where a caller's connection comes when its response has told it to change protocols.
pub(super) type Awaited = oneshot::Receiver<Handed>;

impl AsyncRead for Handed {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.early.is_empty() {
            return Pin::new(&mut this.wire).poll_read(cx, buf);
        }
        let part = this.early.len().min(buf.remaining());
        buf.put_slice(this.early.get(..part).unwrap_or_default());
        this.early.advance(part);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Handed {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().wire).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().wire).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().wire).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    #[tokio::test]
    async fn what_was_read_early_comes_first() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let mut handed = Handed::new(Bytes::from_static(b"early, "), Box::new(ours));
        theirs.write_all(b"late").await.unwrap();
        drop(theirs);
        let mut text = String::new();
        handed.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "early, late");
    }
}
