//! So much of a processor or of memory, as Kubernetes writes it.

use std::fmt;
use std::str::FromStr;

/// Such as `100m`, `0.5` or `64Mi`: above zero, and written in decimal digits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Quantity(Box<str>);

impl Quantity {
    /// As it was written.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > MOST_BYTES {
            return Err(QuantityError::TooLong { bytes: text.len() });
        }
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (number, unit) = text.split_at(end.unwrap_or(text.len()));
        let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
        if whole.is_empty() || part.is_empty() || part.contains('.') {
            return Err(QuantityError::NoNumber);
        }
        if number.bytes().all(|byte| matches!(byte, b'0' | b'.')) {
            return Err(QuantityError::Zero);
        }
        if !UNITS.contains(&unit) {
            return Err(QuantityError::UnknownUnit {
                unit: unit.to_owned(),
            });
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is no quantity.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum QuantityError {
    /// It does not begin with a number.
    #[error("it must begin with a number such as `100` or `0.5`")]
    NoNumber,
    /// Longer than anybody means.
    #[error("it has {bytes} bytes, more than {MOST_BYTES}")]
    TooLong {
        /// How many.
        bytes: usize,
    },
    /// What comes after the number.
    #[error("`{unit}` is no unit: there are `m`, `k`, `M`, `G`, `T`, `Ki`, `Mi`, `Gi`, `Ti`")]
    UnknownUnit {
        /// What it is.
        unit: String,
    },
    /// Nothing is as good as none.
    #[error("it must be above zero")]
    Zero,
}

const UNITS: [&str; 10] = ["", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti"];
/// Room for any number that a machine has of anything.
const MOST_BYTES: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn is_what_kubernetes_understands_and_no_more() {
        use QuantityError::{NoNumber, TooLong, UnknownUnit, Zero};

        for text in ["1", "100m", "0.5", "64Mi", "1.25Gi", "007k"] {
            assert_eq!(text.parse::<Quantity>().unwrap().as_str(), text);
        }
        let unit = |unit: &str| UnknownUnit {
            unit: unit.to_owned(),
        };
        let cases = [
            ("", NoNumber),
            ("Mi", NoNumber),
            ("1.", NoNumber),
            (".5", NoNumber),
            ("1.2.3", NoNumber),
            ("-1", NoNumber),
            ("0", Zero),
            ("0.0m", Zero),
            ("64 Mi", unit(" Mi")),
            ("64mi", unit("mi")),
            ("1e3", unit("e3")),
            ("1234567890123456789012345", TooLong { bytes: 25 }),
        ];
        for (text, why) in cases {
            assert_eq!(text.parse::<Quantity>(), Err(why), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_taken_that_has_another_form(text in "\\PC{0,30}") {
            if let Ok(quantity) = text.parse::<Quantity>() {
                prop_assert_eq!(quantity.to_string(), text.clone());
                prop_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.'));
            }
        }
    }
}
