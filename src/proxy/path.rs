//! One reading of a path, or none.
//!
//! What is authorized is what is forwarded, so there is one text for both. It
//! is RFC 3986's normal form: escapes of unreserved characters are decoded and
//! the hex digits of the others are upper case. Whatever a server behind us
//! might read in a second way is refused: dot segments, empty segments,
//! escaped backslashes and controls, double escapes, text that is not UTF-8, and
//! (unless the service says otherwise) escaped slashes and path parameters.

use std::borrow::Cow;

use crate::policy::InnerSlashError;
use crate::policy::check_inner_slashes;

/// What may stand in a path although not all servers read it alike. By default nothing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Latitude {
    /// Whether `%2F` may.
    pub encoded_slashes: EncodedSlashes,
    /// Whether `;` may.
    pub semicolons: Semicolons,
}

impl Latitude {
    /// All that any service may have.
    pub const WIDEST: Self = Self {
        encoded_slashes: EncodedSlashes::Allow,
        semicolons: Semicolons::Allow,
    };

    /// What either takes.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            encoded_slashes: self.encoded_slashes.max(other.encoded_slashes),
            semicolons: self.semicolons.max(other.semicolons),
        }
    }
}

/// Whether a slash may stand inside a segment, as `%2F`.
///
/// It stays what it is, on the way to the policy and to the service, and parts
/// nothing. A service that decodes a path before it looks for what is asked
/// would see `/public%2Fadmin` as `/public/admin`, on which nobody decided.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum EncodedSlashes {
    /// A path with one is malformed.
    #[default]
    Refuse,
    /// It is part of the segment, as RFC 3986 has it, where even whoever decodes
    /// it finds no dot segment and no empty one.
    Allow,
}

/// Whether `;` may stand in a path.
///
/// Some servers cut a segment at `;` before they match it, so that `/admin;x`
/// and `/..;/admin` reach what a policy on `/admin` was to protect.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Semicolons {
    /// A path with `;` is malformed.
    #[default]
    Refuse,
    /// `;` is part of the segment, as RFC 3986 has it.
    Allow,
}

/// The one form of `path`, which begins with a slash and has no query.
///
/// # Errors
///
/// [`PathError`] says which rule the path breaks.
pub fn canonical(path: &str, latitude: Latitude) -> Result<Cow<'_, str>, PathError> {
    let bytes = path.as_bytes();
    if bytes.first() != Some(&b'/') {
        return Err(PathError::NoSlash);
    }
    let mut escaped = false;
    let mut previous = 0;
    for &byte in bytes {
        match class(byte) {
            Class::Plain => {}
            Class::Slash if previous == b'/' => return Err(PathError::EmptySegment),
            Class::Slash => {}
            Class::Percent => escaped = true,
            Class::Semicolon if latitude.semicolons == Semicolons::Allow => {}
            Class::Semicolon => return Err(PathError::Semicolon),
            Class::Forbidden => return Err(PathError::BadCharacter { byte }),
        }
        previous = byte;
    }
    let path = if escaped {
        Cow::Owned(decode(path, latitude)?)
    } else {
        Cow::Borrowed(path)
    };
    if has_dot_segment(&path) {
        return Err(PathError::DotSegment);
    }
    if escaped {
        let mut segments = path.split('/');
        let checked = segments.try_for_each(check_inner_slashes);
        checked.map_err(|cause| PathError::HiddenSegment { cause })?;
    }
    Ok(path)
}

/// Why a path has no canonical form.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PathError {
    /// A byte that RFC 3986 does not allow in a path.
    #[error("byte {byte:#04x} may not stand in a path")]
    BadCharacter {
        /// The byte.
        byte: u8,
    },
    /// `%` that two hex digits do not follow, or whose bytes are not UTF-8.
    #[error("an escape in the path is malformed")]
    BadEscape,
    /// A segment that is `.` or `..`, in any spelling.
    #[error("the path has a `.` or `..` segment")]
    DotSegment,
    /// `%25` before two hex digits, in any spelling: decoded twice it would be
    /// something else.
    #[error("the path is escaped twice")]
    DoubleEscape,
    /// Two slashes in a row.
    #[error("the path has an empty segment")]
    EmptySegment,
    /// An escaped slash, backslash or control character.
    #[error("the path escapes {byte:#04x}, which servers read in different ways")]
    EscapedSeparator {
        /// What the escape stands for.
        byte: u8,
    },
    /// Escaped slashes that would make another path, if they were slashes.
    #[error("an escaped slash hides a segment of the path")]
    HiddenSegment {
        /// What they hide.
        #[source]
        cause: InnerSlashError,
    },
    /// The path does not begin with a slash.
    #[error("the path does not begin with a slash")]
    NoSlash,
    /// A path parameter, where the service does not take any.
    #[error("the path has a `;`")]
    Semicolon,
}

fn decode(path: &str, latitude: Latitude) -> Result<String, PathError> {
    let mut raw = Vec::with_capacity(path.len());
    let mut out = String::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first != b'%' {
            raw.push(first);
            out.push(char::from(first));
            rest = after;
            continue;
        }
        let (byte, after) = escape(after).ok_or(PathError::BadEscape)?;
        match byte {
            b'/' if latitude.encoded_slashes == EncodedSlashes::Allow => {}
            b'/' | b'\\' | 0..=0x1f | 0x7f => return Err(PathError::EscapedSeparator { byte }),
            b';' if latitude.semicolons == Semicolons::Refuse => return Err(PathError::Semicolon),
            _ => {}
        }
        raw.push(byte);
        if is_unreserved(byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend([hex(byte >> 4), hex(byte & 15)]);
        }
        rest = after;
    }
    // Looked for in what was decoded: the second escape may be escaped as well.
    if has_escape(&raw) {
        return Err(PathError::DoubleEscape);
    }
    match std::str::from_utf8(&raw) {
        Ok(_) => Ok(out),
        Err(_) => Err(PathError::BadEscape),
    }
}

fn has_escape(bytes: &[u8]) -> bool {
    bytes
        .windows(3)
        .any(|three| matches!(three, [b'%', digits @ ..] if escape(digits).is_some()))
}

/// The byte that two hex digits stand for, and what follows them.
fn escape(text: &[u8]) -> Option<(u8, &[u8])> {
    let (&[high, low], rest) = text.split_first_chunk::<2>()?;
    let value = char::from(high).to_digit(16)? * 16 + char::from(low).to_digit(16)?;
    Some((u8::try_from(value).ok()?, rest))
}

fn hex(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).map_or('0', |digit| digit.to_ascii_uppercase())
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn has_dot_segment(path: &str) -> bool {
    // Most paths have no dot at a segment's start: look for that first.
    path.as_bytes().windows(2).any(|pair| pair == b"/.")
        && path.split('/').any(|segment| matches!(segment, "." | ".."))
}

#[derive(Clone, Copy)]
enum Class {
    Forbidden,
    Percent,
    Plain,
    Semicolon,
    Slash,
}

/// RFC 3986 3.3: `pchar`, with the bytes that need a second look set apart.
const fn class(byte: u8) -> Class {
    match byte {
        b'/' => Class::Slash,
        b'%' => Class::Percent,
        b';' => Class::Semicolon,
        b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=' | b':' | b'@' => {
            Class::Plain
        }
        other if is_unreserved(other) => Class::Plain,
        _ => Class::Forbidden,
    }
}

#[cfg(test)]
#[path = "path_tests.rs"]
mod tests;
