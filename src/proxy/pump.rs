//! A body into an HTTP/2 stream, at the pace of whoever reads it.

use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use h2::Reason;
use h2::SendStream;
use http_body::Body;

use crate::proxy::activity::Activity;
use crate::proxy::activity::SilenceTimer;
use crate::proxy::body::BodyError;
use crate::proxy::download::Download;
use crate::proxy::grpc;

/// Sends all of `body` on `stream`.
///
/// A body that breaks off resets the stream: it must never look complete.
///
/// # Errors
///
/// [`PumpError`] tells which side failed.
pub(super) async fn pump<B>(
    body: B,
    stream: SendStream<Bytes>,
    activity: Rc<Activity>,
) -> Result<(), PumpError>
where
    B: Body<Data = Bytes, Error = BodyError> + Unpin,
{
    let mut pump = Pump::new(body, stream, activity);
    let outcome = poll_fn(|cx| pump.poll(cx)).await;
    pump.end(&outcome);
    outcome
}

/// How an answer ends that may go on no more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Parting {
    /// The stream is reset.
    Reset,
    /// Trailers say so, as gRPC has them.
    Trailers,
}

/// The same for an answer, for as long as it may go on.
pub(super) async fn pump_permitted(
    body: Download,
    stream: SendStream<Bytes>,
    parting: Parting,
) -> Result<(), PumpError> {
    let activity = Rc::clone(body.activity());
    let mut pump = Pump::new(body, stream, activity);
    let outcome = poll_fn(|cx| {
        if pump.activity.permission().poll_withdrawn(cx).is_ready() {
            return Poll::Ready(Err(PumpError::Withdrawn));
        }
        pump.poll(cx)
    });
    let outcome = outcome.await;
    if matches!(outcome, Err(PumpError::Withdrawn)) && parting == Parting::Trailers {
        // What went before them may be half a message: the outcome says that it
        // is none.
        let told = pump.stream.send_trailers(grpc::permission_denied());
        if told.is_ok() {
            return outcome;
        }
    }
    pump.end(&outcome);
    outcome
}

/// Why a body did not arrive whole.
#[derive(Debug, thiserror::Error)]
pub(super) enum PumpError {
    /// It broke off at its source.
    #[error("the body broke off")]
    Body {
        #[source]
        cause: BodyError,
    },
    /// The reader does not want it.
    #[error("the stream was reset with {reason}")]
    Reset { reason: Reason },
    /// The policy says no now.
    #[error("the permit was withdrawn")]
    Withdrawn,
    /// The reader opens no window.
    #[error("nothing was read for too long")]
    Silent,
}

struct Pump<B> {
    activity: Rc<Activity>,
    body: B,
    /// What was taken from the body and has no window yet.
    chunk: Bytes,
    silence: SilenceTimer,
    stream: SendStream<Bytes>,
}

impl<B> Pump<B>
where
    B: Body<Data = Bytes, Error = BodyError> + Unpin,
{
    fn new(body: B, stream: SendStream<Bytes>, activity: Rc<Activity>) -> Self {
        Self {
            activity,
            body,
            chunk: Bytes::new(),
            silence: SilenceTimer::default(),
            stream,
        }
    }

    fn end(&mut self, outcome: &Result<(), PumpError>) {
        match outcome {
            Ok(()) | Err(PumpError::Reset { .. }) => {}
            Err(PumpError::Body { .. }) => self.stream.send_reset(Reason::INTERNAL_ERROR),
            // CANCEL, for a permit too: neither leave to try again, as
            // REFUSED_STREAM would be, nor a failure of the application.
            Err(PumpError::Silent | PumpError::Withdrawn) => {
                self.stream.send_reset(Reason::CANCEL);
            }
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), PumpError>> {
        loop {
            if !self.chunk.is_empty() {
                let end = ready!(self.poll_send(cx))?;
                if end {
                    return Poll::Ready(Ok(()));
                }
                continue;
            }
            if let Poll::Ready(outcome) = self.stream.poll_reset(cx) {
                return Poll::Ready(Err(PumpError::Reset {
                    reason: outcome.unwrap_or(Reason::CANCEL),
                }));
            }
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => {
                    return Poll::Ready(
                        self.stream
                            .send_data(Bytes::new(), true)
                            .map_err(|error| reset(&error)),
                    );
                }
                Some(Err(BodyError::Silent)) => return Poll::Ready(Err(PumpError::Silent)),
                Some(Err(cause)) => return Poll::Ready(Err(PumpError::Body { cause })),
                Some(Ok(frame)) => frame,
            };
            match frame.into_data() {
                Ok(data) if data.is_empty() => {}
                Ok(data) => {
                    self.stream.reserve_capacity(data.len());
                    self.chunk = data;
                }
                Err(frame) => {
                    let trailers = frame.into_trailers().unwrap_or_default();
                    return Poll::Ready(
                        self.stream
                            .send_trailers(trailers)
                            .map_err(|error| reset(&error)),
                    );
                }
            }
        }
    }

    /// Sends as much of the chunk as fits, and says whether that was the end.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, PumpError>> {
        while self.stream.capacity() == 0 {
            if let Poll::Ready(outcome) = self.stream.poll_reset(cx) {
                return Poll::Ready(Err(PumpError::Reset {
                    reason: outcome.unwrap_or(Reason::CANCEL),
                }));
            }
            match self.stream.poll_capacity(cx) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(reset(&error))),
                Poll::Ready(None) => {
                    return Poll::Ready(Err(PumpError::Reset {
                        reason: Reason::CANCEL,
                    }));
                }
                Poll::Pending => {
                    return self
                        .silence
                        .poll_silent(&self.activity, cx)
                        .map(|()| Err(PumpError::Silent));
                }
            }
        }
        let fits = self.stream.capacity().min(self.chunk.len());
        let part = self.chunk.split_to(fits);
        let end = self.chunk.is_empty() && self.body.is_end_stream();
        self.stream
            .send_data(part, end)
            .map_err(|error| reset(&error))?;
        Poll::Ready(Ok(end))
    }
}

fn reset(error: &h2::Error) -> PumpError {
    PumpError::Reset {
        reason: error.reason().unwrap_or(Reason::CANCEL),
    }
}
