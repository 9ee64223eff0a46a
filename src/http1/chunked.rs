//! Where the chunks of a body end (RFC 9112 7.1).
//!
//! Stricter than the grammar asks for where leniency has let requests hide in
//! bodies: a line ends with CR LF, a size has at most sixteen digits, and an
//! extension holds no control characters.

use bytes::Bytes;
use bytes::BytesMut;
use http::HeaderMap;

use crate::http1::head;
use crate::http1::head::HeadError;

/// How far the reading of one chunked body has come.
#[derive(Debug)]
pub struct Chunked {
    /// Bytes of extensions that may still come.
    extensions: usize,
    place: Place,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    /// Before the line with a chunk's size.
    Size,
    /// In a chunk that has so many bytes left.
    Data(u64),
    /// Before the line end that follows a chunk.
    DataEnd,
    /// After the last chunk.
    Trailers,
    Ended,
}

/// What the next bytes of a body are.
#[derive(Debug)]
pub enum Step {
    /// A part of the body. Never empty.
    Data(Bytes),
    /// The end, and the trailers if there are any.
    End(Option<HeaderMap>),
    /// Nobody can tell before more bytes have come.
    More,
}

impl Default for Chunked {
    fn default() -> Self {
        Self {
            extensions: MOST_EXTENSION_BYTES,
            place: Place::Size,
        }
    }
}

impl Chunked {
    /// Takes the next part of the body out of `buf`.
    ///
    /// # Errors
    ///
    /// [`ChunkError`], after which the rest of the connection means nothing.
    pub fn next(&mut self, buf: &mut BytesMut) -> Result<Step, ChunkError> {
        loop {
            match self.place {
                Place::Size => {
                    let Some(size) = self.size(buf)? else {
                        return Ok(Step::More);
                    };
                    self.place = match size {
                        0 => Place::Trailers,
                        size => Place::Data(size),
                    };
                }
                Place::Data(left) => {
                    let Some((data, left)) = part(buf, left) else {
                        return Ok(Step::More);
                    };
                    self.place = match left {
                        // Whoever takes the last part knows it for the last, if that can be known.
                        0 if buf.starts_with(LAST) => {
                            drop(buf.split_to(LAST.len()));
                            Place::Ended
                        }
                        0 => Place::DataEnd,
                        left => Place::Data(left),
                    };
                    return Ok(Step::Data(data));
                }
                Place::DataEnd => match **buf {
                    [] | [b'\r'] => return Ok(Step::More),
                    [b'\r', b'\n', ..] => {
                        drop(buf.split_to(2));
                        self.place = Place::Size;
                    }
                    [..] => return Err(ChunkError::NoEnd),
                },
                Place::Trailers => return self.trailers(buf),
                Place::Ended => return Ok(Step::End(None)),
            }
        }
    }

    /// Whether the end was reached.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        matches!(self.place, Place::Ended)
    }

    /// The size that the next line tells, if the line is there.
    fn size(&mut self, buf: &mut BytesMut) -> Result<Option<u64>, ChunkError> {
        let Some(end) = memchr::memchr(b'\n', buf) else {
            return if buf.len() > MOST_LINE_BYTES {
                Err(ChunkError::LineTooLong)
            } else {
                Ok(None)
            };
        };
        if end > MOST_LINE_BYTES {
            return Err(ChunkError::LineTooLong);
        }
        let line = buf.split_to(end + 1);
        let line = line.strip_suffix(b"\r\n").ok_or(ChunkError::BareLineFeed)?;
        let digits = line
            .iter()
            .position(|byte| !byte.is_ascii_hexdigit())
            .unwrap_or(line.len());
        let (digits, extension) = line.split_at(digits);
        self.extensions = self
            .extensions
            .checked_sub(extension.len())
            .ok_or(ChunkError::LineTooLong)?;
        check_extension(extension)?;
        if digits.len() > MOST_DIGITS {
            return Err(ChunkError::BadSize);
        }
        let digits = str::from_utf8(digits).map_err(|_not_text| ChunkError::BadSize)?;
        u64::from_str_radix(digits, 16)
            .map(Some)
            .map_err(|_no_number| ChunkError::BadSize)
    }

    fn trailers(&mut self, buf: &mut BytesMut) -> Result<Step, ChunkError> {
        if buf.starts_with(b"\r\n") {
            drop(buf.split_to(2));
            self.place = Place::Ended;
            return Ok(Step::End(None));
        }
        let malformed = |cause| ChunkError::BadTrailers { cause };
        let Some(end) = head::end_of_fields(buf).map_err(malformed)? else {
            return if buf.len() > MOST_TRAILER_BYTES {
                Err(ChunkError::TrailersTooLarge)
            } else {
                Ok(Step::More)
            };
        };
        if end > MOST_TRAILER_BYTES {
            return Err(ChunkError::TrailersTooLarge);
        }
        let fields = buf.split_to(end).freeze();
        let trailers = head::fields(&fields).map_err(malformed)?;
        self.place = Place::Ended;
        Ok(Step::End(Some(trailers)))
    }
}

/// As much of a part of `left` bytes as is there, and what is left then.
pub(super) fn part(buf: &mut BytesMut, left: u64) -> Option<(Bytes, u64)> {
    if buf.is_empty() {
        return None;
    }
    let there = usize::try_from(left).map_or(buf.len(), |left| left.min(buf.len()));
    let data = buf.split_to(there).freeze();
    Some((data, left - there as u64))
}

/// Nothing, or blanks, or blanks and a `;` with what follows it.
fn check_extension(extension: &[u8]) -> Result<(), ChunkError> {
    let text = extension.trim_ascii_start();
    if extension
        .iter()
        .any(|&byte| byte != b'\t' && byte.is_ascii_control())
    {
        return Err(ChunkError::BadExtension);
    }
    match text {
        [] | [b';', ..] => Ok(()),
        [..] => Err(ChunkError::BadSize),
    }
}

/// Why nobody can tell where a body's chunks end.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub enum ChunkError {
    /// A control character in an extension.
    #[error("a chunk's extension has a control character")]
    BadExtension,
    /// No hexadecimal number of at most sixteen digits.
    #[error("a chunk's size is no hexadecimal number of up to {MOST_DIGITS} digits")]
    BadSize,
    /// Trailers that are no header fields.
    #[error("the trailers are malformed")]
    BadTrailers {
        /// What is wrong with them.
        #[source]
        cause: HeadError,
    },
    /// A line that ends without CR.
    #[error("a chunk's first line does not end with CR LF")]
    BareLineFeed,
    /// More extensions than anybody needs.
    #[error("a chunk's first line has more than {MOST_LINE_BYTES} bytes")]
    LineTooLong,
    /// A chunk that is longer than it says.
    #[error("a chunk does not end where it should")]
    NoEnd,
    /// More trailers than anybody needs.
    #[error("the trailers have more than {MOST_TRAILER_BYTES} bytes")]
    TrailersTooLarge,
}

/// What follows the last part of a body without trailers.
const LAST: &[u8] = b"\r\n0\r\n\r\n";
const MOST_DIGITS: usize = 16;
/// Of one chunk's first line.
const MOST_LINE_BYTES: usize = 4 * 1024;
/// Of all extensions of a body together: they can make a body of single bytes many times as long.
const MOST_EXTENSION_BYTES: usize = 16 * 1024;
const MOST_TRAILER_BYTES: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A body, its trailers, and what is left.
    type Whole = (Vec<u8>, Option<HeaderMap>, Vec<u8>);

    /// Reads `wire` in parts of `size` bytes.
    fn read(wire: &[u8], size: usize) -> Result<Whole, ChunkError> {
        let mut chunked = Chunked::default();
        let mut buf = BytesMut::new();
        let mut parts = wire.chunks(size);
        let mut body = Vec::new();
        loop {
            match chunked.next(&mut buf)? {
                Step::Data(data) => body.extend_from_slice(&data),
                Step::End(trailers) => {
                    let left = buf.iter().chain(parts.flatten()).copied().collect();
                    assert!(chunked.is_ended());
                    return Ok((body, trailers, left));
                }
                Step::More => match parts.next() {
                    Some(part) => buf.extend_from_slice(part),
                    None => return Ok((body, None, b"unfinished".to_vec())),
                },
            }
        }
    }

    #[test]
    fn reads_a_body_and_leaves_what_follows() {
        let wire = b"4;a=\"b\"\r\nWiki\r\n6 \r\npedia \r\nE\r\nin \r\n\r\nchunks.\r\n0\r\nGrpc-Status: 0\r\n\r\nHTTP/1.1";
        for size in 1..wire.len() {
            let (body, trailers, left) = read(wire, size).unwrap();
            assert_eq!(body, b"Wikipedia in \r\n\r\nchunks.");
            assert_eq!(trailers.unwrap()["grpc-status"], "0");
            assert_eq!(left, b"HTTP/1.1");
        }
    }

    #[test]
    fn what_has_no_single_reading_has_none() {
        let long = [b"1;".as_slice(), &[b'a'; MOST_LINE_BYTES], b"\r\n"].concat();
        let many = [b"0\r\n".as_slice(), &b"a: b\r\n".repeat(4000), b"\r\n"].concat();
        for (wire, error) in [
            (b"\r\n".as_slice(), ChunkError::BadSize),
            (b"1\nA\r\n0\r\n\r\n", ChunkError::BareLineFeed),
            (b"0x1\r\nA\r\n", ChunkError::BadSize),
            (b"-1\r\nA\r\n", ChunkError::BadSize),
            (b"+1\r\nA\r\n", ChunkError::BadSize),
            (b" 1\r\nA\r\n", ChunkError::BadSize),
            (b"1 2\r\nA\r\n", ChunkError::BadSize),
            (b"11111111111111111\r\n", ChunkError::BadSize),
            (b"1;a\rb\r\nA\r\n", ChunkError::BadExtension),
            (b"1;\0\r\nA\r\n", ChunkError::BadExtension),
            (b"1\r\nAB\r\n", ChunkError::NoEnd),
            (b"1\r\nA\n0\r\n\r\n", ChunkError::NoEnd),
            (&long, ChunkError::LineTooLong),
            (&many, ChunkError::TrailersTooLarge),
        ] {
            for size in [1, 7, wire.len()] {
                let read = read(wire, size).map(|(body, ..)| String::from_utf8(body));
                assert_eq!(
                    read.unwrap_err(),
                    error,
                    "{:?} by {size}",
                    wire.escape_ascii().to_string()
                );
            }
        }
        let error = read(b"0\r\na b: c\r\n\r\n", 100).unwrap_err();
        assert!(matches!(error, ChunkError::BadTrailers { .. }));
    }

    #[test]
    fn extensions_cannot_make_a_body_many_times_as_long() {
        let wire =
            b"1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nA\r\n".repeat(1000);
        assert_eq!(read(&wire, 999).unwrap_err(), ChunkError::LineTooLong);
    }

    proptest! {
        #[test]
        fn any_body_in_any_chunks_is_read_however_it_comes(
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..200), 0..10),
            size in 1_usize..300,
        ) {
            let mut wire = Vec::new();
            for chunk in &chunks {
                wire.extend(format!("{:X}\r\n", chunk.len()).bytes());
                wire.extend(chunk);
                wire.extend(b"\r\n");
            }
            wire.extend(b"0\r\n\r\nnext");
            let (body, trailers, left) = read(&wire, size).unwrap();
            prop_assert_eq!(body, chunks.concat());
            prop_assert!(trailers.is_none());
            prop_assert_eq!(left, b"next");
        }

        #[test]
        fn how_it_is_cut_makes_no_difference(
            wire in proptest::collection::vec(
                prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'0'), Just(b'1'), Just(b';'), Just(b' '), any::<u8>()],
                0..60,
            ),
            size in 1_usize..60,
        ) {
            let whole = read(&wire, wire.len().max(1)).map(|(body, _, left)| (body, left));
            let cut = read(&wire, size).map(|(body, _, left)| (body, left));
            match (whole, cut) {
                (Ok(whole), Ok(cut)) => prop_assert_eq!(whole, cut),
                (Err(_), Err(_)) => {}
                (whole, cut) => prop_assert!(false, "{:?} against {:?}", whole, cut),
            }
        }
    }
}
