//! What is said on one HTTP/1 connection: request, response, and the next.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use http::Request;
use http::Response;
use http::StatusCode;
use http::header;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::http1::Framing;
use crate::http1::Head;
use crate::http1::HeadError;
use crate::http1::HeadLimits;
use crate::http1::Outlet;
use crate::http1::ReadError;
use crate::http1::RequestHead;
use crate::http1::WriteError;
use crate::http1::text;
use crate::proxy::alarm::Alarm;
use crate::proxy::body::BodyError;
use crate::proxy::body::Source;
use crate::proxy::download::Download;
use crate::proxy::handover::Handed;
use crate::proxy::lifetime::GRACE;
use crate::proxy::lifetime::Lifetime;
use crate::proxy::serve::Answer;
use crate::proxy::serve::ServeError;
use crate::proxy::serve::caller::BodyState;
use crate::proxy::serve::caller::CallerLine;
use crate::proxy::serve::date::Date;
use crate::proxy::serve::reply_text;
use crate::proxy::serve::reply_text::After;
use crate::proxy::serve::reply_text::Asked;
use crate::proxy::settings::Limits;
use crate::time::turn;

/// One connection's conversation.
pub(super) struct Conversation<A> {
    pub(super) answer: Rc<A>,
    pub(super) farewell: Rc<Farewell>,
    pub(super) lifetime: Lifetime,
    pub(super) limits: Limits,
    pub(super) line: Rc<CallerLine>,
}

/// How soon a conversation is to end.
#[derive(Debug, Default)]
pub(super) struct Farewell {
    /// The next response is the last.
    pub(super) last: Cell<bool>,
    /// A request that has not begun will not be waited for.
    pub(super) now: Cell<bool>,
}

/// What is kept from one exchange to the next.
#[derive(Default)]
struct Kept {
    date: Date,
    /// Memory for the next response's head.
    memory: Vec<u8>,
    /// For heads that do not come.
    alarm: Alarm,
}

impl<A: Answer> Conversation<A> {
    /// Answers requests until either side is done.
    ///
    /// # Errors
    ///
    /// [`ServeError`] if the caller broke the protocol.
    pub(super) async fn hold(self) -> Result<(), ServeError> {
        let mut kept = Kept::default();
        loop {
            let head = match self.next_head(&mut kept).await {
                Ok(Some(head)) => head,
                Ok(None) => return self.end().await,
                Err(Unreadable { answer, error }) => {
                    if let Some(status) = answer {
                        self.turn_away(status, &mut kept).await;
                    }
                    return Err(error);
                }
            };
            match self.exchange(head, &mut kept).await {
                Next::Request => {}
                Next::Farewell => return self.end().await,
                Next::Nothing => return Ok(()),
            }
        }
    }

    /// The next request's head; none if there will be no other.
    async fn next_head(&self, kept: &mut Kept) -> Result<Option<RequestHead>, Unreadable> {
        let limits = HeadLimits {
            bytes: self.limits.header_bytes,
            fields: self.limits.headers,
        };
        let deadline = turn() + self.limits.header_read;
        let head = poll_fn(|cx| self.poll_head(limits, cx, |cx| kept.alarm.poll_at(deadline, cx)));
        let head = head.await;
        let head = match head {
            Ok(Some(head)) => head,
            Ok(None) => return Ok(None),
            Err(error) => return Err(Unreadable::of(error)),
        };
        match RequestHead::read(&head, limits.fields) {
            Ok(request) => Ok(Some(request)),
            // Whoever says this wants to speak another protocol, and would not read ours.
            Err(cause) if head.is_http2_preface() => Err(Unreadable {
                answer: None,
                error: ServeError::Head { cause },
            }),
            Err(cause) => Err(Unreadable::of(ServeError::Head { cause })),
        }
    }

    fn poll_head(
        &self,
        limits: HeadLimits,
        cx: &mut Context<'_>,
        poll_late: impl FnOnce(&mut Context<'_>) -> Poll<()>,
    ) -> Poll<Result<Option<Head>, ServeError>> {
        match self.line.poll_head(limits, cx) {
            Poll::Ready(Ok(head)) => return Poll::Ready(Ok(Some(head))),
            Poll::Ready(Err(ReadError::Head { cause })) => {
                return Poll::Ready(Err(ServeError::Head { cause }));
            }
            // It went away, which is no offence.
            Poll::Ready(Err(_gone)) => return Poll::Ready(Ok(None)),
            Poll::Pending => {}
        }
        if self.farewell.now.get() && self.line.is_empty() {
            return Poll::Ready(Ok(None));
        }
        ready!(poll_late(cx));
        Poll::Ready(if self.line.is_empty() {
            Ok(None)
        } else {
            Err(ServeError::HeaderTimeout)
        })
    }

    /// One request and its response.
    async fn exchange(&self, head: RequestHead, kept: &mut Kept) -> Next {
        let asked = Asked::by(&head);
        let (hand, handed) = if head.headers.contains_key(header::UPGRADE) {
            let (hand, handed) = oneshot::channel();
            (Some(hand), Some(handed))
        } else {
            (None, None)
        };
        let response = {
            let request = self.request(head);
            let mut answering = pin!(self.answer.answer(request, handed));
            let first = poll_fn(|cx| match answering.as_mut().poll(cx) {
                Poll::Ready(response) => Poll::Ready(Some(response)),
                Poll::Pending => self.line.poll_gone(cx).map(|()| None),
            });
            // What a caller asked for that has hung up is dropped, and recorded as such.
            match first.await {
                Some(response) => response,
                None => return Next::Nothing,
            }
        };
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return self.switch(response, asked, hand, kept).await;
        }
        self.respond(response, asked, kept).await
    }

    fn request(&self, head: RequestHead) -> Request<Source> {
        let decoder = head.body();
        let source = if decoder.is_ended() {
            Source::Empty
        } else {
            if head.expects_continue() {
                self.line.hold_back();
            }
            Source::Caller(self.line.body(decoder))
        };
        let mut request = Request::new(source);
        *request.method_mut() = head.method;
        *request.uri_mut() = head.uri;
        *request.version_mut() = head.version;
        *request.headers_mut() = head.headers;
        request
    }

    async fn respond(&self, response: Response<Download>, asked: Asked, kept: &mut Kept) -> Next {
        let says_close = response.headers().contains_key(header::CONNECTION);
        let is_last = says_close || self.farewell.last.get() || self.line.is_held_back();
        let after = if is_last { After::Close } else { asked.after };
        let activity = Rc::clone(response.body().activity());
        let (mut outlet, after) = self.outlet(response, asked, after, kept);
        let sent = poll_fn(|cx| {
            if activity.permission().poll_withdrawn(cx).is_ready() {
                self.line.break_off();
                return Poll::Ready(None);
            }
            match self.line.poll_send(&mut outlet, cx) {
                Poll::Ready(sent) => Poll::Ready(Some(sent)),
                Poll::Pending => self.line.poll_gone(cx).map(|()| None),
            }
        });
        match sent.await {
            Some(Ok(())) => kept.memory = outlet.into_text(),
            Some(Err(error)) => {
                note(&error);
                self.line.break_off();
                return Next::Nothing;
            }
            None => return Next::Nothing,
        }
        poll_fn(|cx| self.line.poll_body_over(cx)).await;
        let is_read = self.line.body_state() == BodyState::Read;
        if is_read && after == After::Keep {
            self.line.rest();
            Next::Request
        } else {
            Next::Farewell
        }
    }

    fn outlet(
        &self,
        response: Response<Download>,
        asked: Asked,
        after: After,
        kept: &mut Kept,
    ) -> (Outlet<Download>, After) {
        let (head, body) = response.into_parts();
        let mut text = std::mem::take(&mut kept.memory);
        text.reserve(text::USUAL_BYTES);
        let (framing, after) = reply_text::write(&mut text, &head, &body, asked, after);
        let date = kept.date.now(self.lifetime.clock.as_ref());
        reply_text::finish(&mut text, &head, date);
        (Outlet::new(text, framing, body), after)
    }

    /// Sends a 101, and hands the connection over to `hand`.
    async fn switch(
        &self,
        response: Response<Download>,
        asked: Asked,
        hand: Option<oneshot::Sender<Handed>>,
        kept: &mut Kept,
    ) -> Next {
        let (mut outlet, _) = self.outlet(response, asked, After::Keep, kept);
        if let Err(error) = poll_fn(|cx| self.line.poll_send(&mut outlet, cx)).await {
            note(&error);
        } else if let Some(hand) = hand {
            // If nobody waits for it, the connection closes with it.
            drop(hand.send(self.line.hand_over()));
        }
        Next::Nothing
    }

    /// Answers what cannot be read, in as few words as it deserves.
    async fn turn_away(&self, status: StatusCode, kept: &mut Kept) {
        let mut text = Vec::new();
        text::status_line(&mut text, status);
        text::field(&mut text, &header::CONNECTION, b"close");
        text::number(&mut text, &header::CONTENT_LENGTH, 0);
        text::field(
            &mut text,
            &header::DATE,
            kept.date.now(self.lifetime.clock.as_ref()),
        );
        text.extend_from_slice(b"\r\n");
        let mut outlet = Outlet::new(text, Framing::Bytes(0), http_body_util::Empty::new());
        if poll_fn(|cx| self.line.poll_send(&mut outlet, cx))
            .await
            .is_ok()
        {
            self.linger().await;
        }
    }

    async fn end(&self) -> Result<(), ServeError> {
        self.linger().await;
        Ok(())
    }

    /// Says farewell, and reads for a little while what may still come: a
    /// connection that is closed on unread bytes is reset, and the caller may
    /// never see what it was answered.
    async fn linger(&self) {
        let farewell = poll_fn(|cx| self.line.poll_shutdown(cx));
        let is_known_quiet = self.line.body_state() == BodyState::Read && self.line.is_empty();
        if farewell.await.is_ok() && !is_known_quiet {
            // Whether it hung up or not, that was its time.
            let (Ok(()) | Err(_)) = timeout(GRACE, poll_fn(|cx| self.line.poll_drain(cx))).await;
        }
    }
}

/// What comes after an exchange.
enum Next {
    /// A farewell.
    Farewell,
    /// Nothing: the connection is broken, or somebody else's.
    Nothing,
    /// Another request.
    Request,
}

/// Why a request was not read, and what it is answered.
struct Unreadable {
    answer: Option<StatusCode>,
    error: ServeError,
}

impl Unreadable {
    fn of(error: ServeError) -> Self {
        let answer = match &error {
            ServeError::Head {
                cause: HeadError::TooLarge | HeadError::TooManyFields,
            } => Some(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE),
            ServeError::Head { .. } => Some(StatusCode::BAD_REQUEST),
            ServeError::Flood { .. }
            | ServeError::HeaderTimeout
            | ServeError::Http2 { .. }
            | ServeError::NoPreface => None,
        };
        Self { answer, error }
    }
}

fn note(error: &WriteError<BodyError>) {
    tracing::debug!(
        error = error as &dyn std::error::Error,
        "a response broke off"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::passage::Passage;

    fn size_of_output<A, F>(_: impl FnOnce(A) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn a_connection_takes_little_memory() {
        let bytes = size_of_output(Conversation::<Passage>::hold);
        assert!(bytes <= MOST_BYTES, "{bytes} bytes");
    }

    /// Each HTTP/1 connection has one.
    const MOST_BYTES: usize = 8 * 1024;
}
