//! A part of the address space, such as `10.0.0.0/8`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// All addresses that begin with the same bits.
///
/// Parsing is the only way to make one, so whoever holds a `Network` may rely
/// on it that no bit is set behind its prefix: what it covers is what it says.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Network {
    base: IpAddr,
    prefix: u8,
}

impl Network {
    /// Whether `address` is in it. An IPv4 address that is written as IPv6
    /// (`::ffff:10.0.0.1`) is the IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => begins_alike(
                base.to_bits().into(),
                address.to_bits().into(),
                32 - self.prefix,
            ),
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                begins_alike(base.to_bits(), address.to_bits(), 128 - self.prefix)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    /// How many leading bits are fixed.
    #[must_use]
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Whether it is a single address.
    #[must_use]
    pub const fn is_one(&self) -> bool {
        self.prefix == if self.base.is_ipv6() { 128 } else { 32 }
    }

    /// Whether it is a part of IPv6.
    #[must_use]
    pub const fn is_ipv6(&self) -> bool {
        self.base.is_ipv6()
    }
}

/// Whether two addresses are the same but for their last `free` bits.
fn begins_alike(one: u128, other: u128, free: u8) -> bool {
    (one ^ other).checked_shr(free.into()).unwrap_or(0) == 0
}

impl FromStr for Network {
    type Err = NetworkError;

    /// `address/prefix`, or an address alone, which is a network of one.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let base: IpAddr = address.parse().map_err(|_bad| NetworkError::Address)?;
        if base != base.to_canonical() {
            return Err(NetworkError::Mapped);
        }
        let most = if base.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => most,
            Some(digits) => digits
                .parse()
                .ok()
                .filter(|prefix| *prefix <= most && !digits.starts_with('+'))
                .ok_or(NetworkError::Prefix { most })?,
        };
        let bits = match base {
            IpAddr::V4(base) => base.to_bits().into(),
            IpAddr::V6(base) => base.to_bits(),
        };
        // What is left of the prefix does not matter.
        let behind = !u128::MAX.checked_shl((most - prefix).into()).unwrap_or(0);
        if bits & behind != 0 {
            return Err(NetworkError::BitsBehindPrefix { prefix });
        }
        Ok(Self { base, prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

/// Why a text is no network.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NetworkError {
    /// It does not begin with an address.
    #[error("must be an IP address, or `address/prefix` such as `10.0.0.0/8`")]
    Address,
    /// Some bits would be ignored, so it may not be what was meant.
    #[error("has bits behind its prefix of {prefix}: clear them, or make the prefix longer")]
    BitsBehindPrefix {
        /// The prefix.
        prefix: u8,
    },
    /// An IPv4 address in the clothes of IPv6.
    #[error("is an IPv4 address written as IPv6: write it as IPv4")]
    Mapped,
    /// There are not so many bits.
    #[error("the prefix must be a number from 0 to {most}")]
    Prefix {
        /// How many there are.
        most: u8,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_in_it_and_what_is_not() {
        let cases = [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "fd00::1", false),
            ("::/0", "fd00::1", true),
            ("::/0", "10.0.0.1", false),
            ("fd00::/8", "fdff::1", true),
            ("fd00::/8", "fe00::1", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.6", false),
            ("2001:db8::1", "2001:db8::1", true),
            ("2001:db8::1", "2001:db8::", false),
        ];
        for (network, address, is_in) in cases {
            let parsed: Network = network.parse().unwrap();
            let found = parsed.contains(address.parse().unwrap());
            assert_eq!(found, is_in, "{address} in {network}");
        }
    }

    #[test]
    fn what_could_mean_something_else_is_refused() {
        let cases = [
            ("", NetworkError::Address),
            ("10.0.0/8", NetworkError::Address),
            ("orders.shop", NetworkError::Address),
            ("10.0.0.0/", NetworkError::Prefix { most: 32 }),
            ("10.0.0.0/33", NetworkError::Prefix { most: 32 }),
            ("10.0.0.0/+8", NetworkError::Prefix { most: 32 }),
            ("fd00::/129", NetworkError::Prefix { most: 128 }),
            ("10.0.0.1/8", NetworkError::BitsBehindPrefix { prefix: 8 }),
            ("10.0.0.1/0", NetworkError::BitsBehindPrefix { prefix: 0 }),
            ("fd00::1/8", NetworkError::BitsBehindPrefix { prefix: 8 }),
            ("::ffff:10.0.0.1", NetworkError::Mapped),
        ];
        for (text, why) in cases {
            assert_eq!(text.parse::<Network>(), Err(why), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_network_is_written_as_it_is_read(bits: u128, six: bool, prefix in 0_u8..=128) {
            let most = if six { 128 } else { 32 };
            let prefix = prefix.min(most);
            let fixed = u128::MAX.checked_shl((most - prefix).into()).unwrap_or(0);
            let base = if six {
                IpAddr::V6((bits & fixed).into())
            } else {
                let low = u32::try_from(bits & fixed & u128::from(u32::MAX)).unwrap();
                IpAddr::V4(low.into())
            };
            prop_assume!(base == base.to_canonical());
            let text = format!("{base}/{prefix}");
            let network: Network = text.parse().unwrap();
            prop_assert_eq!(network.to_string(), text);
            prop_assert!(network.contains(base));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9a-f:./]{0,24}") {
            if let Ok(network) = text.parse::<Network>() {
                prop_assert_eq!(network.to_string().parse(), Ok(network));
            }
        }
    }
}
