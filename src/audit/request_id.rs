//! A name for one request, unique among all sidecars.

use std::fmt;

/// Names one request: 128 bits, written as 32 hexadecimal digits.
///
/// Half of it is drawn at random once per worker, the other half counts. It is
/// unique, not secret: whoever sees one can guess the next.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct RequestId {
    series: u64,
    number: u64,
}

impl RequestId {
    /// The `number`th request of the worker whose random half is `series`.
    pub(super) const fn new(series: u64, number: u64) -> Self {
        Self { series, number }
    }

    /// Appends the 32 digits to `out`.
    pub(super) fn append_to(self, out: &mut Vec<u8>) {
        let id = u128::from(self.series) << 64 | u128::from(self.number);
        let mut digits = [0; 32];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(id.to_be_bytes()) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 0xf)]);
        }
        out.extend_from_slice(&digits);
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}{:016x}", self.series, self.number)
    }
}

/// The hexadecimal digit of `nibble`, which is below 16.
pub(super) const fn digit(nibble: u8) -> u8 {
    if nibble < 10 {
        b'0' + nibble
    } else {
        b'a' + nibble - 10
    }
}

#[cfg(test)]
mod tests {
    use super::RequestId;

    #[test]
    fn is_written_the_same_in_lines_and_in_headers() {
        let id = RequestId::new(0x0123_4567_89ab_cdef, 255);
        let mut line = Vec::new();
        id.append_to(&mut line);
        assert_eq!(id.to_string(), "0123456789abcdef00000000000000ff");
        assert_eq!(line, id.to_string().into_bytes());
    }
}
