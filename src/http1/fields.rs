//! The fields by which a message says where it ends, and whether another may follow.

use http::Version;

/// What `Transfer-Encoding` says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Coding {
    None,
    /// `chunked`, once, and nothing else.
    Chunked,
    Other,
}

impl Coding {
    /// Takes in one more field.
    pub(super) fn read(&mut self, value: &[u8]) {
        let is_first = *self == Self::None;
        *self = if is_first && value.eq_ignore_ascii_case(b"chunked") {
            Self::Chunked
        } else {
            Self::Other
        };
    }
}

/// What `Content-Length` says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Length {
    None,
    Bytes(u64),
    /// No plain number (RFC 9110 8.6), or two.
    Unclear,
}

impl Length {
    /// Takes in one more field.
    pub(super) fn read(&mut self, value: &[u8]) {
        *self = match (*self, plain_number(value)) {
            (Self::None, Some(bytes)) => Self::Bytes(bytes),
            (Self::Bytes(before), Some(bytes)) if before == bytes => Self::Bytes(bytes),
            (Self::None | Self::Bytes(_) | Self::Unclear, _) => Self::Unclear,
        };
    }
}

/// Digits, and nothing else.
fn plain_number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(text).ok()?.parse().ok()
}

/// What `Connection` says of what follows the message (RFC 9112 9.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Persistence {
    Close,
    KeepAlive,
    Unsaid,
}

impl Persistence {
    /// Takes in one more field. A farewell holds whatever else is said.
    pub(super) fn read(&mut self, value: &[u8]) {
        for token in tokens(value) {
            if token.eq_ignore_ascii_case(b"close") {
                *self = Self::Close;
            } else if *self == Self::Unsaid && token.eq_ignore_ascii_case(b"keep-alive") {
                *self = Self::KeepAlive;
            }
        }
    }

    /// Whether another message may follow one of `version`.
    pub(super) fn keeps(self, version: Version) -> bool {
        match self {
            Self::Close => false,
            Self::KeepAlive => true,
            Self::Unsaid => version == Version::HTTP_11,
        }
    }
}

/// The elements of a field that is a list.
pub fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii)
}
