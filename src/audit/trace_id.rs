//! The trace that a request belongs to, if its caller says so.

use std::fmt;

/// The trace id of a valid W3C `traceparent` header.
///
/// Parsing is the only way to make one, so it is 32 lower-case hexadecimal
/// digits, not all zero.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct TraceId([u8; Self::DIGITS]);

impl TraceId {
    const DIGITS: usize = 32;

    /// Reads the trace id out of a `traceparent` header's value.
    ///
    /// `None` if the value is not valid (Trace Context level 1, section 3.2):
    /// the standard says to go on as if there were none. Versions after `00`
    /// may have more fields, which are ignored.
    #[must_use]
    pub fn from_traceparent(value: &[u8]) -> Option<Self> {
        let (version, rest) = field(value, 2)?;
        let (trace, rest) = field(rest.strip_prefix(b"-")?, Self::DIGITS)?;
        let (parent, rest) = field(rest.strip_prefix(b"-")?, 16)?;
        let (_flags, rest) = field(rest.strip_prefix(b"-")?, 2)?;
        let ended = rest.is_empty() || (version != b"00" && rest.starts_with(b"-"));
        if !ended || version == b"ff" || all_zero(trace) || all_zero(parent) {
            return None;
        }
        trace.try_into().ok().map(Self)
    }

    /// The 32 digits.
    #[must_use]
    pub const fn digits(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|digit| write!(formatter, "{}", char::from(*digit)))
    }
}

/// Splits off `length` lower-case hexadecimal digits.
fn field(value: &[u8], length: usize) -> Option<(&[u8], &[u8])> {
    let (digits, rest) = value.split_at_checked(length)?;
    let is_digit = |byte: &u8| byte.is_ascii_digit() | matches!(byte, b'a'..=b'f');
    // Looks at every byte, which is quicker than to stop at the first.
    let valid = digits
        .iter()
        .fold(true, |valid, byte| valid & is_digit(byte));
    valid.then_some((digits, rest))
}

fn all_zero(digits: &[u8]) -> bool {
    digits.iter().all(|digit| *digit == b'0')
}

#[cfg(test)]
mod tests {
    use super::TraceId;
    use proptest::prelude::any;
    use proptest::proptest;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn reads_what_the_standard_allows() {
        let cases = [
            format!("00-{TRACE}-00f067aa0ba902b7-01"),
            format!("01-{TRACE}-00f067aa0ba902b7-00"),
            format!("cc-{TRACE}-00f067aa0ba902b7-01-what-comes-later"),
        ];
        for value in cases {
            let id = TraceId::from_traceparent(value.as_bytes());
            assert_eq!(
                id.map(|id| id.to_string()).as_deref(),
                Some(TRACE),
                "{value}"
            );
        }
    }

    #[test]
    fn ignores_what_the_standard_forbids() {
        let cases = [
            String::new(),
            TRACE.to_owned(),
            format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-00f067aa0ba902b7-01-"),
            format!("00-{TRACE}-00f067aa0ba902b7-01-more"),
            format!("01-{TRACE}-00f067aa0ba902b7-01more"),
            format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{TRACE}-00f067aa0ba902b7"),
            format!("00-{TRACE}-00f067aa0ba902b7-0g"),
            format!(" 00-{TRACE}-00f067aa0ba902b7-01"),
            format!("00_{TRACE}_00f067aa0ba902b7_01"),
        ];
        for value in cases {
            assert_eq!(TraceId::from_traceparent(value.as_bytes()), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn takes_any_bytes_without_panic(value: Vec<u8>) {
            if let Some(id) = TraceId::from_traceparent(&value) {
                assert!(value.windows(32).any(|window| window == id.digits()));
            }
        }

        #[test]
        fn reads_back_what_was_written(trace in 1..=u128::MAX, parent in 1..=u64::MAX, flags in any::<u8>()) {
            let value = format!("00-{trace:032x}-{parent:016x}-{flags:02x}");
            let id = TraceId::from_traceparent(value.as_bytes());
            assert_eq!(id.map(|id| id.to_string()), Some(format!("{trace:032x}")));
        }
    }
}
