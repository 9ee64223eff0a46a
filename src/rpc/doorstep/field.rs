//! A header field, and how we write it.

use bytes::Bytes;

/// A header field as it came out of a block.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Field {
    pub(super) name: Bytes,
    pub(super) value: Bytes,
    /// It must never enter a table (RFC 7541, 7.1.3).
    pub(super) secret: bool,
}

impl Field {
    /// Appends the field as a literal that needs no table to be read and
    /// changes none.
    pub(super) fn encode(&self, output: &mut Vec<u8>) {
        output.push(if self.secret {
            NEVER_INDEXED
        } else {
            NOT_INDEXED
        });
        for text in [&self.name, &self.value] {
            encode_length(text.len(), output);
            output.extend_from_slice(text);
        }
    }
}

/// RFC 7541 5.1 with a prefix of 7 bits, and the Huffman bit off.
fn encode_length(length: usize, output: &mut Vec<u8>) {
    let mut push = |number: usize| output.push(u8::try_from(number).unwrap_or(u8::MAX));
    if length < 0x7f {
        return push(length);
    }
    push(0x7f);
    let mut rest = length - 0x7f;
    while rest >= 0x80 {
        push(rest % 0x80 + 0x80);
        rest /= 0x80;
    }
    push(rest);
}

/// Both with a new name.
const NOT_INDEXED: u8 = 0x00;
const NEVER_INDEXED: u8 = 0x10;
