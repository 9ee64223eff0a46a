//! Which destinations are meant, among all that a connection may have.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::str::FromStr;

use crate::net::network::Network;
use crate::net::network::NetworkError;

/// Destinations in one network, on one port or on all.
///
/// Written `10.96.0.12:8080`, `10.96.0.0/16:80`, `[fd00::/8]:443`, `10.0.0.0/8:*`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Capture {
    network: Network,
    /// Any, if there is none.
    port: Option<NonZeroU16>,
}

impl Capture {
    /// Whether `destination` is one of them.
    #[must_use]
    pub fn covers(&self, destination: SocketAddr) -> bool {
        let port = self
            .port
            .is_none_or(|port| port.get() == destination.port());
        port && self.network.contains(destination.ip())
    }

    /// The narrower, the greater. Two that are equally narrow have no
    /// destination in common, unless they are the same.
    const fn narrowness(&self) -> (u8, bool) {
        (self.network.prefix(), self.port.is_some())
    }
}

impl FromStr for Capture {
    type Err = CaptureError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (network, port) = text.rsplit_once(':').ok_or(CaptureError::NoPort)?;
        let inner = network
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let parsed: Network = inner
            .unwrap_or(network)
            .parse()
            .map_err(|cause| CaptureError::Network { cause })?;
        // `fd00::1:80` is an address, or an address and a port: nobody can tell.
        if parsed.is_ipv6() != inner.is_some() {
            return Err(CaptureError::Brackets);
        }
        let port = match port {
            "*" => None,
            digits if digits.starts_with('+') => return Err(CaptureError::NoPort),
            digits => Some(digits.parse().map_err(|_bad| CaptureError::NoPort)?),
        };
        Ok(Self {
            network: parsed,
            port,
        })
    }
}

impl fmt::Display for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.network.is_ipv6() {
            write!(f, "[{}]:", self.network)?;
        } else {
            write!(f, "{}:", self.network)?;
        }
        match self.port {
            Some(port) => write!(f, "{port}"),
            None => f.write_str("*"),
        }
    }
}

/// Why a text names no destinations.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CaptureError {
    /// Brackets are for IPv6, and IPv6 is for brackets.
    #[error("an IPv6 network stands in brackets, as in `[fd00::/8]:443`, and no other does")]
    Brackets,
    /// The network is none.
    #[error("the part before the port is no network")]
    Network {
        /// Why not.
        #[source]
        cause: NetworkError,
    },
    /// There is no port.
    #[error("must end with `:` and a port from 1 to 65535, or `:*`")]
    NoPort,
}

/// What is to become of connections, by their destination.
#[derive(Clone, Debug)]
pub struct Captures<T> {
    /// The narrowest first.
    entries: Vec<(Capture, T)>,
}

impl<T> Captures<T> {
    /// The narrowest capture wins: first by its network, then by its port. The
    /// order of `entries` does not matter unless two are the same.
    #[must_use]
    pub fn new(entries: impl IntoIterator<Item = (Capture, T)>) -> Self {
        let mut entries: Vec<_> = entries.into_iter().collect();
        entries.sort_by_key(|(capture, _)| std::cmp::Reverse(capture.narrowness()));
        Self { entries }
    }

    /// What is to become of a connection to `destination`, if it is captured.
    #[must_use]
    pub fn find(&self, destination: SocketAddr) -> Option<&T> {
        let mut entries = self.entries.iter();
        let found = entries.find(|(capture, _)| capture.covers(destination));
        found.map(|(_, what)| what)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_narrowest_capture_wins() {
        let written = [
            ("0.0.0.0/0:*", "anywhere"),
            ("10.96.0.0/16:80", "web"),
            ("10.96.0.0/16:*", "cluster"),
            ("10.96.0.12:*", "one"),
            ("[fd00::/8]:443", "six"),
        ];
        let parse = |(text, name): (&str, &'static str)| (text.parse().unwrap(), name);
        let forwards = Captures::new(written.map(parse));
        let mut reversed = written;
        reversed.reverse();
        let backwards = Captures::new(reversed.map(parse));
        let cases = [
            ("10.96.0.12:80", Some("one")),
            ("10.96.0.13:80", Some("web")),
            ("10.96.0.13:81", Some("cluster")),
            ("10.97.0.13:80", Some("anywhere")),
            ("[fd00::1]:443", Some("six")),
            ("[fd00::1]:444", None),
        ];
        for (destination, name) in cases {
            let address = destination.parse().unwrap();
            assert_eq!(forwards.find(address).copied(), name, "{destination}");
            assert_eq!(backwards.find(address).copied(), name, "{destination}");
        }
    }

    #[test]
    fn what_names_no_destination_is_refused() {
        let cases = [
            ("10.96.0.12", CaptureError::NoPort),
            ("10.96.0.12:0", CaptureError::NoPort),
            ("10.96.0.12:", CaptureError::NoPort),
            ("10.96.0.12:+80", CaptureError::NoPort),
            ("10.96.0.12:http", CaptureError::NoPort),
            ("fd00::1:80", CaptureError::Brackets),
            ("[10.96.0.12]:80", CaptureError::Brackets),
            (
                "orders:80",
                CaptureError::Network {
                    cause: NetworkError::Address,
                },
            ),
        ];
        for (text, why) in cases {
            assert_eq!(text.parse::<Capture>(), Err(why), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_written_as_it_was_meant_or_refused(text in "[0-9a-f:./*\\[\\]]{0,24}") {
            if let Ok(capture) = text.parse::<Capture>() {
                prop_assert_eq!(capture.to_string().parse(), Ok(capture));
            }
        }

        #[test]
        fn equally_narrow_captures_have_nothing_in_common(
            one in "10\\.[0-3]\\.0\\.0/16:(8[01]|\\*)",
            other in "10\\.[0-3]\\.0\\.0/16:(8[01]|\\*)",
            third in 0_u8..4,
            port in 80_u16..82,
        ) {
            let (one, other): (Capture, Capture) = (one.parse().unwrap(), other.parse().unwrap());
            let destination = SocketAddr::from(([10, third, 0, 1], port));
            let both = one.covers(destination) && other.covers(destination);
            prop_assert!(!both || one == other || one.narrowness() != other.narrowness());
        }
    }
}
