//! A stream that ends at a moment, whatever is under way on it.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use futures_util::future::BoxFuture;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;

/// A stream that fails once a future is over. Whoever serves it needs to know
/// nothing of the reason.
pub struct Curfew<S> {
    stream: S,
    /// None once it is over.
    over: Option<BoxFuture<'static, ()>>,
}

impl<S> Curfew<S> {
    /// Lets `stream` live until `over` is.
    pub fn new(stream: S, over: impl Future<Output = ()> + Send + 'static) -> Self {
        Self {
            stream,
            over: Some(Box::pin(over)),
        }
    }

    /// What it lets live.
    pub const fn stream(&self) -> &S {
        &self.stream
    }

    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let is_over = match &mut self.over {
            Some(over) => over.as_mut().poll(cx).is_ready(),
            None => true,
        };
        if !is_over {
            return Ok(());
        }
        self.over = None;
        Err(io::Error::new(
            io::ErrorKind::ConnectionAborted,
            "the connection's time is over",
        ))
    }
}

impl<S: fmt::Debug> fmt::Debug for Curfew<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Curfew")
            .field("stream", &self.stream)
            .field("is_over", &self.over.is_none())
            .finish()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Curfew<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.check(cx)?;
        Pin::new(&mut this.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Curfew<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.check(cx)?;
        Pin::new(&mut this.stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.check(cx)?;
        Pin::new(&mut this.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncReadExt as _;
    use tokio::io::AsyncWriteExt as _;
    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_waits_is_told_when_it_is_over() {
        let (ours, mut theirs) = tokio::io::duplex(8);
        let mut stream = Curfew::new(ours, sleep(Duration::from_secs(60)));
        theirs.write_all(b"x").await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'x');
        let error = stream.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
        let error = stream.write_all(b"x").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    }
}
