//! What happens, told to a browser or a command as it happens: Server-Sent Events.
//!
//! A stream begins at once with a comment, so that whoever asks knows that they
//! watch; one that has nothing to tell says so every few seconds; and it ends with an
//! `end`, so that a sidecar that stops differs from a line that breaks.

use crate::drain::Watch;
use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::BodyExt as _;
use http_body_util::StreamBody;
use http_body_util::combinators::UnsyncBoxBody;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Interval;
use tokio::time::MissedTickBehavior;
use tokio::time::interval;

/// The body of an answer, which may go on for as long as somebody watches.
pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Something that has things to tell.
pub(super) trait Source: Send + 'static {
    /// How long to wait for it before `pulse` is asked.
    const PACE: Duration;

    /// The next events, if there are any to tell.
    ///
    /// # Cancellation
    ///
    /// Must lose nothing if it is not awaited.
    fn next(&mut self) -> impl Future<Output = Vec<u8>> + Send;

    /// What is told each [`PACE`](Self::PACE).
    fn pulse(&mut self) -> Vec<u8>;

    /// What is left to tell when the sidecar ends.
    fn last(&mut self) -> Vec<u8>;
}

struct Telling<S> {
    /// Held for as long as somebody watches.
    _place: OwnedSemaphorePermit,
    is_over: bool,
    pace: Interval,
    source: S,
    stop: Watch,
}

/// Tells what `source` has, until it is to `stop` or nobody listens any more.
pub(super) fn body<S: Source>(source: S, place: OwnedSemaphorePermit, stop: Watch) -> Body {
    let mut pace = interval(S::PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick is at once, and tells that it has begun.
    let frames = stream::unfold(
        Telling {
            _place: place,
            is_over: false,
            pace,
            source,
            stop,
        },
        step,
    );
    StreamBody::new(frames).boxed_unsync()
}

async fn step<S: Source>(
    mut telling: Telling<S>,
) -> Option<(Result<Frame<Bytes>, Infallible>, Telling<S>)> {
    let events = telling.next().await?;
    Some((Ok(Frame::data(Bytes::from(events))), telling))
}

impl<S: Source> Telling<S> {
    async fn next(&mut self) -> Option<Vec<u8>> {
        if self.is_over {
            return None;
        }
        loop {
            let events = tokio::select! {
                biased;
                () = self.stop.draining() => {
                    self.is_over = true;
                    let mut events = self.source.last();
                    append(&mut events, Some("end"), b"{}");
                    events
                }
                _ = self.pace.tick() => self.source.pulse(),
                events = self.source.next() => events,
            };
            if !events.is_empty() {
                return Some(events);
            }
        }
    }
}

/// Appends an event whose `data` is one line, with or without its newline.
pub(super) fn append(to: &mut Vec<u8>, name: Option<&str>, data: &[u8]) {
    if let Some(name) = name {
        to.extend_from_slice(b"event: ");
        to.extend_from_slice(name.as_bytes());
        to.push(b'\n');
    }
    to.extend_from_slice(b"data: ");
    to.extend_from_slice(data.strip_suffix(b"\n").unwrap_or(data));
    to.extend_from_slice(b"\n\n");
}

/// A comment, which says only that we are there.
pub(super) const HERE: &[u8] = b":\n\n";
