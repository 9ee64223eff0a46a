//! The reading side of a connection: messages out of bytes, as they come.

use std::future::Future as _;
use std::io;
use std::pin::pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use bytes::BytesMut;
use http_body::Frame;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;

use crate::http1::chunked::ChunkError;
use crate::http1::chunked::Step;
use crate::http1::decoder::Decoder;
use crate::http1::head::Head;
use crate::http1::head::HeadError;
use crate::http1::head::HeadLimits;
use crate::http1::head::LineEnds;
use crate::http1::head::Message;
use crate::http1::head::Search;

/// What has come on a connection and was not taken yet.
///
/// What is taken shares the buffer's memory, which is used again once all of
/// that is gone.
#[derive(Debug)]
pub struct Inlet {
    buf: BytesMut,
    message: Message,
    /// How much room the next read gets.
    room: usize,
    search: Search,
}

impl Inlet {
    /// For a connection on which responses come.
    #[must_use]
    pub fn of_responses() -> Self {
        Self::new(Message::Response)
    }

    /// For a connection on which requests come.
    #[must_use]
    pub fn of_requests() -> Self {
        Self::new(Message::Request)
    }

    fn new(message: Message) -> Self {
        Self {
            buf: BytesMut::new(),
            message,
            room: LEAST_ROOM,
            search: Search::new(LineEnds::Lenient),
        }
    }

    /// The next head. Empty lines before it are skipped (RFC 9112 2.2).
    ///
    /// # Errors
    ///
    /// [`ReadError`]; the connection can be used no more.
    pub fn poll_head(
        &mut self,
        wire: &mut (impl AsyncRead + Unpin),
        limits: HeadLimits,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Head, ReadError>> {
        loop {
            let found = self.search.end(&self.buf);
            if let Some(end) = found.map_err(|cause| ReadError::Head { cause })? {
                self.search = Search::new(LineEnds::Lenient);
                if end > limits.bytes {
                    return Poll::Ready(Err(too_large()));
                }
                let head = Head::take(&mut self.buf, end);
                if end > 2 {
                    return Poll::Ready(Ok(head));
                }
                continue;
            }
            if self.buf.len() >= limits.bytes {
                return Poll::Ready(Err(too_large()));
            }
            let doubt = self.message.doubt(&self.buf);
            if let Some(cause) = doubt {
                return Poll::Ready(Err(ReadError::Head { cause }));
            }
            ready!(self.poll_more(wire, cx))?;
        }
    }

    /// The next part of the body that `decoder` finds the end of; none at its end.
    ///
    /// # Errors
    ///
    /// [`ReadError`]; the connection can be used no more.
    pub fn poll_frame(
        &mut self,
        wire: &mut (impl AsyncRead + Unpin),
        decoder: &mut Decoder,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ReadError>>> {
        loop {
            match decoder.next(&mut self.buf) {
                Ok(Step::Data(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Ok(Step::End(trailers)) => {
                    return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
                }
                Ok(Step::More) => {}
                Err(cause) => return Poll::Ready(Some(Err(ReadError::Chunk { cause }))),
            }
            match ready!(self.poll_more(wire, cx)) {
                Ok(()) => {}
                Err(ReadError::Closed) if decoder.ends_with_connection() => {
                    *decoder = Decoder::of(0);
                }
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
    }

    /// Whether the connection may take another message: nothing has come that
    /// nobody asked for, and the other side has not closed it.
    pub fn is_quiet(&mut self, wire: &mut (impl AsyncRead + Unpin)) -> bool {
        self.buf.is_empty()
            && self
                .poll_more(wire, &mut Context::from_waker(std::task::Waker::noop()))
                .is_pending()
    }

    /// Whether nothing has come that was not taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buf.is_empty()
    }

    /// Ready when the connection was closed. A little of what comes instead is
    /// kept for later; whoever sends more is not read until that was taken.
    pub fn poll_closed(
        &mut self,
        wire: &mut (impl AsyncRead + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        while self.buf.len() < MOST_AHEAD {
            if ready!(self.poll_more(wire, cx)).is_err() {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }

    /// Ready when the connection was closed. What comes instead is thrown away.
    pub fn poll_drained(
        &mut self,
        wire: &mut (impl AsyncRead + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        loop {
            self.buf.clear();
            if ready!(self.poll_more(wire, cx)).is_err() {
                return Poll::Ready(());
            }
        }
    }

    /// All that has come, for whoever reads on in another way.
    #[must_use]
    pub fn take_rest(&mut self) -> Bytes {
        self.buf.split().freeze()
    }

    /// Lets go of memory that only large messages need.
    pub fn rest(&mut self) {
        if self.room > LEAST_ROOM && self.buf.is_empty() {
            self.buf = BytesMut::new();
            self.room = LEAST_ROOM;
        }
    }

    fn poll_more(
        &mut self,
        wire: &mut (impl AsyncRead + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), ReadError>> {
        if self.buf.capacity() - self.buf.len() < LEAST_ROOM / 4 {
            self.buf.reserve(self.room);
        }
        let room = self.buf.capacity() - self.buf.len();
        let read = ready!(pin!(wire.read_buf(&mut self.buf)).poll(cx));
        match read.map_err(|cause| ReadError::Io { cause })? {
            0 => Poll::Ready(Err(ReadError::Closed)),
            read => {
                if read == room {
                    self.room = (self.room * 2).min(MOST_ROOM);
                }
                Poll::Ready(Ok(()))
            }
        }
    }
}

const fn too_large() -> ReadError {
    ReadError::Head {
        cause: HeadError::TooLarge,
    }
}

/// Why no more messages can be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Nobody can tell where the body ends.
    #[error("the body's chunks are malformed")]
    Chunk {
        /// What is wrong with them.
        #[source]
        cause: ChunkError,
    },
    /// The other side closed the connection.
    #[error("the connection was closed")]
    Closed,
    /// The head is no head.
    #[error("the message's head cannot be read")]
    Head {
        /// What is wrong with it.
        #[source]
        cause: HeadError,
    },
    /// The connection failed.
    #[error("the connection failed")]
    Io {
        /// What the system says.
        #[source]
        cause: io::Error,
    },
}

/// What may come of further requests while one is answered.
const MOST_AHEAD: usize = 16 * 1024;
/// A head, or a small message: what an unused connection may keep.
const LEAST_ROOM: usize = 4 * 1024;
/// Of a fast body, as much at once as the next hop's records carry in four.
const MOST_ROOM: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncWriteExt as _;

    use super::*;

    const LIMITS: HeadLimits = HeadLimits {
        bytes: 40,
        fields: 4,
    };

    async fn heads(sent: &[u8]) -> (Vec<Bytes>, ReadError) {
        let (mut wire, mut theirs) = tokio::io::duplex(7);
        let send = async {
            // The reader may have seen enough.
            drop(theirs.write_all(sent).await);
            drop(theirs);
        };
        let read = async {
            let mut inlet = Inlet::of_responses();
            let mut heads = Vec::new();
            loop {
                match poll_fn(|cx| inlet.poll_head(&mut wire, LIMITS, cx)).await {
                    Ok(Head(head)) => heads.push(head),
                    Err(error) => {
                        drop(wire);
                        return (heads, error);
                    }
                }
            }
        };
        tokio::join!(send, read).1
    }

    #[tokio::test]
    async fn heads_come_one_after_the_other_without_empty_lines_between() {
        let (heads, end) =
            heads(b"\r\n\r\nHTTP/1.1 200 \r\nb: c\r\n\r\n\r\nHTTP/1.1 204\n\n").await;
        assert_eq!(heads, ["HTTP/1.1 200 \r\nb: c\r\n\r\n", "HTTP/1.1 204\n\n"]);
        assert!(matches!(end, ReadError::Closed));
    }

    #[tokio::test]
    async fn a_head_may_be_as_large_as_the_limit_and_no_larger() {
        let fits = [b"HTTP/1.1 200 ".as_slice(), &[b'a'; 23], b"\r\n\r\n"].concat();
        let (read, _closed) = heads(&fits).await;
        assert_eq!(read, [fits]);
        for large in [24, 400] {
            let large = [b"HTTP/1.1 200 ".as_slice(), &vec![b'a'; large], b"\r\n\r\n"].concat();
            let (read, error) = heads(&large).await;
            assert!(read.is_empty());
            let ReadError::Head { cause } = error else {
                panic!("{error}")
            };
            assert_eq!(cause, HeadError::TooLarge);
        }
    }

    #[tokio::test]
    async fn what_will_never_be_a_head_is_not_waited_for() {
        let (mut wire, mut theirs) = tokio::io::duplex(64);
        theirs.write_all(b"\x16\x03\x01\x00\x05").await.unwrap();
        for mut inlet in [Inlet::of_requests(), Inlet::of_responses()] {
            let head = poll_fn(|cx| inlet.poll_head(&mut wire, LIMITS, cx)).await;
            assert!(matches!(head, Err(ReadError::Head { .. })), "{head:?}");
            theirs.write_all(b"\x16").await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_body_that_ends_with_its_connection_is_whole_and_any_other_is_not() {
        for (mut decoder, whole) in [
            (Decoder::until_close(), true),
            (Decoder::of(9), false),
            (Decoder::chunked(), false),
        ] {
            let mut inlet = Inlet::of_responses();
            let mut wire: &[u8] = b"4\r\nwhat";
            let mut body = Vec::new();
            let end = loop {
                match poll_fn(|cx| inlet.poll_frame(&mut wire, &mut decoder, cx)).await {
                    Some(Ok(frame)) => body.extend(frame.into_data().unwrap()),
                    end => break end,
                }
            };
            assert_eq!(end.is_none(), whole, "{decoder:?}");
            assert!(body.ends_with(b"what"), "{decoder:?}");
        }
    }

    #[tokio::test]
    async fn only_a_connection_on_which_nothing_waits_is_quiet() {
        let (mut wire, mut theirs) = tokio::io::duplex(64);
        let mut inlet = Inlet::of_responses();
        assert!(inlet.is_quiet(&mut wire));
        theirs
            .write_all(b"HTTP/1.1 408 Too late\r\n\r\n")
            .await
            .unwrap();
        assert!(!inlet.is_quiet(&mut wire));
        let (mut wire, theirs) = tokio::io::duplex(64);
        drop(theirs);
        assert!(!Inlet::of_responses().is_quiet(&mut wire));
    }

    #[tokio::test]
    async fn a_large_body_is_read_in_larger_parts_and_its_room_given_up_after_it() {
        let large = vec![b'a'; 1 << 20];
        let mut wire: &[u8] = &large;
        let mut decoder = Decoder::of(1 << 20);
        let mut inlet = Inlet::of_responses();
        let mut parts = Vec::new();
        while let Some(frame) = poll_fn(|cx| inlet.poll_frame(&mut wire, &mut decoder, cx)).await {
            parts.push(frame.unwrap().into_data().unwrap().len());
        }
        assert_eq!(parts.iter().sum::<usize>(), 1 << 20);
        assert!(parts.len() < 40, "{parts:?}");
        inlet.rest();
        assert_eq!((inlet.buf.capacity(), inlet.room), (0, LEAST_ROOM));
    }
}
