//! The heads of the frames in a stream of bytes (RFC 9113, 4.1).

use std::io::IoSlice;

/// What a frame says about itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FrameHead {
    /// Of what follows the head, in bytes.
    pub length: u32,
    /// What it is, as a number.
    pub kind: u8,
    /// What its kind makes of them.
    pub flags: u8,
}

impl FrameHead {
    pub(super) const BYTES: usize = 9;

    const fn read(bytes: [u8; Self::BYTES]) -> Self {
        let [l0, l1, l2, kind, flags, ..] = bytes;
        Self {
            length: u32::from_be_bytes([0, l0, l1, l2]),
            kind,
            flags,
        }
    }
}

/// What was written of `bufs` by a call that wrote `written` bytes.
pub fn written_parts<'a>(
    bufs: &'a [IoSlice<'_>],
    mut written: usize,
) -> impl Iterator<Item = &'a [u8]> {
    bufs.iter().map(move |buf| {
        let part = buf.get(..written).unwrap_or(buf);
        written -= part.len();
        part
    })
}

/// Where in the frames of one direction we are.
///
/// Payloads are skipped by their length and never looked at, so that a body
/// costs as little as its frames are large.
#[derive(Debug)]
pub struct Frames {
    held: [u8; FrameHead::BYTES],
    /// How many bytes of a head are held.
    filled: usize,
    /// Bytes to come that are no head.
    skip: usize,
}

impl Frames {
    /// At the first byte of what a client sends, which begins with the preface.
    #[must_use]
    pub const fn of_client() -> Self {
        Self {
            held: [0; FrameHead::BYTES],
            filled: 0,
            skip: PREFACE_BYTES,
        }
    }

    /// At the first byte of what a server sends.
    #[must_use]
    pub const fn of_server() -> Self {
        Self {
            skip: 0,
            ..Self::of_client()
        }
    }

    /// Takes the next bytes, and tells `seen` of each head that is whole by then.
    pub fn feed(&mut self, mut bytes: &[u8], mut seen: impl FnMut(FrameHead)) {
        loop {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = bytes.get(skipped..).unwrap_or_default();
            if bytes.is_empty() {
                return;
            }
            let Some(head) = self.head(&mut bytes) else {
                return;
            };
            self.skip = usize::try_from(head.length).unwrap_or(usize::MAX);
            seen(head);
        }
    }

    /// The head that begins, or goes on, at the first of `bytes`.
    fn head(&mut self, bytes: &mut &[u8]) -> Option<FrameHead> {
        if self.filled == 0
            && let Some((head, rest)) = bytes.split_first_chunk()
        {
            *bytes = rest;
            return Some(FrameHead::read(*head));
        }
        let space = self.held.iter_mut().skip(self.filled);
        let taken = space
            .zip(bytes.iter())
            .map(|(place, byte)| *place = *byte)
            .count();
        *bytes = bytes.get(taken..).unwrap_or_default();
        self.filled += taken;
        if self.filled < FrameHead::BYTES {
            return None;
        }
        self.filled = 0;
        Some(FrameHead::read(self.held))
    }
}

/// `PRI * HTTP/2.0` and its end (RFC 9113, 3.4). Whether it is right is the
/// library's business.
const PREFACE_BYTES: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::any;
    use proptest::proptest;

    proptest! {
        #[test]
        fn finds_each_head_however_the_bytes_are_cut(
            frames in vec((0..40_u32, any::<u8>(), any::<u8>()), 0..20),
            size in 1..64_usize,
        ) {
            let mut sent = vec![b'P'; PREFACE_BYTES];
            for &(length, kind, flags) in &frames {
                sent.extend(&length.to_be_bytes()[1..]);
                sent.extend([kind, flags, 0, 0, 0, 1]);
                sent.extend(vec![9; length as usize]);
            }
            let mut found = Vec::new();
            let mut reader = Frames::of_client();
            for piece in sent.chunks(size) {
                reader.feed(piece, |head| found.push((head.length, head.kind, head.flags)));
            }
            assert_eq!(found, frames);
        }
    }
}
