//! A body whose small pieces travel together.
//!
//! A caller may cut a body into pieces of one byte, each of which costs a call
//! of the kernel's and a frame on its way on, at everybody else's expense. So
//! what has come by the time that somebody asks is handed on at once. Nothing
//! waits for more to come: a body that comes bit by bit leaves bit by bit.

use std::task::Context;
use std::task::Poll;
use std::task::ready;

use bytes::Bytes;
use bytes::BytesMut;
use http_body::Frame;

use crate::proxy::body::BodyError;
use crate::proxy::body::Source;

/// What a source says when it is asked for more.
type Piece = Option<Result<Frame<Bytes>, BodyError>>;

/// What a body's pieces come from.
pub(super) trait Pieces {
    /// The next piece; none at the end.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Piece>;

    /// Whether it is known that nothing more will come.
    fn is_over(&self) -> bool;
}

impl Pieces for Source {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Piece> {
        self.poll_frame(cx)
    }

    fn is_over(&self) -> bool {
        self.is_ended()
    }
}

/// What comes from a source, in pieces that are worth their cost.
#[derive(Debug)]
pub(super) struct Joined<S = Source> {
    /// What came after small pieces, and does not go with them.
    held: Option<Box<Piece>>,
    source: S,
}

impl Joined {
    /// How long the whole body is, where HTTP/1's framing tells. To be asked
    /// before anything is taken.
    pub(super) fn exact_length(&self) -> Option<u64> {
        self.source.exact_length()
    }
}

impl<S: Pieces> Joined<S> {
    pub(super) const fn new(source: S) -> Self {
        Self { held: None, source }
    }

    pub(super) fn is_ended(&self) -> bool {
        self.held.is_none() && self.source.is_over()
    }

    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Piece> {
        if let Some(held) = self.held.take() {
            return Poll::Ready(*held);
        }
        match ready!(self.source.poll_piece(cx)) {
            Some(Ok(frame)) if is_small(&frame) => {
                let joined = frame.into_data().map(|first| self.join(first, cx));
                Poll::Ready(Some(Ok(joined.map_or_else(|other| other, Frame::data))))
            }
            other => Poll::Ready(other),
        }
    }

    /// The small piece `first`, and the small ones that are there already.
    fn join(&mut self, first: Bytes, cx: &mut Context<'_>) -> Bytes {
        let Some(second) = self.next_small(cx) else {
            return first;
        };
        let mut all = BytesMut::with_capacity(SMALL * 2);
        all.extend_from_slice(&first);
        all.extend_from_slice(&second);
        for _ in 2..MOST {
            match self.next_small(cx) {
                Some(more) => all.extend_from_slice(&more),
                None => break,
            }
        }
        all.freeze()
    }

    /// The next small piece, if it is there; whatever else is there is held.
    fn next_small(&mut self, cx: &mut Context<'_>) -> Option<Bytes> {
        if self.source.is_over() {
            return None;
        }
        match self.source.poll_piece(cx) {
            Poll::Pending => None,
            Poll::Ready(Some(Ok(frame))) if is_small(&frame) => frame.into_data().ok(),
            Poll::Ready(other) => {
                // An end that the source remembers needs nobody else to.
                if other.is_some() || !self.source.is_over() {
                    self.held = Some(Box::new(other));
                }
                None
            }
        }
    }
}

fn is_small(frame: &Frame<Bytes>) -> bool {
    frame.data_ref().is_some_and(|data| data.len() < SMALL)
}

/// Larger pieces, in bytes, are not worth a copy.
const SMALL: usize = 512;
/// So that one body, in one turn, takes no more than 128 KiB.
const MOST: usize = 256;

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::future::poll_fn;

    use http::HeaderMap;
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    /// What a body is made of.
    #[derive(Clone, Debug)]
    enum Part {
        Data(Vec<u8>),
        Pause,
        Trailers,
        Break,
    }

    #[derive(Debug)]
    struct Parts {
        asked: usize,
        parts: VecDeque<Part>,
        tells_end: bool,
    }

    impl Pieces for Parts {
        fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Piece> {
            self.asked += 1;
            Poll::Ready(match self.parts.pop_front() {
                None => None,
                Some(Part::Pause) => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Some(Part::Data(data)) => Some(Ok(Frame::data(data.into()))),
                Some(Part::Trailers) => Some(Ok(Frame::trailers(trailers()))),
                Some(Part::Break) => Some(Err(BodyError::Silent)),
            })
        }

        fn is_over(&self) -> bool {
            self.tells_end && self.parts.is_empty()
        }
    }

    fn trailers() -> HeaderMap {
        let status = HeaderValue::from_static("0");
        HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), status)])
    }

    fn joined(parts: Vec<Part>) -> Joined<Parts> {
        Joined::new(Parts {
            asked: 0,
            parts: parts.into(),
            tells_end: true,
        })
    }

    /// The pieces as text; what is no data as `T` or `E`.
    fn pieces(body: &mut Joined<Parts>) -> Vec<String> {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let mut pieces = Vec::new();
        while let Some(piece) = runtime
            .as_ref()
            .unwrap()
            .block_on(poll_fn(|cx| body.poll_frame(cx)))
        {
            let (piece, ends) = match piece.map(Frame::into_data) {
                Ok(Ok(data)) => (String::from_utf8_lossy(&data).into_owned(), false),
                Ok(Err(frame)) => {
                    assert_eq!(frame.into_trailers().unwrap(), trailers());
                    ("T".to_owned(), true)
                }
                Err(_) => ("E".to_owned(), true),
            };
            pieces.push(piece);
            if ends {
                break;
            }
        }
        pieces
    }

    fn data(text: &str) -> Part {
        Part::Data(text.as_bytes().to_vec())
    }

    #[test]
    fn small_pieces_that_are_there_go_together_and_nothing_waits() {
        let parts = vec![
            data("a"),
            data("b"),
            data(""),
            data("c"),
            Part::Pause,
            data("d"),
        ];
        assert_eq!(pieces(&mut joined(parts)), ["abc", "d"]);
    }

    #[test]
    fn what_is_no_small_piece_keeps_its_place() {
        let large = "x".repeat(SMALL);
        for (part, told) in [
            (Part::Trailers, "T"),
            (Part::Break, "E"),
            (data(&large), &large),
        ] {
            let parts = vec![data("a"), data("b"), part];
            assert_eq!(pieces(&mut joined(parts)), ["ab", told]);
        }
    }

    #[test]
    fn the_end_is_known_with_the_last_piece() {
        let mut body = joined(vec![data("a"), data("b")]);
        assert!(!body.is_ended());
        let waker = std::task::Waker::noop();
        let first = body.poll_frame(&mut Context::from_waker(waker));
        assert!(matches!(first, Poll::Ready(Some(Ok(_)))));
        assert!(body.is_ended());
    }

    #[test]
    fn one_body_takes_no_more_than_its_share_of_a_turn() {
        let mut body = joined(vec![data("a"); MOST * 3]);
        let waker = std::task::Waker::noop();
        let first = body.poll_frame(&mut Context::from_waker(waker));
        assert!(
            matches!(first, Poll::Ready(Some(Ok(frame))) if frame.data_ref().unwrap().len() == MOST)
        );
        assert_eq!(body.source.asked, MOST);
    }

    fn part() -> impl Strategy<Value = Part> {
        let size = prop_oneof![0..4_usize, SMALL - 2..SMALL + 2];
        prop_oneof![
            4 => size.prop_map(|size| Part::Data(vec![b'd'; size])),
            1 => Just(Part::Pause),
        ]
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_out_of_place(
            parts in proptest::collection::vec(part(), 0..40),
            tells_end in any::<bool>(),
            last in prop_oneof![Just(None), Just(Some(Part::Trailers)), Just(Some(Part::Break))],
        ) {
            let mut all: String = parts
                .iter()
                .map(|part| match part {
                    Part::Data(data) => String::from_utf8_lossy(data).into_owned(),
                    _ => String::new(),
                })
                .collect();
            all.push_str(match last {
                None => "",
                Some(Part::Break) => "E",
                Some(_) => "T",
            });
            let parts = parts.into_iter().chain(last).collect();
            let mut body = joined(parts);
            body.source.tells_end = tells_end;
            let told = pieces(&mut body);
            prop_assert_eq!(told.concat(), all);
        }
    }
}
