//! How many frames that are no request a connection may send.
//!
//! Who sends a request may cancel it; who gets data opens its windows again,
//! and measures the way with a PING. So what we send earns a connection frames,
//! and a connection that gets nothing has only its allowance.

use tokio::time::Instant;

use crate::http2::frames::FrameHead;
use crate::http2::frames::Frames;

/// Counts what the other side sends on one connection.
///
/// It says the same of the same bytes, whatever pieces they come in.
#[derive(Debug)]
pub struct FloodGuard {
    /// Frames that it may send at once, and again in each second.
    allowance: u32,
    flood: Option<Flood>,
    frames: Frames,
    /// Frames that have begun, whatever they are.
    begun: u32,
    /// Frames that the connection may still send.
    left: u32,
    /// When it last got its allowance.
    refilled: Instant,
}

/// What a connection has too many of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flood {
    /// Parts of a body or a head with nothing in them.
    Empty,
    /// PING.
    Ping,
    /// PRIORITY, which nobody heeds any more.
    Priority,
    /// RST_STREAM: requests that are cancelled before they are answered.
    Reset,
    /// SETTINGS.
    Settings,
    /// Kinds that nobody knows, and those that a client has no use for.
    Unknown,
    /// WINDOW_UPDATE.
    WindowUpdate,
}

impl Flood {
    /// A stable word for records and metrics.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Empty => "http2_flood:empty",
            Self::Ping => "http2_flood:ping",
            Self::Priority => "http2_flood:priority",
            Self::Reset => "http2_flood:reset",
            Self::Settings => "http2_flood:settings",
            Self::Unknown => "http2_flood:unknown",
            Self::WindowUpdate => "http2_flood:window_update",
        }
    }

    /// What `head` would be too many of, and how many it counts for.
    const fn of(head: FrameHead) -> Option<(Self, u32)> {
        let flood = match head.kind {
            DATA if head.length == 0 && head.flags & END_STREAM == 0 => Self::Empty,
            HEADERS | CONTINUATION if head.length == 0 => Self::Empty,
            DATA | HEADERS | CONTINUATION => return None,
            PRIORITY => Self::Priority,
            RST_STREAM => Self::Reset,
            SETTINGS => Self::Settings,
            PING => Self::Ping,
            WINDOW_UPDATE => Self::WindowUpdate,
            _ => Self::Unknown,
        };
        Some((flood, 1 + head.length / BYTES_FOR_A_FRAME))
    }
}

impl FloodGuard {
    /// Of what a client sends on a connection that begins `now`, and may have
    /// so many `streams` at a time.
    #[must_use]
    pub const fn new(streams: u32, now: Instant) -> Self {
        Self::of(Frames::of_client(), streams, now)
    }

    /// The same of what a server sends.
    #[must_use]
    pub const fn of_server(streams: u32, now: Instant) -> Self {
        Self::of(Frames::of_server(), streams, now)
    }

    const fn of(frames: Frames, streams: u32, now: Instant) -> Self {
        let allowance = streams.saturating_mul(FRAMES_OF_A_STREAM);
        let allowance = if allowance < LEAST_ALLOWANCE {
            LEAST_ALLOWANCE
        } else {
            allowance
        };
        Self {
            allowance,
            flood: None,
            frames,
            begun: 0,
            left: allowance,
            refilled: now,
        }
    }

    /// Takes the next bytes of the other side, and says whether they, or what came
    /// before them, are a flood. `now` is asked only when it matters.
    pub fn read(&mut self, bytes: &[u8], now: impl Fn() -> Instant) -> Option<Flood> {
        if self.flood.is_some() {
            return self.flood;
        }
        let allowance = self.allowance;
        let (left, refilled, flood) = (&mut self.left, &mut self.refilled, &mut self.flood);
        let begun = &mut self.begun;
        self.frames.feed(bytes, |head| {
            *begun = begun.wrapping_add(1);
            let Some((kind, cost)) = Flood::of(head) else {
                return;
            };
            if *left < cost {
                let brought = brought(allowance, refilled, now());
                *left = allowance.min(left.saturating_add(brought)).max(*left);
            }
            match left.checked_sub(cost) {
                Some(rest) => *left = rest,
                None => *flood = flood.or(Some(kind)),
            }
        });
        self.flood
    }

    /// How many frames have begun. After the greatest number comes 0.
    #[must_use]
    pub const fn begun(&self) -> u32 {
        self.begun
    }

    /// The connection was sent what is [`worth`] so many frames.
    pub fn earn(&mut self, frames: u32) {
        let earned = self.left.saturating_add(frames);
        self.left = self.left.max(earned.min(MOST_SAVED));
    }
}

/// How many frames of the client's a frame of `kind` with `length` bytes, which
/// we send it, gives reason for.
///
/// Some clients open the window of the stream and of the connection again after
/// as little as 4 KiB, measure the way with each frame that they get, and give
/// each of their requests a priority.
#[must_use]
pub const fn worth(kind: u8, length: u32) -> u32 {
    match kind {
        DATA => 4 + length / 1024,
        HEADERS => 4,
        _ => 0,
    }
}

/// What time brings, of which a second brings the whole `allowance`.
fn brought(allowance: u32, refilled: &mut Instant, now: Instant) -> u32 {
    let passed = now.saturating_duration_since(*refilled);
    let brought = passed.as_micros() * u128::from(allowance) / 1_000_000;
    if brought > 0 {
        *refilled = now;
    }
    u32::try_from(brought).unwrap_or(u32::MAX)
}

/// A stream may be opened with a priority and a window, cancelled, and opened
/// and cancelled again within the same second, while no response comes.
const FRAMES_OF_A_STREAM: u32 = 4;
/// Who may have few streams still measures the way and keeps it open. A core
/// takes a thousand times as much.
const LEAST_ALLOWANCE: u32 = 1_000;
/// 64 streams may have 4 MB each at the client, which it reads in small pieces
/// and tells us so.
const MOST_SAVED: u32 = 256 * 1024;
/// Payloads that are not data cost at least their decryption.
const BYTES_FOR_A_FRAME: u32 = 256;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use proptest::collection::vec;
    use proptest::prelude::any;
    use proptest::proptest;

    const PREFACE: [u8; 24] = [b'P'; 24];
    const STREAMS: u32 = 1_000;
    const ALLOWANCE: u32 = 4_000;

    fn frame(kind: u8, flags: u8, length: u32) -> Vec<u8> {
        let mut frame = length.to_be_bytes()[1..].to_vec();
        frame.extend([kind, flags, 0, 0, 0, 0]);
        frame.extend(vec![0; length as usize]);
        frame
    }

    fn guard() -> (FloodGuard, Instant) {
        let now = Instant::now();
        let mut guard = FloodGuard::new(STREAMS, now);
        assert_eq!(guard.read(&PREFACE, || now), None);
        (guard, now)
    }

    #[test]
    fn each_kind_has_an_end_and_a_request_has_none() {
        let cases = [
            (frame(PING, 0, 8), Flood::Ping),
            (frame(PING, 1, 8), Flood::Ping),
            (frame(SETTINGS, 0, 0), Flood::Settings),
            (frame(WINDOW_UPDATE, 0, 4), Flood::WindowUpdate),
            (frame(PRIORITY, 0, 5), Flood::Priority),
            (frame(RST_STREAM, 0, 4), Flood::Reset),
            (frame(0xee, 0, 0), Flood::Unknown),
            (frame(7, 0, 8), Flood::Unknown),
            (frame(DATA, 0, 0), Flood::Empty),
            (frame(HEADERS, 0, 0), Flood::Empty),
            (frame(CONTINUATION, 0, 0), Flood::Empty),
        ];
        for (frame, flood) in cases {
            let (mut guard, now) = guard();
            let most = frame.repeat(ALLOWANCE as usize);
            assert_eq!(guard.read(&most, || now), None, "{flood:?}");
            assert_eq!(guard.read(&frame, || now), Some(flood));
            assert_eq!(guard.read(&[], || now), Some(flood), "it is forgotten");
        }
        let work = [
            frame(HEADERS, 4, 40),
            frame(DATA, 0, 1),
            frame(DATA, END_STREAM, 0),
        ];
        let (mut guard, now) = guard();
        let work = work.concat().repeat(100_000);
        assert_eq!(guard.read(&work, || now), None);
    }

    #[test]
    fn what_is_sent_to_a_client_gives_it_frames_and_so_does_time() {
        let (mut guard, now) = guard();
        let ping = frame(PING, 0, 8);
        assert_eq!(guard.read(&ping.repeat(4_000), || now), None);
        guard.earn(worth(DATA, 16_384));
        assert_eq!(guard.read(&ping.repeat(20), || now), None);
        guard.earn(worth(PING, 8));
        let second = now + Duration::from_secs(1);
        assert_eq!(guard.read(&ping.repeat(4_000), || second), None);
        let hour = now + Duration::from_secs(3_600);
        assert_eq!(guard.read(&ping.repeat(4_000), || hour), None);
        assert_eq!(guard.read(&ping, || hour), Some(Flood::Ping));
    }

    #[test]
    fn what_is_earned_is_saved_up_to_a_measure() {
        let (mut guard, now) = guard();
        guard.earn(u32::MAX);
        guard.earn(1);
        let update = frame(WINDOW_UPDATE, 0, 4);
        let most = update.repeat(MOST_SAVED as usize);
        assert_eq!(guard.read(&most, || now), None);
        assert_eq!(guard.read(&update, || now), Some(Flood::WindowUpdate));
    }

    #[test]
    fn a_large_frame_counts_for_many() {
        let (mut guard, now) = guard();
        let large = frame(0xee, 0, 16_384);
        assert_eq!(guard.read(&large.repeat(61), || now), None);
        assert_eq!(guard.read(&large, || now), Some(Flood::Unknown));
    }

    proptest! {
        #[test]
        fn the_verdict_is_the_same_however_the_bytes_are_cut(
            frames in vec((0..8_000_u32, 0..11_u8, any::<u8>()), 0..12),
            times in 1..40_usize,
            size in 1..5_000_usize,
        ) {
            let sent: Vec<u8> = frames
                .iter()
                .flat_map(|&(length, kind, flags)| frame(kind, flags, length))
                .collect();
            let sent = sent.repeat(times);
            let (mut whole, now) = guard();
            let (mut pieces, _) = guard();
            let verdict = whole.read(&sent, || now);
            let last = sent.chunks(size).fold(None, |_, piece| pieces.read(piece, || now));
            assert_eq!(last, verdict);
        }
    }
}
