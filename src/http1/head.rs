//! Where a head ends, and its fields.

use std::mem::MaybeUninit;

use bytes::Bytes;
use bytes::BytesMut;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;

/// The largest head that is read.
#[derive(Clone, Copy, Debug)]
pub struct HeadLimits {
    /// In bytes, with its first line and all line ends.
    pub bytes: usize,
    /// In fields.
    pub fields: usize,
}

/// How lines may end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum LineEnds {
    /// With CR LF.
    Strict,
    /// With CR LF or LF: RFC 9112 2.2 lets a recipient take it.
    Lenient,
}

/// Looks for the end of a head in bytes that come one after the other.
#[derive(Debug)]
pub(super) struct Search {
    ends: LineEnds,
    /// Where the first line begins that was not looked at whole.
    line: usize,
}

impl Search {
    pub(super) const fn new(ends: LineEnds) -> Self {
        Self { ends, line: 0 }
    }

    /// Where the head in `buf` ends, which begins as it did the last time.
    pub(super) fn end(&mut self, buf: &[u8]) -> Result<Option<usize>, HeadError> {
        while let Some(rest) = buf.get(self.line..) {
            let Some(length) = memchr::memchr(b'\n', rest) else {
                return Ok(None);
            };
            let line = rest.get(..length).unwrap_or_default();
            if self.ends == LineEnds::Strict && line.last() != Some(&b'\r') {
                return Err(HeadError::BareLineFeed);
            }
            self.line += length + 1;
            if matches!(line, [] | [b'\r']) {
                return Ok(Some(self.line));
            }
        }
        Ok(None)
    }
}

/// What begins with a head.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Message {
    Request,
    Response,
}

impl Message {
    /// Why what begins with `start` will never be such a message, if that can
    /// be told from its first bytes: whoever speaks something else may never
    /// send a line's end.
    pub(super) fn doubt(self, start: &[u8]) -> Option<HeadError> {
        let start = start.get(..MOST_DOUBTFUL).unwrap_or(start);
        let read = with_room(USUAL_FIELDS, |room| match self {
            Self::Request => httparse::Request::new(&mut [])
                .parse_with_uninit_headers(start, room)
                .map(drop),
            Self::Response => httparse::ParserConfig::default()
                .parse_response_with_uninit_headers(
                    &mut httparse::Response::new(&mut []),
                    start,
                    room,
                )
                .map(drop),
        });
        // As many fields as there are is not for this to say.
        read.err()
            .filter(|error| *error != httparse::Error::TooManyHeaders)
            .map(HeadError::from)
    }
}

/// A head that is there whole.
#[derive(Clone, Debug)]
pub struct Head(pub(super) Bytes);

impl Head {
    /// Takes `end` bytes out of `buf`.
    pub(super) fn take(buf: &mut BytesMut, end: usize) -> Self {
        Self(buf.split_to(end).freeze())
    }

    /// Whether this is how HTTP/2 begins (RFC 9113 3.4).
    #[must_use]
    pub fn is_http2_preface(&self) -> bool {
        *self.0 == *b"PRI * HTTP/2.0\r\n\r\n"
    }
}

/// Where the fields in `buf` end, with the empty line after them.
pub(super) fn end_of_fields(buf: &[u8]) -> Result<Option<usize>, HeadError> {
    Search::new(LineEnds::Strict).end(buf)
}

/// The fields in `text`, which ends with an empty line.
pub(super) fn fields(text: &Bytes) -> Result<HeaderMap, HeadError> {
    let mut room = [httparse::EMPTY_HEADER; MOST_TRAILERS];
    match httparse::parse_headers(text, &mut room).map_err(HeadError::from)? {
        httparse::Status::Complete((end, fields)) if end == text.len() => {
            let mut map = HeaderMap::with_capacity(fields.len());
            for field in fields {
                let (name, value) = field_of(text, field)?;
                map.append(name, value);
            }
            Ok(map)
        }
        httparse::Status::Complete(_) | httparse::Status::Partial => Err(HeadError::BadField),
    }
}

/// A field of the head `text`, whose bytes it shares.
pub(super) fn field_of(
    text: &Bytes,
    field: &httparse::Header<'_>,
) -> Result<(HeaderName, HeaderValue), HeadError> {
    let name =
        HeaderName::from_bytes(field.name.as_bytes()).map_err(|_bad_name| HeadError::BadField)?;
    Ok((name, value_of(text, field.value)?))
}

/// A value in the head `text`, whose bytes it shares.
pub(super) fn value_of(text: &Bytes, value: &[u8]) -> Result<HeaderValue, HeadError> {
    if value.is_empty() {
        return Ok(HeaderValue::from_static(""));
    }
    HeaderValue::from_maybe_shared(text.slice_ref(value)).map_err(|_bad_value| HeadError::BadField)
}

/// Hands `read` room for `fields` fields, which is on the stack for as many as are usual.
pub(super) fn with_room<'a, R>(
    fields: usize,
    read: impl FnOnce(&mut [MaybeUninit<httparse::Header<'a>>]) -> R,
) -> R {
    let mut usual = [const { MaybeUninit::uninit() }; USUAL_FIELDS];
    if let Some(room) = usual.get_mut(..fields) {
        return read(room);
    }
    let mut room = Vec::new();
    room.resize_with(fields, MaybeUninit::uninit);
    read(&mut room)
}

/// Why a head cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum HeadError {
    /// A line without a colon, or a name or value with characters that have no place there.
    #[error("a header field is malformed")]
    BadField,
    /// Two ends of the body, or none that could be found.
    #[error("nobody can tell where the body ends")]
    BadFraming,
    /// A first line that is none.
    #[error("the first line is malformed")]
    BadFirstLine,
    /// A line that ends without CR.
    #[error("a line does not end with CR LF")]
    BareLineFeed,
    /// More bytes than are taken.
    #[error("the head is too large")]
    TooLarge,
    /// More fields than are taken.
    #[error("the head has too many fields")]
    TooManyFields,
}

impl From<httparse::Error> for HeadError {
    fn from(error: httparse::Error) -> Self {
        match error {
            httparse::Error::HeaderName | httparse::Error::HeaderValue => Self::BadField,
            httparse::Error::TooManyHeaders => Self::TooManyFields,
            httparse::Error::NewLine
            | httparse::Error::Status
            | httparse::Error::Token
            | httparse::Error::Version => Self::BadFirstLine,
        }
    }
}

/// Looked at again with every part of a head that comes, so not more than a first part.
const MOST_DOUBTFUL: usize = 512;
/// Trailers are few.
const MOST_TRAILERS: usize = 64;
/// As many fields as doors take unless told otherwise.
const USUAL_FIELDS: usize = 100;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_head_ends_with_its_first_empty_line() {
        for (text, ends, end) in [
            (
                "a\r\nb: c\r\n\r\nbody\r\n\r\n",
                LineEnds::Strict,
                Ok(Some(11)),
            ),
            ("a\nb: c\n\nbody\n\n", LineEnds::Lenient, Ok(Some(8))),
            ("a\r\nb: c\n\r\nbody", LineEnds::Lenient, Ok(Some(10))),
            ("\r\n", LineEnds::Strict, Ok(Some(2))),
            ("a\r\nb: c\r\n\r", LineEnds::Strict, Ok(None)),
            (
                "a\nb: c\r\n\r\n",
                LineEnds::Strict,
                Err(HeadError::BareLineFeed),
            ),
            (
                "a\r\nb: c\r\n\n",
                LineEnds::Strict,
                Err(HeadError::BareLineFeed),
            ),
        ] {
            assert_eq!(Search::new(ends).end(text.as_bytes()), end, "{text:?}");
        }
    }

    #[test]
    fn more_fields_than_are_usual_find_room() {
        for fields in [0, USUAL_FIELDS, USUAL_FIELDS + 1, 1000] {
            assert_eq!(with_room(fields, |room| room.len()), fields);
        }
    }

    proptest! {
        #[test]
        fn the_end_is_where_it_is_however_the_bytes_come(
            text in proptest::collection::vec(
                prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'a')], 0..40),
            cuts in proptest::collection::vec(0_usize..40, 0..10),
        ) {
            for ends in [LineEnds::Strict, LineEnds::Lenient] {
                let whole = Search::new(ends).end(&text);
                let mut cuts = cuts.clone();
                cuts.sort_unstable();
                cuts.push(text.len());
                let mut search = Search::new(ends);
                let mut found = Ok(None);
                for cut in cuts {
                    found = search.end(text.get(..cut).unwrap_or(&text));
                    if found != Ok(None) {
                        break;
                    }
                }
                prop_assert_eq!(whole, found);
            }
        }
    }
}
