//! Which destinations are meant, among all that a connection may have.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::str::FromStr;
use std::sync::Arc;

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
    pub(super) const fn narrowness(&self) -> (u8, bool) {
        (self.network.prefix(), self.port.is_some())
    }

    /// Whether it is one destination, and no other.
    pub(super) const fn is_one(&self) -> bool {
        self.network.is_one() && self.port.is_some()
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
            digits => Some(port_of(digits)?),
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

/// Destinations as an operator writes them.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Captured {
    /// By their addresses.
    At(Capture),
    /// Wherever a name leads.
    Named {
        /// `host:port`, in lower case.
        destination: Arc<str>,
        /// Its port.
        port: NonZeroU16,
    },
}

impl FromStr for Captured {
    type Err = CaptureError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = match text.parse() {
            Ok(capture) => return Ok(Self::At(capture)),
            Err(refused) => refused,
        };
        let (host, port) = text.rsplit_once(':').ok_or(CaptureError::NoPort)?;
        if !is_name(host) {
            return Err(refused);
        }
        if port == "*" {
            return Err(CaptureError::NameWithoutPort);
        }
        let port = port_of(port)?;
        // Names do not tell case apart: the same one is the same text.
        let host = host.to_ascii_lowercase();
        Ok(Self::Named {
            destination: format!("{host}:{port}").into(),
            port,
        })
    }
}

impl fmt::Display for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(capture) => capture.fmt(f),
            Self::Named { destination, .. } => f.write_str(destination),
        }
    }
}

fn port_of(digits: &str) -> Result<NonZeroU16, CaptureError> {
    let port = digits.parse().ok().filter(|_| !digits.starts_with('+'));
    port.ok_or(CaptureError::NoPort)
}

/// Whether `host` is a name: labels, of which the last is no number.
fn is_name(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let of_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let is_label = |label: &str| (1..=63).contains(&label.len()) && label.chars().all(of_name);
    let last = host.rsplit('.').next().unwrap_or_default();
    host.len() <= 253
        && host.split('.').all(is_label)
        && last.contains(|c: char| c.is_ascii_alphabetic())
}

/// Why a text names no destinations.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CaptureError {
    /// Brackets are for IPv6, and IPv6 is for brackets.
    #[error("an IPv6 network stands in brackets, as in `[fd00::/8]:443`, and no other does")]
    Brackets,
    /// A name leads to single addresses.
    #[error("a name needs a port: `*` is for networks")]
    NameWithoutPort,
    /// The network is none.
    #[error("the part before the port is neither a network nor a name")]
    Network {
        /// Why not.
        #[source]
        cause: NetworkError,
    },
    /// There is no port.
    #[error("must end with `:` and a port from 1 to 65535, or `:*`")]
    NoPort,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_told_from_an_address() {
        for (text, host) in [
            ("orders:80", "orders:80"),
            ("Orders.Shop:80", "orders.shop:80"),
            (
                "orders.shop.svc.cluster.local.:080",
                "orders.shop.svc.cluster.local.:80",
            ),
            ("10.96.0.example:80", "10.96.0.example:80"),
        ] {
            let named = Captured::Named {
                destination: host.into(),
                port: NonZeroU16::new(80).unwrap(),
            };
            assert_eq!(text.parse(), Ok(named), "{text}");
        }
        let network = "10.96.0.12:80".parse().unwrap();
        assert_eq!("10.96.0.12:80".parse(), Ok(Captured::At(network)));
        let bad = CaptureError::Network {
            cause: NetworkError::Address,
        };
        for (text, why) in [
            ("orders:*", CaptureError::NameWithoutPort),
            ("orders:0", CaptureError::NoPort),
            ("orders:+80", CaptureError::NoPort),
            ("orders", CaptureError::NoPort),
            ("10.96.0:80", bad),
            ("orders..shop:80", bad),
            ("orders shop:80", bad),
            ("orders/8:80", bad),
        ] {
            assert_eq!(text.parse::<Captured>(), Err(why), "{text}");
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
        fn any_text_is_written_as_it_was_meant_or_refused(text in "[0-9a-fX:./*\\[\\]]{0,24}") {
            if let Ok(capture) = text.parse::<Captured>() {
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
