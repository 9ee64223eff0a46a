//! A header block that comes in one frame or several.

use crate::rpc::doorstep::frame::CONTINUATION;
use crate::rpc::doorstep::frame::END_HEADERS;
use crate::rpc::doorstep::frame::END_STREAM;
use crate::rpc::doorstep::frame::FrameHead;
use crate::rpc::doorstep::frame::HEADERS;
use crate::rpc::doorstep::frame::PADDED;
use crate::rpc::doorstep::frame::PRIORITY;

/// The frames of a header block so far, without their heads and padding.
#[derive(Debug)]
pub(super) struct Block {
    stream: u32,
    end_stream: bool,
    priority: Option<[u8; 5]>,
    fragment: Vec<u8>,
    continuations: usize,
}

impl Block {
    /// With the payload of a HEADERS frame.
    pub(super) fn begin(head: FrameHead, payload: &[u8]) -> Result<Self, BlockError> {
        let mut rest = payload;
        if head.has(PADDED) {
            let (&padding, padded) = rest.split_first().ok_or(BlockError::Short)?;
            let kept = padded.len().checked_sub(usize::from(padding));
            rest = kept
                .and_then(|kept| padded.get(..kept))
                .ok_or(BlockError::Short)?;
        }
        let mut priority = None;
        if head.has(PRIORITY) {
            let (first, fragment) = rest.split_first_chunk().ok_or(BlockError::Short)?;
            priority = Some(*first);
            rest = fragment;
        }
        Ok(Self {
            stream: head.stream,
            end_stream: head.has(END_STREAM),
            priority,
            fragment: rest.to_vec(),
            continuations: 0,
        })
    }

    /// With the payload of a CONTINUATION frame.
    pub(super) fn go_on(mut self, head: FrameHead, payload: &[u8]) -> Result<Self, BlockError> {
        if head.stream != self.stream {
            return Err(BlockError::OtherStream {
                began: self.stream,
                found: head.stream,
            });
        }
        self.continuations += 1;
        // The first counts frames that hold nothing.
        if self.continuations > MOST_CONTINUATIONS
            || self.fragment.len() + payload.len() > MOST_BYTES
        {
            return Err(BlockError::TooLong);
        }
        self.fragment.extend_from_slice(payload);
        Ok(self)
    }

    pub(super) fn fragment(&self) -> &[u8] {
        &self.fragment
    }

    /// Appends `fragment` in the place of this block's own, in as many frames
    /// of at most `most` bytes as it needs.
    pub(super) fn write(&self, fragment: &[u8], most: usize, output: &mut Vec<u8>) {
        let priority = self.priority.as_ref().map_or(&[][..], |bytes| bytes);
        let room = most.saturating_sub(priority.len());
        let (mut now, mut rest) = fragment.split_at(room.min(fragment.len()));
        let mut flags = 0;
        if self.end_stream {
            flags |= END_STREAM;
        }
        if self.priority.is_some() {
            flags |= PRIORITY;
        }
        let mut kind = HEADERS;
        let mut before = priority;
        loop {
            if rest.is_empty() {
                flags |= END_HEADERS;
            }
            let head = FrameHead {
                length: before.len() + now.len(),
                kind,
                flags,
                stream: self.stream,
            };
            head.write(output);
            output.extend_from_slice(before);
            output.extend_from_slice(now);
            if rest.is_empty() {
                return;
            }
            (now, rest) = rest.split_at(most.min(rest.len()));
            (kind, flags, before) = (CONTINUATION, 0, &[]);
        }
    }
}

/// Why frames do not make a header block.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BlockError {
    /// A block that goes on in another stream.
    #[error("the header block of stream {began} goes on in stream {found}")]
    OtherStream {
        /// Where it began.
        began: u32,
        /// Where it went on.
        found: u32,
    },
    /// A frame that is shorter than what its flags promise.
    #[error("the frame is too short for its padding or its priority")]
    Short,
    /// More frames or bytes than a block may have.
    #[error("it has more than {MOST_CONTINUATIONS} more frames or {MOST_BYTES} bytes")]
    TooLong,
}

const MOST_CONTINUATIONS: usize = 8;
const MOST_BYTES: usize = 64 * 1024;
