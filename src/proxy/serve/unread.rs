//! Requests that the HTTP/2 layer refuses before we see them.
//!
//! It resets the stream of a request that it cannot read, or answers 431 by
//! itself. Such a stream shows only in what goes out: an answer to something
//! that was never handed to us. So whoever serves says which streams it was
//! given, and what is written is read for the others.

use std::cell::Cell;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use crate::http2::worth;

/// The streams of one connection, by who knows of them.
#[derive(Debug, Default)]
pub(super) struct Unread {
    /// Answers on streams that had not been handed to us when they were written.
    answered: RefCell<VecDeque<(u32, &'static str)>>,
    /// The last stream that was handed to us.
    last: Cell<u32>,
    /// Streams before it that were not.
    skipped: RefCell<VecDeque<u32>>,
    /// Streams that were told of.
    told: RefCell<VecDeque<u32>>,
}

impl Unread {
    /// `stream` was handed to us.
    pub(super) fn handed(&self, stream: u32) {
        let next = self.last.replace(stream).saturating_add(1) | 1;
        // More than are remembered need not be gone through.
        let first = next.max(stream.saturating_sub(2 * MOST));
        for skipped in (first..stream).step_by(2) {
            remember(&self.skipped, skipped);
        }
    }

    /// Why the next stream was refused that never was, nor will be, handed to
    /// us. To be asked when all were handed to us that came.
    pub(super) fn next(&self) -> Option<&'static str> {
        loop {
            let (stream, reason) = self.answered.borrow_mut().pop_front()?;
            if !self.is_ours(stream) && !self.told.borrow().contains(&stream) {
                remember(&self.told, stream);
                return Some(reason);
            }
        }
    }

    fn is_ours(&self, stream: u32) -> bool {
        stream <= self.last.get() && !self.skipped.borrow().contains(&stream)
    }

    fn answered(&self, stream: u32, reason: &'static str) {
        if !self.is_ours(stream) {
            remember(&self.answered, (stream, reason));
        }
    }
}

/// Adds to `list`, of which the oldest is forgotten when it gets long.
fn remember<T>(list: &RefCell<VecDeque<T>>, item: T) {
    let mut list = list.borrow_mut();
    if list.len() >= MOST as usize {
        list.pop_front();
    }
    list.push_back(item);
}

/// Where in the frames (RFC 9113 4.1) we are.
#[derive(Debug)]
pub(super) struct Frames {
    /// What the frames since it was last looked at are worth to the caller.
    earned: u32,
    /// The frame's head so far, and with it the reason of a reset.
    head: Vec<u8>,
    /// Bytes of its payload that are of no interest.
    skip: usize,
    unread: Rc<Unread>,
}

impl Frames {
    pub(super) fn new(unread: Rc<Unread>) -> Self {
        Self {
            earned: 0,
            head: Vec::with_capacity(RESET_BYTES),
            skip: 0,
            unread,
        }
    }

    /// What was written since the last time gives the caller reason for: see [`worth`].
    pub(super) fn take_earned(&mut self) -> u32 {
        std::mem::take(&mut self.earned)
    }

    pub(super) fn written(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            let wanted = self.wanted();
            let rest = bytes.get(skipped..).unwrap_or_default();
            let taken = rest.len().min(wanted.saturating_sub(self.head.len()));
            self.head.extend(rest.iter().take(taken));
            bytes = rest.get(taken..).unwrap_or_default();
            if self.head.len() == self.wanted() {
                self.frame();
            }
        }
    }

    /// How many bytes tell all of the frame.
    fn wanted(&self) -> usize {
        if self.head.get(3) == Some(&RESET) {
            RESET_BYTES
        } else {
            HEAD_BYTES
        }
    }

    fn frame(&mut self) {
        let &[a, b, c, kind, _, d, e, f, g, ref code @ ..] = &*self.head else {
            return;
        };
        let stream = u32::from_be_bytes([d & 0x7f, e, f, g]);
        match kind {
            HEADERS => self.unread.answered(stream, "head_too_large"),
            RESET if code.last() == Some(&REFUSED) => {
                self.unread.answered(stream, "too_many_streams");
            }
            RESET => self.unread.answered(stream, "malformed_message"),
            _ => {}
        }
        let length = u32::from_be_bytes([0, a, b, c]);
        self.earned = self.earned.saturating_add(worth(kind, length));
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        self.skip = length.saturating_sub(code.len());
        self.head.clear();
    }
}

/// As many streams as are remembered: more than come between two turns.
const MOST: u32 = 512;
const HEAD_BYTES: usize = 9;
/// A head and an error code.
const RESET_BYTES: usize = 13;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
/// `REFUSED_STREAM`, the only error code of its last byte.
const REFUSED: u8 = 7;

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, 0];
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        frame
    }

    fn told(unread: &Unread) -> Vec<&'static str> {
        std::iter::from_fn(|| unread.next()).collect()
    }

    #[test]
    fn tells_of_each_answer_to_what_was_never_handed_over_however_it_is_cut() {
        let answers = [
            frame(4, 0, &[0; 6]),
            frame(HEADERS, 1, b"ours"),
            frame(RESET, 3, &[0, 0, 0, 1]),
            frame(0, 1, &[RESET; 30]),
            frame(RESET, 5, &[0, 0, 0, REFUSED]),
            frame(HEADERS, 9, b"too large"),
            frame(RESET, 9, &[0, 0, 0, 0]),
            frame(RESET, 7, &[0, 0, 0, 8]),
        ]
        .concat();
        for size in 1..answers.len() {
            let unread = Rc::new(Unread::default());
            let mut frames = Frames::new(Rc::clone(&unread));
            for part in answers.chunks(size) {
                frames.written(part);
            }
            assert_eq!(frames.take_earned(), 12, "two heads, one piece of data");
            // The layer writes before it hands over.
            unread.handed(1);
            unread.handed(7);
            assert_eq!(
                told(&unread),
                ["malformed_message", "too_many_streams", "head_too_large"],
                "in parts of {size}"
            );
            unread.handed(11);
            frames.written(&frame(RESET, 9, &[0; 4]));
            assert_eq!(told(&unread), [""; 0]);
        }
    }

    #[test]
    fn the_first_stream_may_be_one_that_is_refused() {
        let unread = Unread::default();
        unread.answered(1, "malformed_message");
        unread.handed(3);
        assert_eq!(told(&unread), ["malformed_message"]);
    }

    #[test]
    fn forgets_rather_than_to_grow() {
        let unread = Unread::default();
        unread.handed(1);
        unread.handed(0x7fff_ffff);
        assert_eq!(unread.skipped.borrow().len(), MOST as usize);
        for stream in 0..2 * MOST {
            unread.answered(stream * 2 + 0x7fff_fc01, "malformed_message");
        }
        assert!(told(&unread).len() <= MOST as usize);
    }
}
