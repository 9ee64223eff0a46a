//! One reading of a path, or none.
//!
//! What is authorized is what is forwarded, so there is one text for both. It
//! is RFC 3986's normal form: escapes of unreserved characters are decoded and
//! the hex digits of the others are upper case. Whatever a server behind us
//! might read in a second way is refused: dot segments, empty segments,
//! escaped slashes, backslashes and controls, double escapes, text that is not
//! UTF-8, and (unless the service says otherwise) path parameters.

use std::borrow::Cow;

/// Whether `;` may stand in a path.
///
/// Some servers cut a segment at `;` before they match it, so that `/admin;x`
/// and `/..;/admin` reach what a policy on `/admin` was to protect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Semicolons {
    /// `;` is part of the segment, as RFC 3986 has it.
    Allow,
    /// A path with `;` is malformed.
    Refuse,
}

/// The one form of `path`, which begins with a slash and has no query.
///
/// # Errors
///
/// [`PathError`] says which rule the path breaks.
pub fn canonical(path: &str, semicolons: Semicolons) -> Result<Cow<'_, str>, PathError> {
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
            Class::Semicolon if semicolons == Semicolons::Allow => {}
            Class::Semicolon => return Err(PathError::Semicolon),
            Class::Forbidden => return Err(PathError::BadCharacter { byte }),
        }
        previous = byte;
    }
    let path = if escaped {
        Cow::Owned(decode(path, semicolons)?)
    } else {
        Cow::Borrowed(path)
    };
    if has_dot_segment(&path) {
        return Err(PathError::DotSegment);
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
    /// The path does not begin with a slash.
    #[error("the path does not begin with a slash")]
    NoSlash,
    /// A path parameter, where the service does not take any.
    #[error("the path has a `;`")]
    Semicolon,
}

fn decode(path: &str, semicolons: Semicolons) -> Result<String, PathError> {
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
            b'/' | b'\\' | 0..=0x1f | 0x7f => return Err(PathError::EscapedSeparator { byte }),
            b';' if semicolons == Semicolons::Refuse => return Err(PathError::Semicolon),
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keeps_what_has_one_reading() {
        for path in [
            "/",
            "/a/b",
            "/a/",
            "/.well-known/x",
            "/...",
            "/a.b/..c",
            "/~u/(x)!$&'*+,=:@",
            "/%C3%A9",
            "/100%25",
            "/a%20b",
        ] {
            assert_eq!(canonical(path, Semicolons::Refuse).as_deref(), Ok(path));
        }
        assert_eq!(
            canonical("/a;v=1/b", Semicolons::Allow).as_deref(),
            Ok("/a;v=1/b")
        );
    }

    #[test]
    fn decodes_what_needed_no_escape() {
        for (path, expected) in [
            ("/%61dmin", "/admin"),
            ("/%7euser", "/~user"),
            ("/%c3%a9", "/%C3%A9"),
            ("/a%2eb", "/a.b"),
        ] {
            assert_eq!(canonical(path, Semicolons::Refuse).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn refuses_what_has_two_readings() {
        use PathError::{
            BadCharacter, BadEscape, DotSegment, DoubleEscape, EmptySegment, EscapedSeparator,
            NoSlash, Semicolon,
        };

        let cases = [
            ("", NoSlash),
            ("admin", NoSlash),
            ("*", NoSlash),
            ("//admin", EmptySegment),
            ("/a//b", EmptySegment),
            ("/public/../admin", DotSegment),
            ("/./admin", DotSegment),
            ("/admin/.", DotSegment),
            ("/admin/..", DotSegment),
            ("/%2e%2e/admin", DotSegment),
            ("/.%2E/admin", DotSegment),
            ("/admin%2fx", EscapedSeparator { byte: b'/' }),
            ("/public%2F..%2fadmin", EscapedSeparator { byte: b'/' }),
            ("/public%5c..%5cadmin", EscapedSeparator { byte: b'\\' }),
            ("/admin%00.html", EscapedSeparator { byte: 0 }),
            ("/a%0d%0ab", EscapedSeparator { byte: b'\r' }),
            ("/a%7f", EscapedSeparator { byte: 0x7f }),
            ("/%252e%252e/admin", DoubleEscape),
            ("/%25%32%65/admin", DoubleEscape),
            ("/%252%65/admin", DoubleEscape),
            ("/%25%32e/admin", DoubleEscape),
            ("/%c0%ae", BadEscape),
            ("/%zz", BadEscape),
            ("/%4", BadEscape),
            ("/%", BadEscape),
            ("/public/..;/admin", Semicolon),
            ("/admin;x=1", Semicolon),
            ("/admin%3bx", Semicolon),
            ("/a\\b", BadCharacter { byte: b'\\' }),
            ("/a b", BadCharacter { byte: b' ' }),
            ("/a|b", BadCharacter { byte: b'|' }),
            ("/{a}", BadCharacter { byte: b'{' }),
            ("/a#b", BadCharacter { byte: b'#' }),
            ("/\u{e9}", BadCharacter { byte: 0xc3 }),
        ];
        for (path, why) in cases {
            assert_eq!(canonical(path, Semicolons::Refuse), Err(why), "{path:?}");
        }
    }

    proptest! {
        #[test]
        fn the_canonical_form_is_its_own_canonical_form(path in "/([a-c/.;~]|%[0-9a-fA-F]{2}){0,12}") {
            for semicolons in [Semicolons::Allow, Semicolons::Refuse] {
                if let Ok(once) = canonical(&path, semicolons) {
                    let twice = canonical(&once, semicolons);
                    prop_assert_eq!(twice.as_deref(), Ok(once.as_ref()));
                }
            }
        }

        #[test]
        fn equal_after_decoding_means_equal_form(path in "/([a-c.]|%[0-9a-fA-F]{2}){0,8}") {
            // Escaping everything that may be escaped changes nothing.
            if let Ok(plain) = canonical(&path, Semicolons::Refuse) {
                let spelt: String = plain.chars().map(|c| match c {
                    'a'..='z' | '.' => format!("%{:02x}", c as u32),
                    other => other.to_string(),
                }).collect();
                let again = canonical(&spelt, Semicolons::Refuse);
                prop_assert_eq!(again.as_deref(), Ok(plain.as_ref()));
            }
        }
    }
}
