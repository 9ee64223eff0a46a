//! What a client sends, with every `:authority` readable.

use bytes::Bytes;
use http::uri::Authority;

use crate::rpc::doorstep::block::Block;
use crate::rpc::doorstep::block::BlockError;
use crate::rpc::doorstep::decoder::Decoder;
use crate::rpc::doorstep::decoder::HpackError;
use crate::rpc::doorstep::frame::CONTINUATION;
use crate::rpc::doorstep::frame::END_HEADERS;
use crate::rpc::doorstep::frame::FrameHead;
use crate::rpc::doorstep::frame::HEADERS;

/// Turns the bytes of one client's connection, in pieces of any size, into the
/// bytes for a server.
///
/// Frames without header fields pass as they are. What a header block says also
/// passes as it is, but for an `:authority` that is none, in place of which
/// there is `localhost`. Blocks are written without a table, so that the
/// server's stays empty.
#[derive(Debug)]
pub struct Rewriter {
    state: State,
    decoder: Decoder,
    block: Option<Block>,
    /// A head or a frame that has not come whole.
    held: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// The connection's preface: so many bytes of it were seen.
    Preface(usize),
    Head,
    /// A frame with header fields.
    Fields(FrameHead),
    /// Any other frame: so many bytes of it are left.
    Pass(usize),
    /// After an error.
    Ended,
}

impl Default for Rewriter {
    fn default() -> Self {
        Self {
            state: State::Preface(0),
            decoder: Decoder::new(MOST_LIST_BYTES),
            block: None,
            held: Vec::new(),
        }
    }
}

impl Rewriter {
    /// At a connection's first byte.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes from the client and appends what the server should
    /// read to `output`.
    ///
    /// # Errors
    ///
    /// All of [`RewriteError`]. The connection must then end; whatever else is
    /// pushed is [`RewriteError::Ended`].
    pub fn push(&mut self, mut input: &[u8], output: &mut Vec<u8>) -> Result<(), RewriteError> {
        while !input.is_empty() {
            match self.step(input, output) {
                Ok(taken) => input = input.get(taken..).unwrap_or_default(),
                Err(error) => {
                    self.state = State::Ended;
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Takes some of `input` and says how much.
    fn step(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<usize, RewriteError> {
        match self.state {
            State::Preface(seen) => {
                let expected = PREFACE.get(seen..).unwrap_or_default();
                let taken = expected.len().min(input.len());
                let (now, _) = input.split_at_checked(taken).unwrap_or_default();
                if !expected.starts_with(now) {
                    return Err(RewriteError::NotHttp2);
                }
                output.extend_from_slice(now);
                self.state = if taken == expected.len() {
                    State::Head
                } else {
                    State::Preface(seen + taken)
                };
                Ok(taken)
            }
            State::Head => {
                let taken = self.hold(FrameHead::BYTES, input);
                let Ok(head) = <[u8; FrameHead::BYTES]>::try_from(self.held.as_slice()) else {
                    return Ok(taken);
                };
                self.held.clear();
                self.begin(FrameHead::read(head), head, output)?;
                Ok(taken)
            }
            State::Fields(head) => {
                let taken = self.hold(head.length, input);
                if self.held.len() == head.length {
                    self.fields(head, output)?;
                }
                Ok(taken)
            }
            State::Pass(left) => {
                let taken = left.min(input.len());
                output.extend_from_slice(input.get(..taken).unwrap_or_default());
                self.state = match left - taken {
                    0 => State::Head,
                    left => State::Pass(left),
                };
                Ok(taken)
            }
            State::Ended => Err(RewriteError::Ended),
        }
    }

    /// Holds bytes until there are `want` of them; says how many it took.
    fn hold(&mut self, want: usize, input: &[u8]) -> usize {
        let taken = want.saturating_sub(self.held.len()).min(input.len());
        self.held
            .extend_from_slice(input.get(..taken).unwrap_or_default());
        taken
    }

    fn begin(
        &mut self,
        head: FrameHead,
        bytes: [u8; FrameHead::BYTES],
        output: &mut Vec<u8>,
    ) -> Result<(), RewriteError> {
        match (head.kind, self.block.is_some()) {
            (HEADERS, false) | (CONTINUATION, true) => {
                if head.length > MOST_FRAME_BYTES {
                    let bytes = head.length;
                    return Err(RewriteError::LongFrame { bytes });
                }
                self.state = State::Fields(head);
                if head.length == 0 {
                    return self.fields(head, output);
                }
                Ok(())
            }
            // RFC 9113 6.10: nothing comes between the frames of a block, and
            // a block does not begin with a continuation.
            (CONTINUATION, false) | (_, true) => Err(RewriteError::OutOfPlace { kind: head.kind }),
            (_, false) => {
                output.extend_from_slice(&bytes);
                self.state = match head.length {
                    0 => State::Head,
                    left => State::Pass(left),
                };
                Ok(())
            }
        }
    }

    /// Takes a whole frame of header fields.
    fn fields(&mut self, head: FrameHead, output: &mut Vec<u8>) -> Result<(), RewriteError> {
        let wrong = |cause| RewriteError::BadBlock { cause };
        let block = match self.block.take() {
            None => Block::begin(head, &self.held).map_err(wrong)?,
            Some(block) => block.go_on(head, &self.held).map_err(wrong)?,
        };
        self.held.clear();
        self.state = State::Head;
        if !head.has(END_HEADERS) {
            self.block = Some(block);
            return Ok(());
        }
        let mut encoded = Vec::new();
        let fields = self.decoder.decode(block.fragment());
        for mut field in fields.map_err(|cause| RewriteError::Hpack { cause })? {
            if field.name.as_ref() == AUTHORITY
                && Authority::try_from(field.value.as_ref()).is_err()
            {
                field.value = Bytes::from_static(b"localhost");
            }
            field.encode(&mut encoded);
        }
        block.write(&encoded, MOST_FRAME_BYTES, output);
        Ok(())
    }
}

/// Why a connection must end.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RewriteError {
    /// The frames of a header block do not make one.
    #[error("the frames of a header block do not fit")]
    BadBlock {
        /// What is wrong with them.
        #[source]
        cause: BlockError,
    },
    /// It has ended before, for a reason that was told then.
    #[error("the connection has ended before")]
    Ended,
    /// A header block cannot be read.
    #[error("a header block cannot be read")]
    Hpack {
        /// Why not.
        #[source]
        cause: HpackError,
    },
    /// A frame of header fields that is longer than a frame may be.
    #[error("a frame of header fields has {bytes} bytes, more than {MOST_FRAME_BYTES}")]
    LongFrame {
        /// Its length.
        bytes: usize,
    },
    /// It does not begin as HTTP/2 does.
    #[error("the client does not speak HTTP/2 with prior knowledge")]
    NotHttp2,
    /// A frame where it may not stand.
    #[error("a frame of kind {kind} is out of place")]
    OutOfPlace {
        /// Its kind, as a number.
        kind: u8,
    },
}

/// RFC 9113, 3.4.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const AUTHORITY: &[u8] = b":authority";

/// RFC 9113 6.5.2: what it is unless the server says otherwise, and ours does not.
const MOST_FRAME_BYTES: usize = 16_384;

/// What the fields of one block may count for. gRPC's own limit is 8 KiB; a
/// token for an audience fits many times.
const MOST_LIST_BYTES: usize = 64 * 1024;
