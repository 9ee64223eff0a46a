//! The Huffman code of HPACK (RFC 7541, 5.2 and appendix B).
//!
//! The code is canonical: among codes of one length, later symbols have greater
//! codes, and each length goes on where the one before ended. So the lengths
//! say it all, and the rest is computed when this is compiled.

use crate::rpc::doorstep::decoder::HpackError;

/// Appends what `input` stands for to `output`, which may become at most
/// `most` bytes long.
pub(super) fn decode(input: &[u8], most: usize, output: &mut Vec<u8>) -> Result<(), HpackError> {
    let mut code = 0_usize;
    let mut bits = 0_usize;
    for byte in input {
        for shift in (0..8).rev() {
            code = code << 1 | usize::from(byte >> shift & 1);
            bits += 1;
            let Some(symbol) = symbol(code, bits) else {
                if bits == LONGEST {
                    return Err(HpackError::BadHuffman);
                }
                continue;
            };
            // The end-of-string symbol may not be in a string.
            let Ok(symbol) = u8::try_from(symbol) else {
                return Err(HpackError::BadHuffman);
            };
            if output.len() == most {
                return Err(HpackError::TooLarge);
            }
            output.push(symbol);
            (code, bits) = (0, 0);
        }
    }
    // What is left is padding: the first bits, fewer than 8, of end-of-string.
    if bits < 8 && code == (1 << bits) - 1 {
        Ok(())
    } else {
        Err(HpackError::BadHuffman)
    }
}

fn symbol(code: usize, bits: usize) -> Option<u16> {
    let row = CODE.rows.get(bits)?;
    let at = code.checked_sub(row.first)?;
    if at >= row.count {
        return None;
    }
    CODE.symbols.get(row.start + at).copied()
}

struct Code {
    /// By length.
    rows: [Row; LONGEST + 1],
    /// In the order of their codes.
    symbols: [u16; 257],
}

#[derive(Clone, Copy)]
struct Row {
    /// The first code of this length.
    first: usize,
    /// How many there are.
    count: usize,
    /// Where their symbols begin.
    start: usize,
}

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "runs in the compiler only, where a wrong index does not compile"
)]
const CODE: Code = {
    let mut rows = [Row {
        first: 0,
        count: 0,
        start: 0,
    }; LONGEST + 1];
    let mut symbols = [0_u16; 257];
    let mut filled = 0;
    let mut bits = 1;
    while bits <= LONGEST {
        let before = rows[bits - 1];
        rows[bits].first = (before.first + before.count) << 1;
        rows[bits].start = filled;
        let mut symbol = 0;
        while symbol < LENGTHS.len() {
            if LENGTHS[symbol] as usize == bits {
                symbols[filled] = symbol as u16;
                filled += 1;
            }
            symbol += 1;
        }
        rows[bits].count = filled - rows[bits].start;
        bits += 1;
    }
    Code { rows, symbols }
};

const LONGEST: usize = 30;

/// RFC 7541, appendix B: the length of each symbol's code in bits. The last is
/// end-of-string.
#[rustfmt::skip]
pub(super) const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What an encoder would make of `text`.
    pub(in crate::rpc::doorstep) fn encode(text: &[u8]) -> Vec<u8> {
        let mut bits = Vec::new();
        for &byte in text {
            let length = usize::from(LENGTHS[usize::from(byte)]);
            let row = CODE.rows[length];
            let all = &CODE.symbols[row.start..row.start + row.count];
            let at = all.iter().position(|&symbol| symbol == u16::from(byte));
            let code = row.first + at.unwrap();
            bits.extend((0..length).rev().map(|shift| code >> shift & 1 == 1));
        }
        while bits.len() % 8 != 0 {
            bits.push(true);
        }
        bits.chunks(8)
            .map(|byte| byte.iter().fold(0, |all, &bit| all << 1 | u8::from(bit)))
            .collect()
    }

    fn decoded(input: &[u8]) -> Result<Vec<u8>, HpackError> {
        let mut output = Vec::new();
        decode(input, 100, &mut output).map(|()| output)
    }

    #[test]
    fn the_strings_of_the_rfc_are_read() {
        let cases: [(&[u8], &str); 4] = [
            (
                b"\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff",
                "www.example.com",
            ),
            (b"\xa8\xeb\x10\x64\x9c\xbf", "no-cache"),
            (b"\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f", "custom-key"),
            (b"\xae\xc3\x77\x1a\x4b", "private"),
        ];
        for (input, text) in cases {
            assert_eq!(decoded(input).as_deref(), Ok(text.as_bytes()));
            assert_eq!(encode(text.as_bytes()), input);
        }
    }

    #[test]
    fn padding_is_short_and_all_ones() {
        // `0` is 00000: then three bits of padding.
        assert_eq!(decoded(&[0b0000_0111]).as_deref(), Ok(&b"0"[..]));
        for wrong in [
            &[0b0000_0110][..],
            &[0b0000_0111, 0xff],
            &[0xff],
            &[0xff; 4],
        ] {
            assert_eq!(decoded(wrong), Err(HpackError::BadHuffman), "{wrong:?}");
        }
    }

    #[test]
    fn no_more_is_written_than_there_is_room_for() {
        let mut output = Vec::new();
        let input = encode(&[b'0'; 101]);
        assert_eq!(decode(&input, 100, &mut output), Err(HpackError::TooLarge));
        assert_eq!(output.len(), 100);
    }
}
