//! Where the frames of a WebSocket end, which HTTP/1 may become.
//!
//! A word of ours may only stand between two frames (RFC 6455 5.5). Of what the
//! other side sends, the heads of frames are read and nothing else.

/// What a side has been sent of a WebSocket.
#[derive(Debug, Default)]
pub struct WebSocketFrames {
    /// How much of a payload is still to come.
    payload: u64,
    /// What is there of a head.
    head: [u8; MOST_HEAD],
    head_bytes: usize,
    /// Whether it was told that nothing more comes.
    is_closed: bool,
    /// What kind of frame was begun last.
    opcode: u8,
    /// How many pieces of text or data there were since somebody last asked.
    words: usize,
}

impl WebSocketFrames {
    /// `bytes` more were sent.
    pub fn sent(&mut self, mut bytes: &[u8]) {
        while let Some((&first, rest)) = bytes.split_first() {
            if self.payload > 0 {
                let passed = bytes
                    .len()
                    .min(usize::try_from(self.payload).unwrap_or(usize::MAX));
                self.payload -= passed as u64;
                self.count_words();
                bytes = bytes.get(passed..).unwrap_or_default();
                continue;
            }
            if let Some(place) = self.head.get_mut(self.head_bytes) {
                *place = first;
            }
            self.head_bytes += 1;
            bytes = rest;
            self.read_head();
        }
    }

    /// Whether another frame may begin.
    #[must_use]
    pub const fn may_close(&self) -> bool {
        self.payload == 0 && self.head_bytes == 0 && !self.is_closed
    }

    /// Whether any of what was sent since the last question is text or data: a
    /// frame of control is none.
    pub const fn take_words(&mut self) -> bool {
        std::mem::replace(&mut self.words, 0) > 0
    }

    const fn count_words(&mut self) {
        if self.opcode & CONTROL == 0 {
            self.words = self.words.saturating_add(1);
        }
    }

    /// Takes note of the head, if it is whole.
    fn read_head(&mut self) {
        let [first, second, more @ ..] = self.head;
        let long = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask = if second & 0x80 == 0 { 0 } else { 4 };
        if self.head_bytes < 2 || self.head_bytes < 2 + long + mask {
            return;
        }
        let digits = more.iter().take(long);
        self.payload = match long {
            0 => u64::from(second & 0x7f),
            _ => digits.fold(0, |length, &digit| (length << 8) | u64::from(digit)),
        };
        self.is_closed |= first & 0x0f == CLOSE;
        self.opcode = first & 0x0f;
        self.count_words();
        self.head_bytes = 0;
    }
}

/// Whether that is what a response to an upgrade has changed to.
#[must_use]
pub fn is_websocket(protocol: Option<&http::HeaderValue>) -> bool {
    protocol.is_some_and(|protocol| protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// From a server, which does not mask: closed for policy violation, 1008, as
/// RFC 6455 7.4.1 has it.
pub const POLICY_VIOLATION: &[u8] = b"\x88\x12\x03\xf0permit_withdrawn";

const CLOSE: u8 = 8;
/// RFC 6455 5.5.
const CONTROL: u8 = 0x08;
/// Two bytes, eight of length, four of mask.
const MOST_HEAD: usize = 14;

#[cfg(test)]
mod tests {
    use proptest::prelude::any;
    use proptest::prelude::prop;
    use proptest::proptest;

    use super::*;

    const MASK: [u8; 4] = [0xff; 4];

    /// A frame as RFC 6455 5.2 has it.
    fn frame(first: u8, mask: &[u8], payload: usize) -> Vec<u8> {
        let bit = if mask.is_empty() { 0 } else { 0x80 };
        let mut frame = vec![first];
        match payload {
            0..=125 => frame.push(bit | u8::try_from(payload).unwrap()),
            126..=0xffff => {
                frame.push(bit | 126);
                frame.extend(u16::try_from(payload).unwrap().to_be_bytes());
            }
            _ => {
                frame.push(bit | 127);
                frame.extend((payload as u64).to_be_bytes());
            }
        }
        frame.extend(mask);
        // As if each byte of it began a frame that closes.
        frame.extend(vec![0x88; payload]);
        frame
    }

    #[test]
    fn a_frame_of_ours_stands_between_two_others_and_after_no_farewell() {
        let mut frames = WebSocketFrames::default();
        assert!(frames.may_close());
        for byte in frame(0x81, &[], 2) {
            frames.sent(&[byte]);
        }
        assert!(frames.may_close());
        for (first, payload) in [(0x02, 126), (0x00, 65_535), (0x89, 0), (0x80, 65_536)] {
            let bytes = frame(first, &MASK, payload);
            frames.sent(&bytes[..bytes.len() - 1]);
            assert!(!frames.may_close(), "{payload}");
            frames.sent(&bytes[bytes.len() - 1..]);
            assert!(frames.may_close(), "{payload}");
        }
        frames.sent(POLICY_VIOLATION);
        assert!(!frames.may_close());
    }

    #[test]
    fn a_ping_is_no_word_and_what_is_said_is() {
        let mut frames = WebSocketFrames::default();
        for (first, payload, has_words) in [
            (0x8a, 0, false),
            (0x81, 3, true),
            (0x89, 125, false),
            (0x02, 0, true),
            (0x80, 70_000, true),
        ] {
            let bytes = frame(first, &MASK, payload);
            frames.sent(&bytes[..1]);
            assert!(!frames.take_words(), "{first:#x} is not there");
            frames.sent(&bytes[1..]);
            assert_eq!(frames.take_words(), has_words, "{first:#x}");
            assert!(!frames.take_words(), "{first:#x} was told of");
        }
        // So is each part of it.
        let bytes = frame(0x82, &MASK, 70_000);
        frames.sent(&bytes[..100]);
        assert!(frames.take_words());
        frames.sent(&bytes[100..]);
        assert!(frames.take_words());
    }

    #[test]
    fn the_longest_frame_is_still_one() {
        let mut frames = WebSocketFrames::default();
        frames.sent(b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff\x88\x00");
        assert!(!frames.may_close());
        assert_eq!(frames.payload, u64::MAX - 2);
    }

    proptest! {
        #[test]
        fn it_does_not_matter_in_which_pieces_frames_come(
            sizes in prop::collection::vec((any::<bool>(), 0_usize..300), 1..6),
            cuts in prop::collection::vec(1_usize..50, 1..40),
        ) {
            let mut ends = vec![0];
            let mut bytes = Vec::new();
            for (mask, payload) in sizes {
                let mask = if mask { &MASK[..] } else { &[] };
                bytes.extend(frame(0x82, mask, payload));
                ends.push(bytes.len());
            }
            let (mut frames, mut at) = (WebSocketFrames::default(), 0);
            for cut in cuts.into_iter().cycle() {
                let next = (at + cut).min(bytes.len());
                frames.sent(&bytes[at..next]);
                at = next;
                assert_eq!(frames.may_close(), ends.contains(&at), "{at} of {ends:?}");
                if at == bytes.len() {
                    break;
                }
            }
        }
    }
}
