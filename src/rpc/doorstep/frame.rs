//! The head of an HTTP/2 frame (RFC 9113, 4.1).

/// The first nine bytes of a frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct FrameHead {
    /// Of what follows the head, in bytes.
    pub(super) length: usize,
    pub(super) kind: u8,
    pub(super) flags: u8,
    /// Without the reserved bit.
    pub(super) stream: u32,
}

impl FrameHead {
    pub(super) const BYTES: usize = 9;

    pub(super) fn read(bytes: [u8; Self::BYTES]) -> Self {
        let [l0, l1, l2, kind, flags, s0, s1, s2, s3] = bytes;
        Self {
            length: usize::from(l0) << 16 | usize::from(l1) << 8 | usize::from(l2),
            kind,
            flags,
            stream: u32::from_be_bytes([s0, s1, s2, s3]) & 0x7fff_ffff,
        }
    }

    pub(super) fn write(self, output: &mut Vec<u8>) {
        // No frame of ours is longer than 16 KiB.
        let [_, l0, l1, l2] = u32::try_from(self.length).unwrap_or(0).to_be_bytes();
        output.extend_from_slice(&[l0, l1, l2, self.kind, self.flags]);
        output.extend_from_slice(&self.stream.to_be_bytes());
    }

    pub(super) const fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

pub(super) const HEADERS: u8 = 1;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const END_STREAM: u8 = 0x01;
pub(super) const END_HEADERS: u8 = 0x04;
pub(super) const PADDED: u8 = 0x08;
pub(super) const PRIORITY: u8 = 0x20;
