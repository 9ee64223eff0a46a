//! HTTP/1: one request at a time, upgrades included.

use std::cell::Cell;
use std::convert::Infallible;
use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use http::HeaderValue;
use http::Request;
use http::StatusCode;
use http::header;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::time::Instant;
use tokio::time::sleep;

use crate::proxy::body::Source;
use crate::proxy::lifetime::GRACE;
use crate::proxy::serve::Answer;
use crate::proxy::serve::Connection;
use crate::proxy::serve::ServeError;
use crate::proxy::upstream::Wire;

pub(super) async fn serve(
    connection: Connection,
    answer: impl Answer + 'static,
) -> Result<(), ServeError> {
    let Connection {
        fate,
        lifetime,
        limits,
        wire,
        ..
    } = connection;
    let answer = Rc::new(answer);
    let last = Rc::new(Cell::new(false));
    let is_last = Rc::clone(&last);
    let service = service_fn(move |request: Request<Incoming>| {
        let (answer, is_last) = (Rc::clone(&answer), Rc::clone(&is_last));
        async move {
            let mut response = answer.answer(request.map(Source::http1)).await;
            if is_last.get() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
                response
                    .headers_mut()
                    .insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(response)
        }
    });
    let (wire, heard) = Listening::to(wire);
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read)
        .max_buf_size(limits.header_bytes)
        .max_headers(limits.headers)
        .serve_connection(TokioIo::new(wire), service)
        .with_upgrades();
    let mut served = pin!(served);
    let mut closing = pin!(lifetime.clone().closing());
    let mut over = pin!(lifetime.over());
    let mut grace = pin!(sleep(GRACE));
    let mut is_closing = false;
    loop {
        tokio::select! {
            biased;
            outcome = &mut served => return match outcome {
                // It was idle, which is no offence.
                Err(cause) if cause.is_timeout() && !heard.load(Ordering::Relaxed) => Ok(()),
                outcome => outcome.map_err(|cause| ServeError::Http1 { cause }),
            },
            () = &mut closing, if !last.get() => {
                // A kept-alive caller may have its next request on the way:
                // closing now would lose it. It is told with the answer.
                last.set(true);
                grace.as_mut().reset(Instant::now() + GRACE);
            }
            () = &mut grace, if last.get() && !is_closing => {
                is_closing = true;
                served.as_mut().graceful_shutdown();
            }
            reason = &mut over => {
                fate.seal(reason);
                return Ok(());
            }
        }
    }
}

/// A wire, and whether the caller has said anything since we last did.
///
/// hyper gives a head as long as it gives an idle connection, and calls both
/// ends the same; only one of them is a request that never came whole.
#[derive(Debug)]
struct Listening {
    heard: Arc<AtomicBool>,
    wire: Wire,
}

impl Listening {
    /// Listens to `wire`, and tells of it beside.
    fn to(wire: Wire) -> (Self, Arc<AtomicBool>) {
        let heard = Arc::new(AtomicBool::new(false));
        let listening = Self {
            heard: Arc::clone(&heard),
            wire,
        };
        (listening, heard)
    }
}

impl AsyncRead for Listening {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.wire).poll_read(cx, buf))?;
        if buf.filled().len() > before {
            this.heard.store(true, Ordering::Relaxed);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Listening {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.heard.store(false, Ordering::Relaxed);
        Pin::new(&mut this.wire).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.heard.store(false, Ordering::Relaxed);
        Pin::new(&mut this.wire).poll_write_vectored(cx, bufs)
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
