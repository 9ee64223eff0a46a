//! The writing side of a connection: a message as bytes, at the reader's pace.

use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Buf as _;
use bytes::Bytes;
use http_body::Body;
use tokio::io::AsyncWrite;

/// How the reader finds the end of a body.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Framing {
    /// The body's bytes are counted.
    Bytes(u64),
    /// The body comes in chunks.
    Chunked,
    /// The body ends with the connection.
    UntilClose,
}

/// A message on its way out. Its head's text says how its body is framed.
#[derive(Debug)]
pub struct Outlet<B> {
    body: B,
    /// A part of the body on its way.
    data: Bytes,
    framing: Framing,
    /// Whether the body has ended, and its end is among what is on its way.
    is_ended: bool,
    /// How many bytes were written.
    sent: u64,
    /// What comes after `data`.
    tail: &'static [u8],
    /// What comes before `data`.
    text: Vec<u8>,
    /// How much of `text` is written.
    written: usize,
}

impl<B: Body<Data = Bytes> + Unpin> Outlet<B> {
    /// A message that begins with the head `text`.
    pub fn new(text: Vec<u8>, framing: Framing, body: B) -> Self {
        let is_ended = framing == Framing::Bytes(0) && body.is_end_stream();
        Self {
            body,
            data: Bytes::new(),
            framing,
            is_ended,
            sent: 0,
            tail: b"",
            text,
            written: 0,
        }
    }

    /// Whether no byte was written yet.
    #[must_use]
    pub const fn is_unseen(&self) -> bool {
        self.sent == 0
    }

    /// The memory of the head's text, to be used again.
    #[must_use]
    pub fn into_text(mut self) -> Vec<u8> {
        self.text.clear();
        self.text
    }

    /// Writes until all is written. The head goes out with as much of the body as is there.
    ///
    /// # Errors
    ///
    /// [`WriteError`]; the message will never be whole.
    pub fn poll_send(
        &mut self,
        wire: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), WriteError<B::Error>>> {
        loop {
            let is_waiting = !self.is_ended && self.data.is_empty() && self.tail.is_empty();
            if is_waiting && self.poll_body(cx)?.is_pending() && !self.has_text() {
                ready!(Pin::new(wire).poll_flush(cx)).map_err(write_error)?;
                return Poll::Pending;
            }
            if self.is_ended && self.is_written() {
                return Pin::new(wire).poll_flush(cx).map_err(write_error);
            }
            if !self.is_written() {
                self.gather();
                ready!(self.poll_write(wire, cx))?;
            }
        }
    }

    /// Puts behind the head what fits into its memory: to copy that costs less
    /// than to make the kernel gather it.
    fn gather(&mut self) {
        let more = self.data.len() + self.tail.len();
        let room = self.text.capacity() - self.text.len();
        if self.has_text() && more > 0 && more <= room {
            self.text.extend_from_slice(&std::mem::take(&mut self.data));
            self.text.extend_from_slice(std::mem::take(&mut self.tail));
        }
    }

    const fn has_text(&self) -> bool {
        self.written < self.text.len()
    }

    fn is_written(&self) -> bool {
        !self.has_text() && self.data.is_empty() && self.tail.is_empty()
    }

    /// Takes the body's next part, or its end.
    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), WriteError<B::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx)).transpose();
        let frame = frame.map_err(|cause| WriteError::Body { cause })?;
        // HTTP/1 has no place for trailers that everybody would read.
        let data = frame.and_then(|frame| frame.into_data().ok());
        match (data, &mut self.framing) {
            (Some(data), Framing::Bytes(left)) => {
                let rest = left.checked_sub(data.len() as u64);
                *left = rest.ok_or(WriteError::OtherLength)?;
                // What it ends with may still be an error.
                self.is_ended = *left == 0 && self.body.is_end_stream();
                self.data = data;
            }
            (None, Framing::Bytes(0)) => self.is_ended = true,
            (None, Framing::Bytes(_)) => return Poll::Ready(Err(WriteError::OtherLength)),
            // An empty chunk would be the last.
            (Some(data), Framing::Chunked) if data.is_empty() => {}
            (Some(data), Framing::Chunked) => {
                self.chunk(data.len());
                self.data = data;
                self.is_ended = self.body.is_end_stream();
                self.tail = if self.is_ended { LAST_END } else { CHUNK_END };
            }
            (Some(data), Framing::UntilClose) => self.data = data,
            (None, Framing::UntilClose) => self.is_ended = true,
            (None, Framing::Chunked) => {
                self.is_ended = true;
                self.tail = LAST;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Begins a chunk of `bytes`.
    fn chunk(&mut self, bytes: usize) {
        if !self.has_text() {
            self.text.clear();
            self.written = 0;
        }
        self.text
            .extend_from_slice(format!("{bytes:X}\r\n").as_bytes());
    }

    fn poll_write(
        &mut self,
        wire: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), WriteError<B::Error>>> {
        let text = self.text.get(self.written..).unwrap_or_default();
        let wire = Pin::new(wire);
        let is_one = self.data.is_empty() && self.tail.is_empty();
        let outcome = if wire.is_write_vectored() && !is_one {
            let parts = [
                IoSlice::new(text),
                IoSlice::new(&self.data),
                IoSlice::new(self.tail),
            ];
            wire.poll_write_vectored(cx, &parts)
        } else {
            let parts = [text, &self.data, self.tail];
            let first = parts.into_iter().find(|part| !part.is_empty());
            wire.poll_write(cx, first.unwrap_or_default())
        };
        let mut written = ready!(outcome).map_err(write_error)?;
        if written == 0 {
            return Poll::Ready(Err(write_error(io::ErrorKind::WriteZero.into())));
        }
        self.sent = self.sent.saturating_add(written as u64);
        let of_text = written.min(text.len());
        self.written += of_text;
        written -= of_text;
        let of_data = written.min(self.data.len());
        self.data.advance(of_data);
        written -= of_data;
        self.tail = self.tail.get(written..).unwrap_or_default();
        Poll::Ready(Ok(()))
    }
}

const fn write_error<E>(cause: io::Error) -> WriteError<E> {
    WriteError::Io { cause }
}

/// Why a message did not go out whole.
#[derive(Debug, thiserror::Error)]
pub enum WriteError<E> {
    /// The body broke off.
    #[error("the body broke off")]
    Body {
        /// Why.
        #[source]
        cause: E,
    },
    /// The connection failed.
    #[error("the connection failed")]
    Io {
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// The body has another length than was announced.
    #[error("the body has not the length that was announced")]
    OtherLength,
}

const CHUNK_END: &[u8] = b"\r\n";
const LAST: &[u8] = b"0\r\n\r\n";
const LAST_END: &[u8] = b"\r\n0\r\n\r\n";

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::poll_fn;
    use std::iter::Peekable;

    use http_body::Frame;
    use proptest::prelude::*;
    use tokio::io::AsyncReadExt as _;

    use super::*;

    /// Parts with a pause before each, and perhaps an end that is not known with the last of them.
    struct Parts {
        polls: u32,
        parts: Peekable<std::vec::IntoIter<Vec<u8>>>,
        tells_end: bool,
    }

    impl Parts {
        fn of(parts: &[&str]) -> Self {
            let parts: Vec<_> = parts.iter().map(|part| part.as_bytes().to_vec()).collect();
            Self {
                polls: 0,
                parts: parts.into_iter().peekable(),
                tells_end: true,
            }
        }
    }

    impl Body for Parts {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            self.polls += 1;
            if self.polls % 2 == 1 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let part = self.parts.next();
            Poll::Ready(part.map(|part| Ok(Frame::data(part.into()))))
        }

        fn is_end_stream(&self) -> bool {
            self.tells_end && self.parts.clone().peek().is_none()
        }
    }

    /// A head with memory for something more.
    fn head() -> Vec<u8> {
        let mut text = Vec::with_capacity(32);
        text.extend_from_slice(b"head ");
        text
    }

    async fn sent(framing: Framing, body: Parts) -> Result<String, WriteError<Infallible>> {
        let (mut wire, mut theirs) = tokio::io::duplex(5);
        let mut outlet = Outlet::new(head(), framing, body);
        assert!(outlet.is_unseen());
        let send = async {
            let outcome = poll_fn(|cx| outlet.poll_send(&mut wire, cx)).await;
            drop(wire);
            outcome
        };
        let mut text = String::new();
        let (outcome, read) = tokio::join!(send, theirs.read_to_string(&mut text));
        read.unwrap();
        assert!(!outlet.is_unseen());
        outcome.map(|()| text)
    }

    #[tokio::test]
    async fn chunks_are_told_and_so_is_the_last() {
        for tells_end in [true, false] {
            let body = Parts {
                tells_end,
                ..Parts::of(&["Wiki", "", "pedia in chunks."])
            };
            let text = sent(Framing::Chunked, body).await.unwrap();
            assert_eq!(
                text,
                "head 4\r\nWiki\r\n10\r\npedia in chunks.\r\n0\r\n\r\n"
            );
        }
        let text = sent(Framing::Chunked, Parts::of(&[])).await.unwrap();
        assert_eq!(text, "head 0\r\n\r\n");
    }

    #[tokio::test]
    async fn a_body_is_as_long_as_was_announced_or_fails() {
        let text = sent(Framing::Bytes(4), Parts::of(&["Wi", "ki"])).await;
        assert_eq!(text.unwrap(), "head Wiki");
        assert_eq!(
            sent(Framing::Bytes(0), Parts::of(&[])).await.unwrap(),
            "head "
        );
        for parts in [["Wi", "kis"], ["Wi", "k"]] {
            let error = sent(Framing::Bytes(4), Parts::of(&parts))
                .await
                .unwrap_err();
            assert!(matches!(error, WriteError::OtherLength), "{parts:?}");
        }
    }

    #[tokio::test]
    async fn a_body_is_not_taken_while_nobody_reads() {
        let parts = vec![b"x".to_vec(); 100];
        let body = Parts {
            polls: 0,
            parts: parts.into_iter().peekable(),
            tells_end: true,
        };
        let (mut wire, _theirs) = tokio::io::duplex(5);
        let mut outlet = Outlet::new(head(), Framing::UntilClose, body);
        let mut unread = 0;
        poll_fn(|cx| {
            for _ in 0..300 {
                assert!(outlet.poll_send(&mut wire, cx).is_pending());
            }
            unread = outlet.body.parts.len();
            Poll::Ready(())
        })
        .await;
        assert!(unread > 60, "{unread}");
    }

    proptest! {
        #[test]
        fn what_goes_out_is_what_comes_in(
            parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..8),
            tells_end in any::<bool>(),
            room in 1_usize..50,
        ) {
            let body = Parts { polls: 0, parts: parts.clone().into_iter().peekable(), tells_end };
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let read = runtime.block_on(async {
                let (mut wire, mut theirs) = tokio::io::duplex(room);
                let mut outlet = Outlet::new(Vec::with_capacity(room), Framing::Chunked, body);
                let mut inlet = crate::http1::Inlet::of_responses();
                let mut decoder = crate::http1::Decoder::chunked();
                let send = poll_fn(|cx| outlet.poll_send(&mut wire, cx));
                let read = async {
                    let mut body = Vec::new();
                    while let Some(frame) =
                        poll_fn(|cx| inlet.poll_frame(&mut theirs, &mut decoder, cx)).await
                    {
                        body.extend(frame.unwrap().into_data().unwrap());
                    }
                    body
                };
                let (outcome, body) = tokio::join!(send, read);
                outcome.unwrap();
                body
            });
            prop_assert_eq!(read, parts.concat());
        }
    }
}
