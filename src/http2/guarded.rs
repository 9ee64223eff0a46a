//! A connection that ends when it is flooded.

use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;

use crate::http2::flood::worth;
use crate::http2::frames::Frames;
use crate::http2::frames::written_parts;
use crate::http2::reading::Reading;

/// One end of an HTTP/2 connection, for a client or a server that is not ours
/// to change: reading from another end that floods it is an error.
#[derive(Debug)]
pub struct Guarded<S> {
    reading: Reading,
    stream: S,
    written: Frames,
}

impl<S> Guarded<S> {
    /// A server's end, at the first byte of `stream`, on which there may be so
    /// many `streams`.
    pub fn new(stream: S, streams: u32) -> Self {
        Self {
            reading: Reading::new(streams),
            stream,
            written: Frames::of_server(),
        }
    }

    /// The same for a client's end.
    pub fn of_client(stream: S, streams: u32) -> Self {
        Self {
            reading: Reading::of_server(streams),
            stream,
            written: Frames::of_client(),
        }
    }

    /// What is guarded.
    pub const fn get_ref(&self) -> &S {
        &self.stream
    }

    fn wrote(&mut self, bytes: &[u8]) {
        let reading = &mut self.reading;
        self.written
            .feed(bytes, |head| reading.earn(worth(head.kind, head.length)));
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flood = ready!(this.reading.poll_read(&mut this.stream, cx, buf))?;
        Poll::Ready(flood.map_or(Ok(()), |flood| Err(io::Error::other(flood.reason()))))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.stream).poll_write(cx, buf))?;
        this.wrote(buf.get(..written).unwrap_or(buf));
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = ready!(Pin::new(&mut this.stream).poll_write_vectored(cx, bufs))?;
        for part in written_parts(bufs, written) {
            this.wrote(part);
        }
        Poll::Ready(Ok(written))
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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt as _;
    use tokio::io::AsyncWriteExt as _;

    #[tokio::test]
    async fn a_server_may_flood_its_client_no_more() {
        let ping = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
        let mut head = vec![0, 0, 40, 1, 5, 0, 0, 0, 1];
        head.extend([0; 40]);
        for asked in [0, 2_000] {
            let (ours, mut theirs) = tokio::io::duplex(4 * 1024 * 1024);
            let mut guarded = Guarded::of_client(ours, 100);
            guarded.write_all(&[0; 24]).await.unwrap();
            guarded.write_all(&head.repeat(asked)).await.unwrap();
            theirs.write_all(&ping.repeat(8_000)).await.unwrap();
            theirs.shutdown().await.unwrap();
            let mut read = Vec::new();
            let outcome = guarded.read_to_end(&mut read).await;
            match asked {
                0 => assert_eq!(outcome.unwrap_err().to_string(), "http2_flood:ping"),
                _ => assert_eq!(outcome.unwrap(), 17 * 8_000),
            }
        }
    }

    #[tokio::test]
    async fn a_flood_is_an_error_and_what_is_answered_is_none() {
        let ping = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
        let mut data = vec![0, 4, 0, 0, 0, 0, 0, 0, 1];
        data.extend([0; 1024]);
        for answers in [0, 1] {
            let (ours, mut theirs) = tokio::io::duplex(4 * 1024 * 1024);
            let mut guarded = Guarded::new(ours, 1_000);
            theirs.write_all(&[0; 24]).await.unwrap();
            theirs.write_all(&ping.repeat(8_000)).await.unwrap();
            drop(guarded.write_all(&data.repeat(answers * 1_000)).await);
            let mut read = Vec::new();
            theirs.shutdown().await.unwrap();
            let outcome = guarded.read_to_end(&mut read).await;
            match answers {
                0 => assert_eq!(outcome.unwrap_err().to_string(), "http2_flood:ping"),
                _ => assert_eq!(outcome.unwrap(), 24 + 17 * 8_000),
            }
        }
    }
}
