//! A message's body on its way through, frame by frame and never whole.
//!
//! Both sides speak HTTP/1 or HTTP/2, so a body comes from one of two
//! libraries and may go to either. What both ways have in common is here: the
//! count of bytes, the limit on silence, and the trailers that may pass.

use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use h2::RecvStream;
use http_body::Body as HttpBody;
use http_body::Frame;
use http_body::SizeHint;

use crate::http1::ReadError;
use crate::proxy::activity::Activity;
use crate::proxy::activity::Phase;
use crate::proxy::activity::SilenceTimer;
use crate::proxy::headers;
use crate::proxy::serve::CallerBody;
use crate::proxy::upstream::Reading;

/// Where a body's bytes come from.
#[derive(Debug)]
pub(super) enum Source {
    /// There are none.
    Empty,
    /// What our application answers.
    Application(Reading),
    /// A text of our own.
    Whole(Bytes),
    /// What a caller sends in HTTP/1.
    Caller(CallerBody),
    /// An HTTP/2 stream, and whether its data has ended.
    Http2(RecvStream, bool),
}

impl Source {
    /// The body of an HTTP/2 message.
    pub(super) fn http2(stream: RecvStream) -> Self {
        if stream.is_end_stream() {
            Self::Empty
        } else {
            Self::Http2(stream, false)
        }
    }

    /// The body of our application's answer.
    pub(super) fn application(reading: Reading) -> Self {
        if reading.is_ended() {
            Self::Empty
        } else {
            Self::Application(reading)
        }
    }

    pub(super) fn is_ended(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Application(reading) => reading.is_ended(),
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Caller(body) => body.is_ended(),
            Self::Http2(stream, _) => stream.is_end_stream(),
        }
    }

    /// How long the body is, where HTTP/1's framing tells.
    pub(super) fn exact_length(&self) -> Option<u64> {
        match self {
            Self::Empty => Some(0),
            Self::Application(reading) => reading.left(),
            Self::Whole(bytes) => Some(bytes.len() as u64),
            Self::Caller(body) => body.left(),
            Self::Http2(..) => None,
        }
    }

    pub(super) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self {
            Self::Empty => Poll::Ready(None),
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Application(reading) => {
                let polled = reading.poll_frame(cx);
                polled
                    .map_err(|cause| BodyError::Http1 { cause })
                    .map(|frame| frame.map(|frame| frame.map(filter)))
            }
            Self::Caller(body) => body
                .poll_frame(cx)
                .map_err(|cause| BodyError::Http1 { cause }),
            Self::Http2(stream, data_ended) => poll_stream(stream, data_ended, cx),
        }
    }
}

/// Why a body ended before its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    /// The HTTP/1 connection failed, or its framing was wrong.
    #[error("the HTTP/1 message broke off")]
    Http1 {
        /// Why.
        #[source]
        cause: ReadError,
    },
    /// The HTTP/2 stream or its connection failed.
    #[error("the HTTP/2 stream broke off")]
    Http2 {
        /// What h2 says.
        #[source]
        cause: h2::Error,
    },
    /// Nothing moved for as long as allowed.
    #[error("the exchange was silent for too long")]
    Silent,
}

fn filter(frame: Frame<Bytes>) -> Frame<Bytes> {
    match frame.into_trailers() {
        Ok(trailers) => Frame::trailers(headers::clean_trailers(&trailers)),
        Err(data) => data,
    }
}

fn poll_stream(
    stream: &mut RecvStream,
    data_ended: &mut bool,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
    let failed = |cause| Poll::Ready(Some(Err(BodyError::Http2 { cause })));
    if !*data_ended {
        match ready!(stream.poll_data(cx)) {
            Some(Ok(bytes)) => {
                // The window opens again at once: what was taken is handed on
                // before more is asked for, so no more than it is ever held.
                if let Err(cause) = stream.flow_control().release_capacity(bytes.len()) {
                    return failed(cause);
                }
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            Some(Err(cause)) => return failed(cause),
            None => *data_ended = true,
        }
    }
    match ready!(stream.poll_trailers(cx)) {
        Ok(Some(trailers)) => Poll::Ready(Some(Ok(Frame::trailers(headers::clean_trailers(
            &trailers,
        ))))),
        Ok(None) => Poll::Ready(None),
        Err(cause) => failed(cause),
    }
}

/// A request's body on its way to whoever answers it.
#[derive(Debug)]
pub(super) struct Upload {
    activity: Rc<Activity>,
    length: Option<u64>,
    silence: SilenceTimer,
    source: Source,
}

impl Upload {
    /// `announced` is the length in bytes that the caller gave, if any.
    pub(super) fn new(source: Source, announced: Option<u64>, activity: Rc<Activity>) -> Self {
        let length = source.exact_length().or(announced);
        if source.is_ended() {
            activity.sent(Phase::Waiting);
        }
        Self {
            activity,
            length,
            silence: SilenceTimer::default(),
            source,
        }
    }

    /// The body's whole length in bytes, if it is known before its end.
    pub(super) const fn length(&self) -> Option<u64> {
        self.length
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        let frame = match this.source.poll_frame(cx) {
            Poll::Pending => {
                this.activity.waits_for_caller();
                ready!(this.silence.poll_silent(&this.activity, cx));
                this.activity.sent(Phase::Stalled);
                return Poll::Ready(Some(Err(BodyError::Silent)));
            }
            Poll::Ready(frame) => frame,
        };
        let data = match frame {
            // gRPC has no trailers in requests: they are dropped, all of them.
            Some(Ok(frame)) => frame.into_data().ok(),
            Some(Err(error)) => {
                this.activity.sent(Phase::BrokenOff);
                return Poll::Ready(Some(Err(error)));
            }
            None => None,
        };
        this.activity.passed_in(data.as_ref().map_or(0, Bytes::len));
        if data.is_some() {
            this.activity.used();
        }
        if data.is_none() || this.source.is_ended() {
            this.activity.sent(Phase::Waiting);
        }
        Poll::Ready(data.map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.source.is_ended()
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}
