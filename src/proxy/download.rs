//! A response's body on its way to the caller, and the end of its exchange.

use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use http_body::Body as HttpBody;
use http_body::Frame;
use http_body::SizeHint;

use crate::proxy::activity::Activity;
use crate::proxy::activity::SilenceTimer;
use crate::proxy::body::BodyError;
use crate::proxy::body::Source;
use crate::proxy::exchange::Exchange;
use crate::proxy::upstream::Bond;
use crate::proxy::upstream::Rest;

/// Streams a response. When it ends, so does the exchange; when it is dropped
/// before, the exchange ends with what the connection died of.
///
/// Boxed, because responses are handed on often.
#[derive(Debug)]
pub(super) struct Download(Box<Inner>);

#[derive(Debug)]
struct Inner {
    activity: Rc<Activity>,
    /// What binds the connection that the response comes on, if anything.
    bond: Option<Rc<Bond>>,
    /// None once ended, and for what we say ourselves.
    exchange: Option<Exchange>,
    rest: Rest,
    silence: SilenceTimer,
    source: Source,
}

impl Download {
    /// Follows `source` to its end, on behalf of `exchange`.
    pub(super) fn new(
        source: Source,
        exchange: Exchange,
        rest: Rest,
        bond: Option<Rc<Bond>>,
    ) -> Self {
        let mut body = Box::new(Inner {
            activity: Rc::clone(exchange.activity()),
            bond,
            exchange: Some(exchange),
            rest,
            silence: SilenceTimer::default(),
            source,
        });
        if body.source.is_ended() {
            body.complete();
        }
        Self(body)
    }

    /// A text of our own, of an exchange that has ended.
    pub(super) fn whole(text: Bytes, activity: Rc<Activity>) -> Self {
        Self(Box::new(Inner {
            activity,
            bond: None,
            exchange: None,
            rest: Rest::Nothing,
            silence: SilenceTimer::default(),
            source: Source::Whole(text),
        }))
    }

    pub(super) const fn activity(&self) -> &Rc<Activity> {
        &self.0.activity
    }
}

impl Inner {
    fn complete(&mut self) {
        // The stream's place is free for the next.
        self.rest = Rest::Nothing;
        if let Some(exchange) = self.exchange.take() {
            exchange.end(None);
        }
    }

    fn fail(&mut self, error: &BodyError) {
        if let Some(exchange) = self.exchange.take() {
            exchange.end(Some(match error {
                BodyError::Http1 { .. } | BodyError::Http2 { .. } => {
                    let why = self.bond.as_deref().and_then(Bond::broken);
                    why.unwrap_or("response_broke_off")
                }
                BodyError::Silent => "silent_too_long",
            }));
        }
    }
}

impl HttpBody for Download {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self.get_mut().0;
        let outcome = match this.source.poll_frame(cx) {
            Poll::Pending => this
                .silence
                .poll_silent(&this.activity, cx)
                .map(|()| Some(Err(BodyError::Silent))),
            Poll::Ready(frame) => Poll::Ready(frame),
        };
        match &outcome {
            Poll::Ready(Some(Ok(frame))) => {
                this.activity
                    .passed_out(frame.data_ref().map_or(0, Bytes::len));
                if this.source.is_ended() {
                    this.complete();
                }
            }
            Poll::Ready(Some(Err(error))) => this.fail(error),
            Poll::Ready(None) => this.complete(),
            Poll::Pending => {}
        }
        outcome
    }

    fn is_end_stream(&self) -> bool {
        self.0.source.is_ended()
    }

    fn size_hint(&self) -> SizeHint {
        self.0
            .source
            .exact_length()
            .map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}
