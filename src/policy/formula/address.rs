//! Addresses and ranges of them, as Cedar's `ip` writes them.

use std::net::IpAddr;

/// An address and how many of its bits count.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Range {
    address: IpAddr,
    bits: u32,
}

impl Range {
    /// `10.0.0.1`, `10.0.0.0/8`, and the same of IPv6.
    pub(super) fn new(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => {
                let number: u32 = bits.parse().ok()?;
                // `08` and `+8` are none of Cedar's.
                if number.to_string() != bits {
                    return None;
                }
                (address, Some(number))
            }
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let all = width(address);
        let bits = bits.unwrap_or(all);
        (bits <= all).then_some(Self { address, bits })
    }

    /// The one address that it is.
    pub(super) fn sole(self) -> Option<IpAddr> {
        (self.bits == width(self.address)).then_some(self.address)
    }

    pub(super) fn holds(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let differ = ours.to_bits() ^ theirs.to_bits();
                differ.leading_zeros() >= self.bits
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let differ = ours.to_bits() ^ theirs.to_bits();
                differ.leading_zeros() >= self.bits
            }
            _ => false,
        }
    }
}

const fn width(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_what_has_its_first_bits() {
        let cases = [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.9.9.9/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "::1", false),
            ("2001:db8::/32", "2001:db8:7::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "::1", true),
        ];
        for (range, address, is_in) in cases {
            let held = Range::new(range).unwrap().holds(address.parse().unwrap());
            assert_eq!(held, is_in, "{address} in {range}");
        }
        assert_eq!(
            Range::new("10.0.0.1").unwrap().sole(),
            "10.0.0.1".parse().ok()
        );
        assert_eq!(Range::new("10.0.0.0/8").unwrap().sole(), None);
        for text in [
            "",
            "10",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "::/129",
            "/8",
            "10.0.0.0/08",
            "10.0.0.0/+8",
        ] {
            assert_eq!(Range::new(text), None, "{text}");
        }
    }
}
