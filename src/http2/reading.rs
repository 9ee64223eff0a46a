//! How a connection is read: its frames counted, and not too many at once.
//!
//! The library looks at all that there is before it lets go: hundreds of frames
//! of a byte each in one buffer, and one buffer after the other, while whoever
//! else is on the core waits. So after some frames there is nothing to read
//! until the others had their turn. Where frames are small, less is read at a
//! time. A request is few frames: for it, this is a sum and a comparison.

use std::io;
use std::pin::Pin;
use std::pin::pin;
use std::task::Context;
use std::task::Poll;
use std::task::ready;

use tokio::io::AsyncRead;
use tokio::io::ReadBuf;
use tokio::task::yield_now;
use tokio::time::Instant;

use crate::http2::flood::Flood;
use crate::http2::flood::FloodGuard;
use crate::http2::frames::FrameHead;

/// Reads what the other side sends.
#[derive(Debug)]
pub struct Reading {
    guard: FloodGuard,
    /// The most bytes that are read at once: few where frames are small.
    most: usize,
    /// Frames since others had their turn.
    since: u32,
}

impl Reading {
    /// Of a client whose connection begins now, and may have so many `streams`
    /// at a time.
    #[must_use]
    pub fn new(streams: u32) -> Self {
        Self::guarded_by(FloodGuard::new(streams, Instant::now()))
    }

    /// The same of a server.
    #[must_use]
    pub fn of_server(streams: u32) -> Self {
        Self::guarded_by(FloodGuard::of_server(streams, Instant::now()))
    }

    fn guarded_by(guard: FloodGuard) -> Self {
        Self {
            guard,
            // Nobody has seen yet how large its frames are.
            most: worth_a_turn(0, 0),
            since: 0,
        }
    }

    /// The connection was sent what is worth so many frames.
    pub fn earn(&mut self, frames: u32) {
        self.guard.earn(frames);
    }

    /// Reads from `stream` into `buf` what is no flood. `Pending` wakes the task
    /// when `stream` does, or, if it is others' turn, when they had it.
    ///
    /// # Errors
    ///
    /// Those of `stream`.
    pub fn poll_read(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<Option<Flood>>> {
        if self.since >= FRAMES_OF_A_TURN {
            self.since = 0;
            return Self::let_others(cx);
        }
        let before = buf.filled().len();
        if self.most < buf.remaining() {
            let mut part = ReadBuf::new(buf.initialize_unfilled_to(self.most));
            ready!(Pin::new(stream).poll_read(cx, &mut part))?;
            let read = part.filled().len();
            buf.advance(read);
        } else {
            ready!(Pin::new(stream).poll_read(cx, buf))?;
        }
        let bytes = buf.filled().get(before..).unwrap_or_default();
        let begun = self.guard.begun();
        let flood = self.guard.read(bytes, Instant::now);
        let frames = self.guard.begun().wrapping_sub(begun);
        self.since = self.since.saturating_add(frames);
        if frames > FRAMES_OF_A_TURN {
            self.most = worth_a_turn(bytes.len(), frames);
        } else if frames <= FRAMES_OF_A_TURN / 2 {
            // By and by: what is left of a piece is little, whatever comes next.
            self.most = self.most.saturating_mul(2);
        }
        if flood.is_some() {
            // Whoever is told of a flood has got nothing.
            buf.set_filled(before);
        }
        Poll::Ready(Ok(flood))
    }

    /// Has the task woken when others had their turn.
    fn let_others<T>(cx: &mut Context<'_>) -> Poll<T> {
        // To be woken at once would put us before whoever waits for the network.
        match pin!(yield_now()).poll(cx) {
            Poll::Pending => {}
            Poll::Ready(()) => cx.waker().wake_by_ref(),
        }
        Poll::Pending
    }
}

/// How many of so many `bytes` with so many `frames` are the frames of one turn.
fn worth_a_turn(bytes: usize, frames: u32) -> usize {
    let (frames, turn) = (frames as usize, FRAMES_OF_A_TURN as usize);
    (bytes.saturating_mul(turn) / frames.max(1)).max(turn * FrameHead::BYTES)
}

/// The library takes about a microsecond for each.
const FRAMES_OF_A_TURN: u32 = 128;

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering;
    use std::task::Wake;
    use std::task::Waker;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Gives its pieces one by one, whole if there is room, and always has one.
    struct Pieces<'a>(Vec<&'a [u8]>);

    impl AsyncRead for Pieces<'_> {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            if let Some(piece) = self.0.pop() {
                let (now, later) = piece.split_at(piece.len().min(buf.remaining()));
                buf.put_slice(now);
                if !later.is_empty() {
                    self.0.push(later);
                }
            }
            Poll::Ready(Ok(()))
        }
    }

    /// What was read of `sent` in each turn, with `room` for so much at once.
    fn turns(sent: &[u8], piece: usize, room: usize) -> Vec<Vec<u8>> {
        let mut stream = Pieces(sent.chunks(piece).rev().collect());
        let mut reading = Reading::new(1_000);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut cx = Context::from_waker(&waker);
        let mut turns = vec![Vec::new()];
        loop {
            let mut held = vec![0; room + 3];
            let mut buf = ReadBuf::new(&mut held);
            // What is in the buffer already stays.
            buf.put_slice(b"was");
            let read = reading.poll_read(&mut stream, &mut cx, &mut buf);
            let filled = buf.filled().strip_prefix(b"was").unwrap();
            match read {
                Poll::Ready(read) => {
                    assert_eq!(read.unwrap(), None);
                    if filled.is_empty() {
                        assert_eq!(woken.0.load(Ordering::Relaxed), turns.len() - 1);
                        return turns;
                    }
                    turns.last_mut().unwrap().extend(filled);
                }
                Poll::Pending => {
                    assert!(filled.is_empty());
                    assert_eq!(woken.0.load(Ordering::Relaxed), turns.len());
                    turns.push(Vec::new());
                }
            }
        }
    }

    fn data(length: usize) -> Vec<u8> {
        let mut frame = u32::try_from(length).unwrap().to_be_bytes()[1..].to_vec();
        frame.extend([0, 0, 0, 0, 0, 1]);
        frame.extend(vec![7; length]);
        frame
    }

    #[test]
    fn a_flood_of_small_frames_takes_many_turns_and_large_ones_take_one() {
        let begin = [0; 24];
        let small = [&begin[..], &data(1).repeat(6_000)].concat();
        let taken = turns(&small, 16_384, 8_192);
        let most = taken.iter().map(Vec::len).max().unwrap();
        assert!(most <= 10 * 3 * 128, "{most} bytes in one turn");
        let large = [&begin[..], &data(16_384).repeat(100)].concat();
        assert_eq!(turns(&large, 16_384, 8_192).len(), 1);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_whoever_waits_is_woken(
            lengths in vec((prop_oneof![1_usize..3, 1_usize..5_000], 1_usize..400), 0..12),
            piece in 1_usize..20_000,
            room in 1_usize..20_000,
        ) {
            let mut sent = vec![0; 24];
            for (length, times) in lengths {
                sent.extend(data(length).repeat(times));
            }
            prop_assert_eq!(turns(&sent, piece, room).concat(), sent);
        }
    }
}
