//! Where a body ends, whichever way it is framed (RFC 9112 6).

use bytes::BytesMut;

use crate::http1::chunked;
use crate::http1::chunked::ChunkError;
use crate::http1::chunked::Chunked;
use crate::http1::chunked::Step;

/// Finds the end of one body.
#[derive(Debug)]
pub struct Decoder(Framing);

#[derive(Debug)]
enum Framing {
    /// So many bytes are left.
    Bytes(u64),
    Chunked(Chunked),
    UntilClose,
}

impl Decoder {
    /// A body of `bytes`.
    #[must_use]
    pub const fn of(bytes: u64) -> Self {
        Self(Framing::Bytes(bytes))
    }

    /// A body in chunks.
    #[must_use]
    pub fn chunked() -> Self {
        Self(Framing::Chunked(Chunked::default()))
    }

    /// A body that ends with its connection.
    #[must_use]
    pub const fn until_close() -> Self {
        Self(Framing::UntilClose)
    }

    /// Takes the next part of the body out of `buf`.
    ///
    /// # Errors
    ///
    /// [`ChunkError`], after which the rest of the connection means nothing.
    pub fn next(&mut self, buf: &mut BytesMut) -> Result<Step, ChunkError> {
        match &mut self.0 {
            Framing::Bytes(0) => Ok(Step::End(None)),
            Framing::Bytes(left) => Ok(match chunked::part(buf, *left) {
                Some((data, rest)) => {
                    *left = rest;
                    Step::Data(data)
                }
                None => Step::More,
            }),
            Framing::Chunked(chunked) => chunked.next(buf),
            Framing::UntilClose if buf.is_empty() => Ok(Step::More),
            Framing::UntilClose => Ok(Step::Data(buf.split().freeze())),
        }
    }

    /// Whether the end was reached.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        match &self.0 {
            Framing::Bytes(left) => *left == 0,
            Framing::Chunked(chunked) => chunked.is_ended(),
            Framing::UntilClose => false,
        }
    }

    /// Whether the body is whole when its connection ends here.
    #[must_use]
    pub const fn ends_with_connection(&self) -> bool {
        matches!(self.0, Framing::UntilClose)
    }

    /// How many bytes are left, if the framing tells.
    #[must_use]
    pub const fn left(&self) -> Option<u64> {
        match &self.0 {
            Framing::Bytes(left) => Some(*left),
            Framing::Chunked(_) | Framing::UntilClose => None,
        }
    }
}
