//! Whom we take for one caller before it has said who it is.

use std::net::IpAddr;
use std::net::Ipv6Addr;

/// Whom we take for one: an address, or what of the newer kind one line is given.
#[must_use]
pub fn place(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & LINE).into(),
        older @ IpAddr::V4(_) => older,
    }
}

/// The first 64 bits.
const LINE: u128 = u128::MAX << 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_is_one_place_whichever_of_its_addresses_it_uses() {
        let place = |text: &str| place(text.parse().unwrap()).to_string();
        for (address, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:3::", "2001:db8:1:3::"),
        ] {
            assert_eq!(place(address), expected);
        }
    }
}
