//! HTTP/2: all streams of a connection in one task.
//!
//! The exchanges are polled by the task that owns the connection, so that a
//! turn of the event loop moves every stream that can move and then writes
//! once. No exchange costs a task of its own.

use std::future::Future;
use std::future::poll_fn;
use std::pin::Pin;
use std::pin::pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::FuturesUnordered;
use futures_util::stream::Stream as _;
use h2::Reason;
use h2::RecvStream;
use h2::server;
use h2::server::SendResponse;
use http::Request;
use http::header;
use http_body::Body as _;
use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::timeout;

use crate::http2::Flood;
use crate::net::Aside;
use crate::proxy::body::Source;
use crate::proxy::grpc;
use crate::proxy::lifetime::Fate;
use crate::proxy::pump::Parting;
use crate::proxy::pump::pump_permitted;
use crate::proxy::serve::Answer;
use crate::proxy::serve::Connection;
use crate::proxy::serve::ServeError;
use crate::proxy::serve::followed::Flooded;
use crate::proxy::serve::followed::Followed;
use crate::proxy::serve::unread::Unread;
use crate::proxy::settings::Limits;

pub(super) async fn serve<A: Answer + 'static>(
    connection: Connection,
    answer: Rc<A>,
) -> Result<(), ServeError> {
    let Connection {
        fate,
        lifetime,
        limits,
        wire,
        ..
    } = connection;
    let (unread, flooded) = (Rc::new(Unread::default()), Flooded::default());
    let wire = Followed::new(
        wire,
        limits.streams,
        Rc::clone(&unread),
        Rc::clone(&flooded),
    );
    // Boxed, as all that is only for the beginning or the end: the rest lives as
    // long as the connection.
    let framed = Box::pin(greeted(wire, &limits)).await?;
    let mut streams = Streams {
        answer,
        flooded,
        framed,
        in_flight: FuturesUnordered::new(),
        unread,
    };
    let closing = pin!(lifetime.clone().closing());
    let mut closing = Aside::new(closing);
    let over = pin!(lifetime.over());
    let mut over = Aside::new(over);
    let mut idle = pin!(sleep(limits.idle));
    let mut is_closing = false;
    loop {
        tokio::select! {
            biased;
            turn = poll_fn(|cx| streams.poll_turn(cx)) => match turn {
                Turn::Ended(outcome) => return outcome.map_err(|cause| ServeError::Http2 { cause }),
                Turn::Flooded(flood) => return Err(Box::pin(streams.break_off(flood, &fate)).await),
                Turn::Idle if is_closing => idle.as_mut().reset(Instant::now() + limits.write_stall),
                Turn::Idle => idle.as_mut().reset(Instant::now() + limits.idle),
            },
            () = &mut closing, if !is_closing => {
                is_closing = true;
                streams.framed.graceful_shutdown();
                idle.as_mut().reset(Instant::now() + limits.write_stall);
            }
            reason = &mut over => {
                fate.seal(reason);
                return Ok(());
            }
            () = &mut idle, if streams.in_flight.is_empty() => {
                // The shutdown waits for the caller to answer a ping. One that does
                // not would hold the connection for as long as its certificate holds.
                if is_closing {
                    return Ok(());
                }
                is_closing = true;
                streams.framed.graceful_shutdown();
                idle.as_mut().reset(Instant::now() + limits.write_stall);
            }
        }
    }
}

/// The connection, once its preface has come.
async fn greeted(
    wire: Followed,
    limits: &Limits,
) -> Result<server::Connection<Followed, Bytes>, ServeError> {
    let preface = timeout(limits.header_read, builder(limits).handshake(wire)).await;
    let framed = preface.map_err(|_elapsed| ServeError::NoPreface)?;
    framed.map_err(|cause| ServeError::Http2 { cause })
}

fn builder(limits: &Limits) -> server::Builder {
    let mut builder = server::Builder::new();
    builder
        .initial_window_size(limits.stream_window_bytes)
        .initial_connection_window_size(limits.connection_window_bytes)
        .max_concurrent_streams(limits.streams)
        // What is on the way for a stream that we have cut is nobody's offence: h2
        // must know them all, or it ends the connection with the others on it.
        .max_concurrent_reset_streams(usize::try_from(limits.streams).unwrap_or(usize::MAX))
        .max_header_list_size(limits.header_list_bytes())
        .max_send_buffer_size(Limits::SEND_BUFFER_BYTES);
    builder
}

struct Streams<A> {
    answer: Rc<A>,
    flooded: Flooded,
    framed: server::Connection<Followed, Bytes>,
    in_flight: FuturesUnordered<Pin<Box<dyn Future<Output = ()>>>>,
    unread: Rc<Unread>,
}

enum Turn {
    Ended(Result<(), h2::Error>),
    /// The caller sends what it has no reason to.
    Flooded(Flood),
    /// The last stream has ended.
    Idle,
}

impl<A: Answer + 'static> Streams<A> {
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Turn> {
        let turn = self.poll_streams(cx);
        while let Some(reason) = self.unread.next() {
            self.answer.unread(reason);
        }
        match self.flooded.get() {
            Some(flood) => Poll::Ready(Turn::Flooded(flood)),
            None => turn,
        }
    }

    /// Ends what is under way, and says goodbye to a caller that may not listen.
    async fn break_off(mut self, flood: Flood, fate: &Fate) -> ServeError {
        fate.seal(FLOODED);
        self.in_flight.clear();
        self.framed.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
        let farewell = poll_fn(|cx| self.framed.poll_closed(cx));
        drop(timeout(FAREWELL, farewell).await);
        ServeError::Flood { flood }
    }

    fn poll_streams(&mut self, cx: &mut Context<'_>) -> Poll<Turn> {
        let mut went_idle = false;
        loop {
            while let Poll::Ready(Some(())) = Pin::new(&mut self.in_flight).poll_next(cx) {
                went_idle = self.in_flight.is_empty();
            }
            match self.framed.poll_accept(cx) {
                Poll::Ready(Some(Ok((request, respond)))) => {
                    self.unread.handed(respond.stream_id().as_u32());
                    let answer = Rc::clone(&self.answer);
                    self.in_flight
                        .push(Box::pin(exchange(answer, request, respond)));
                }
                // What is still in flight has lost its caller.
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Turn::Ended(Err(error))),
                Poll::Ready(None) => return Poll::Ready(Turn::Ended(Ok(()))),
                Poll::Pending if went_idle => return Poll::Ready(Turn::Idle),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// One stream, from its request to the end of its response.
async fn exchange<A: Answer>(
    answer: Rc<A>,
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
) {
    let response = {
        let mut answering = pin!(answer.answer(request.map(Source::http2), None));
        let first = poll_fn(|cx| {
            if respond.poll_reset(cx).is_ready() {
                return Poll::Ready(None);
            }
            answering.as_mut().poll(cx).map(Some)
        });
        // A stream that the caller reset is dropped, and recorded as such.
        let Some(response) = first.await else { return };
        response
    };
    let (mut head, body) = response.into_parts();
    // A refusal closes HTTP/1 connections; here it ends its own stream only.
    head.headers.remove(header::CONNECTION);
    let ended = body.is_end_stream();
    let parting = if body.activity().is_grpc() && grpc::is_spoken(&head.headers) {
        Parting::Trailers
    } else {
        Parting::Reset
    };
    let head = http::Response::from_parts(head, ());
    let Ok(stream) = respond.send_response(head, ended) else {
        return;
    };
    if ended {
        return;
    }
    if let Err(error) = pump_permitted(body, stream, parting).await {
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            "a response broke off"
        );
    }
}

/// What a farewell may take if the other side is not at peace with us.
const FAREWELL: Duration = Duration::from_millis(250);
/// What ended the requests of a caller that flooded its connection.
const FLOODED: &str = "http2_flood";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::passage::Passage;

    fn size_of_output<A, B, C, F>(_: impl FnOnce(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_connection_takes_little_memory() {
        fn size_of_output<A, B, F>(_: impl FnOnce(A, B) -> F) -> usize {
            size_of::<F>()
        }
        let bytes = size_of_output(serve::<Passage>);
        assert!(bytes <= MOST_BYTES_OF_CONNECTION, "{bytes} bytes");
    }

    #[test]
    fn a_stream_takes_little_memory() {
        let bytes = size_of_output(exchange::<Passage>);
        assert!(bytes <= MOST_BYTES, "{bytes} bytes");
    }

    /// Each stream under way has one, allocated and filled for each request.
    const MOST_BYTES: usize = 5 * 1024;
    /// Each connection has one, idle or not.
    const MOST_BYTES_OF_CONNECTION: usize = 4 * 1024;
}
