//! What a caller chose, made harmless for a line.

use crate::audit::request_id::digit;
use bytes::Bytes;
use http::HeaderValue;
use http::uri::Authority;
use http::uri::PathAndQuery;
use std::sync::Arc;

/// A piece of text that is cheap to hold and to clone. It may be any bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Text {
    /// Bytes off the wire.
    Bytes(Bytes),
    /// A host, and perhaps a port.
    Host(Authority),
    /// Text that others hold, too.
    Shared(Arc<str>),
    /// Text that is part of the program.
    Static(&'static str),
    /// A path, and perhaps a query.
    Target(PathAndQuery),
    /// A header field's value.
    Value(HeaderValue),
}

impl Text {
    /// The bytes, as they came.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Host(host) => host.as_str().as_bytes(),
            Self::Shared(text) => text.as_bytes(),
            Self::Static(text) => text.as_bytes(),
            Self::Target(target) => target.as_str().as_bytes(),
            Self::Value(value) => value.as_bytes(),
        }
    }
}

impl From<&'static str> for Text {
    fn from(text: &'static str) -> Self {
        Self::Static(text)
    }
}

impl From<Arc<str>> for Text {
    fn from(text: Arc<str>) -> Self {
        Self::Shared(text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::Bytes(Bytes::from(text))
    }
}

impl From<Bytes> for Text {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

/// What had to be done to a text to write it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "two facts that may coincide")]
pub(super) struct Done {
    /// It was longer than allowed.
    pub(super) cut: bool,
    /// It was not UTF-8: each character stands for one byte.
    pub(super) bytes: bool,
}

/// Appends `text` to `out` as a JSON string with its quotes, at most
/// `most_bytes` of it, cut before the character that does not fit.
pub(super) fn append(out: &mut Vec<u8>, text: &[u8], most_bytes: usize) -> Done {
    let head = text.get(..most_bytes).unwrap_or(text);
    let cut = head.len() < text.len();
    out.push(b'"');
    let bytes = if all_plain(head) {
        out.extend_from_slice(head);
        false
    } else if let Some(readable) = readable(head, text) {
        append_characters(out, readable.chars());
        false
    } else {
        append_characters(out, head.iter().copied().map(char::from));
        true
    };
    out.push(b'"');
    Done { cut, bytes }
}

/// The `head` of `text` as UTF-8, if it is.
fn readable<'a>(head: &'a [u8], text: &[u8]) -> Option<&'a str> {
    let error = match std::str::from_utf8(head) {
        Ok(readable) => return Some(readable),
        Err(error) => error,
    };
    // The cut fell into the last character: it is left out.
    let fell_into_it = error.error_len().is_none() && head.len() < text.len();
    let whole = head.get(..error.valid_up_to()).filter(|_| fell_into_it)?;
    std::str::from_utf8(whole).ok()
}

fn append_characters(out: &mut Vec<u8>, characters: impl Iterator<Item = char>) {
    for character in characters {
        append_character(out, character);
    }
}

fn append_character(out: &mut Vec<u8>, character: char) {
    match character {
        '"' => out.extend_from_slice(br#"\""#),
        '\\' => out.extend_from_slice(br"\\"),
        _ if is_treacherous(character) => append_unit(out, u32::from(character)),
        _ => {
            let mut buffer = [0; 4];
            out.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
        }
    }
}

/// Appends `unit`, which is below 2¹⁶, as `\uXXXX`.
fn append_unit(out: &mut Vec<u8>, unit: u32) {
    out.extend_from_slice(br"\u");
    for shift in [12, 8, 4, 0] {
        let nibble = u8::try_from(unit >> shift & 0xf).unwrap_or(0);
        out.push(digit(nibble));
    }
}

/// Whether JSON and a terminal take all of `bytes` as they are: printable
/// ASCII without quote and backslash. Nearly all text is, so eight bytes are
/// looked at together.
fn all_plain(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [b' '; 8];
    for (place, byte) in last.iter_mut().zip(rest) {
        *place = *byte;
    }
    let special = |found: u64, word: &[u8; 8]| found | special_bytes(u64::from_le_bytes(*word));
    special(words.iter().fold(0, special), &last) == 0
}

/// Above zero if one of the eight bytes of `word` is not plain.
const fn special_bytes(word: u64) -> u64 {
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = EACH << 7;
    // The borrow out of a byte that is too low sets its highest bit.
    let below_space = word.wrapping_sub(EACH * b' ' as u64) & !word;
    let quote = word ^ (EACH * b'"' as u64);
    let backslash = word ^ (EACH * b'\\' as u64);
    let delete = word ^ (EACH * 0x7f);
    let equal = (quote.wrapping_sub(EACH) & !quote)
        | (backslash.wrapping_sub(EACH) & !backslash)
        | (delete.wrapping_sub(EACH) & !delete);
    (word | below_space | equal) & HIGH
}

/// Characters that move a terminal, end a line in some reader, hide, or change
/// the direction of what follows. All are below U+10000.
const fn is_treacherous(character: char) -> bool {
    matches!(
        character,
        '\u{0}'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
    )
}

#[cfg(test)]
mod tests {
    use super::Done;
    use super::all_plain;
    use super::append;
    use proptest::prelude::any;
    use proptest::proptest;

    fn written(text: &[u8], most_bytes: usize) -> (String, Done) {
        let mut out = Vec::new();
        let done = append(&mut out, text, most_bytes);
        (String::from_utf8(out).unwrap(), done)
    }

    #[test]
    fn escapes_what_could_deceive_a_reader() {
        let cases = [
            ("/orders/7", r#""/orders/7""#),
            ("a\r\nb", r#""a\u000d\u000ab""#),
            ("\u{1b}[2J\u{7}\0", r#""\u001b[2J\u0007\u0000""#),
            ("\u{9b}31m\u{7f}", r#""\u009b31m\u007f""#),
            ("\u{2028}\u{2029}", r#""\u2028\u2029""#),
            ("\u{202e}gpj", r#""\u202egpj""#),
            (r#"","decision":"permit"#, r#""\",\"decision\":\"permit""#),
            (r"\", r#""\\""#),
            ("caf\u{e9} \u{1f600}", "\"caf\u{e9} \u{1f600}\""),
        ];
        for (text, line) in cases {
            assert_eq!(
                written(text.as_bytes(), 512),
                (line.to_owned(), Done::default())
            );
        }
    }

    #[test]
    fn marks_what_is_not_utf_8_and_loses_nothing() {
        let marked = Done {
            cut: false,
            bytes: true,
        };
        assert_eq!(
            written(b"\xff/\xc3", 512),
            ("\"\u{ff}/\u{c3}\"".to_owned(), marked)
        );
    }

    #[test]
    fn cuts_before_a_character_that_does_not_fit() {
        let cut = Done {
            cut: true,
            bytes: false,
        };
        assert_eq!(
            written("ab\u{e9}".as_bytes(), 3),
            ("\"ab\"".to_owned(), cut)
        );
        assert_eq!(
            written("ab\u{e9}".as_bytes(), 4),
            ("\"ab\u{e9}\"".to_owned(), Done::default())
        );
        assert_eq!(written(b"abcde", 3), ("\"abc\"".to_owned(), cut));
    }

    proptest! {
        #[test]
        fn eight_bytes_at_once_are_judged_as_one_by_one(text: Vec<u8>, at: usize, ascii: String) {
            let plain = |byte: &u8| (b' '..=b'~').contains(byte) && !b"\"\\".contains(byte);
            assert_eq!(all_plain(&text), text.iter().all(plain));
            let mut ascii: Vec<u8> = ascii.bytes().filter(plain).collect();
            assert!(all_plain(&ascii));
            if let Some(first) = text.first() {
                ascii.insert(at % (ascii.len() + 1), *first);
                assert_eq!(all_plain(&ascii), plain(first));
            }
        }

        #[test]
        fn any_bytes_can_be_read_back(text: Vec<u8>) {
            let (line, done) = written(&text, usize::MAX);
            let read: String = serde_json::from_str(&line).unwrap();
            let bytes = if done.bytes {
                read.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
            } else {
                read.into_bytes()
            };
            assert_eq!(bytes, text);
            assert!(!line.chars().any(char::is_control));
        }

        #[test]
        fn a_cut_text_is_the_beginning_of_the_whole(text: String, most in any::<u8>()) {
            let most = usize::from(most);
            let (line, done) = written(text.as_bytes(), most);
            let read: String = serde_json::from_str(&line).unwrap();
            assert!(text.starts_with(&read) && !done.bytes);
            assert_eq!(done.cut, text.len() > most);
            assert!(read.len() <= most && (read == text || most - read.len() < 4));
        }
    }
}
