//! Somebody, or a certificate, that is not to be believed.

use std::time::SystemTime;

use crate::id::SpiffeId;

/// What is revoked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Revoked {
    /// A workload, whatever certificate it shows, and whatever proof.
    Id(SpiffeId),
    /// One certificate.
    Serial(SerialNumber),
}

/// A certificate's serial number in lower-case hexadecimal, without leading zeros.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SerialNumber(String);

impl Revoked {
    /// The certificate with this serial number; colons, spaces and upper case
    /// are taken as people write them. None if it is no such number.
    #[must_use]
    pub fn serial(text: &str) -> Option<Self> {
        let plain: String = text
            .chars()
            .filter(|c| *c != ':' && *c != ' ')
            .map(|c| c.to_ascii_lowercase())
            .collect();
        let is_number = (2..=MOST_DIGITS).contains(&plain.len())
            && plain.chars().all(|c| c.is_ascii_hexdigit());
        is_number.then_some(Self::Serial(SerialNumber(plain)))
    }

    /// The word for which of the two it is.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Id(_) => "spiffe_id",
            Self::Serial(_) => "serial",
        }
    }

    /// The ID or the number.
    #[must_use]
    pub fn value(&self) -> &str {
        match self {
            Self::Id(id) => id.as_str(),
            Self::Serial(SerialNumber(number)) => number,
        }
    }

    /// Back from [`kind`](Self::kind) and [`value`](Self::value).
    #[must_use]
    pub fn read(kind: &str, value: &str) -> Option<Self> {
        match kind {
            "spiffe_id" => value.parse().ok().map(Self::Id),
            "serial" => Self::serial(value),
            _ => None,
        }
    }
}

/// A revocation, with what is worth knowing about it.
#[derive(Clone, Debug)]
pub struct Revocation {
    /// What is revoked.
    pub revoked: Revoked,
    /// Why, as somebody wrote it.
    pub reason: String,
    /// Since when.
    pub since: SystemTime,
}

/// 20 bytes (RFC 5280, 4.1.2.2) and one that keeps the number positive.
const MOST_DIGITS: usize = 42;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_a_serial_number_as_tools_print_it() {
        for text in ["4f0a", "4F:0A", "4f 0a"] {
            let revoked = Revoked::serial(text).unwrap();
            assert_eq!((revoked.kind(), revoked.value()), ("serial", "4f0a"));
            assert_eq!(
                Revoked::read(revoked.kind(), revoked.value()),
                Some(revoked)
            );
        }
        for text in ["", "4", "0x4f", "spiffe://example.org/web", &"a".repeat(43)] {
            assert_eq!(Revoked::serial(text), None, "{text}");
        }
    }
}
