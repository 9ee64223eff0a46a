//! Which destinations are meant, among all that a connection may have.

use std::cell::RefCell;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::str::FromStr;
use std::sync::Arc;

use crate::net::network::Network;
use crate::net::network::NetworkError;
use crate::net::whereabouts::Known;
use crate::net::whereabouts::Whereabouts;

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

    /// Whether it is one destination, and no other.
    const fn is_one(&self) -> bool {
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

/// Destinations as an operator writes them.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Captured {
    /// By their addresses.
    At(Capture),
    /// Wherever a name leads: `host:port`.
    Named(Arc<str>),
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
        let port: NonZeroU16 = port.parse().map_err(|_bad| CaptureError::NoPort)?;
        Ok(Self::Named(format!("{host}:{port}").into()))
    }
}

impl fmt::Display for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(capture) => capture.fmt(f),
            Self::Named(name) => f.write_str(name),
        }
    }
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

/// What is to become of connections, by their destination.
#[derive(Clone, Debug)]
pub struct Captures<T> {
    /// The narrowest first.
    entries: Vec<(Capture, T)>,
    named: Vec<(RefCell<Whereabouts>, T)>,
}

impl<T> Captures<T> {
    /// The narrowest capture wins: first by its network, then by its port. The
    /// order of `entries` does not matter unless two are the same. What is
    /// `named` is as narrow as can be; of two names that lead to the same place
    /// the first wins, and an address that is written beats both.
    #[must_use]
    pub fn new(
        entries: impl IntoIterator<Item = (Capture, T)>,
        named: impl IntoIterator<Item = (Whereabouts, T)>,
    ) -> Self {
        let mut entries: Vec<_> = entries.into_iter().collect();
        entries.sort_by_key(|(capture, _)| std::cmp::Reverse(capture.narrowness()));
        let named = named.into_iter();
        let named = named.map(|(whereabouts, what)| (RefCell::new(whereabouts), what));
        Self {
            entries,
            named: named.collect(),
        }
    }

    /// What is to become of a connection to `destination`.
    #[must_use]
    pub fn find(&self, destination: SocketAddr) -> Found<'_, T> {
        let mut entries = self.entries.iter();
        let written = entries.find(|(capture, _)| capture.covers(destination));
        if let Some((capture, what)) = written
            && capture.is_one()
        {
            return Found::Captured(what);
        }
        let mut unknown = false;
        for (whereabouts, what) in &self.named {
            match whereabouts.borrow_mut().look() {
                Known::At(addresses) if addresses.contains(&destination) => {
                    return Found::Captured(what);
                }
                Known::At(_) => {}
                Known::Lost | Known::NotYet => unknown = true,
            }
        }
        match written {
            Some((_, what)) if unknown => Found::Perhaps(what),
            Some((_, what)) => Found::Captured(what),
            None => Found::Nothing,
        }
    }

    /// Returns when something is known of every name, be it that it leads nowhere.
    pub async fn told(&self) {
        for (whereabouts, _) in &self.named {
            let whereabouts = whereabouts.borrow().clone();
            whereabouts.told().await;
        }
    }
}

/// What is to become of one connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Found<'a, T> {
    /// This.
    Captured(&'a T),
    /// Nobody has said.
    Nothing,
    /// This, by its network; but it is not known where some name leads, which
    /// could be there.
    Perhaps(&'a T),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::sync::watch;

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
        let forwards = Captures::new(written.map(parse), []);
        let mut reversed = written;
        reversed.reverse();
        let backwards = Captures::new(reversed.map(parse), []);
        let cases = [
            ("10.96.0.12:80", Found::Captured(&"one")),
            ("10.96.0.13:80", Found::Captured(&"web")),
            ("10.96.0.13:81", Found::Captured(&"cluster")),
            ("10.97.0.13:80", Found::Captured(&"anywhere")),
            ("[fd00::1]:443", Found::Captured(&"six")),
            ("[fd00::1]:444", Found::Nothing),
        ];
        for (destination, name) in cases {
            let address = destination.parse().unwrap();
            assert_eq!(forwards.find(address), name, "{destination}");
            assert_eq!(backwards.find(address), name, "{destination}");
        }
    }

    #[test]
    fn a_name_is_narrower_than_a_network_and_wider_than_an_address() {
        let at = |text: &str| Whereabouts::fixed(text.parse().unwrap());
        let captures = Captures::new(
            [
                ("10.96.0.0/16:*".parse().unwrap(), "network"),
                ("10.96.0.12:80".parse().unwrap(), "address"),
                ("10.96.0.13:*".parse().unwrap(), "host"),
            ],
            [
                (at("10.96.0.12:80"), "hidden"),
                (at("10.96.0.13:80"), "name"),
                (at("10.96.0.13:80"), "second"),
            ],
        );
        for (destination, name) in [
            ("10.96.0.12:80", "address"),
            ("10.96.0.13:80", "name"),
            ("10.96.0.13:81", "host"),
            ("10.96.0.14:80", "network"),
        ] {
            let found = captures.find(destination.parse().unwrap());
            assert_eq!(found, Found::Captured(&name), "{destination}");
        }
    }

    #[tokio::test]
    async fn while_a_name_is_unknown_a_network_is_only_perhaps_meant() {
        let (tell, known) = watch::channel(Known::NotYet);
        let captures = Captures::new(
            [
                ("10.96.0.0/16:*".parse().unwrap(), "network"),
                ("10.96.0.12:80".parse().unwrap(), "address"),
            ],
            [(Whereabouts::told_by(known), "name")],
        );
        let find = |text: &str| captures.find(text.parse().unwrap());
        let at = |text: &str| Known::At([text.parse().unwrap()].into());
        for unknown in [Known::NotYet, Known::Lost] {
            tell.send(unknown).unwrap();
            assert_eq!(find("10.96.0.12:80"), Found::Captured(&"address"));
            assert_eq!(find("10.96.0.13:80"), Found::Perhaps(&"network"));
            assert_eq!(find("10.97.0.13:80"), Found::Nothing);
        }
        tell.send(at("10.96.0.13:80")).unwrap();
        captures.told().await;
        assert_eq!(find("10.96.0.13:80"), Found::Captured(&"name"));
        tell.send(at("10.96.0.14:80")).unwrap();
        assert_eq!(find("10.96.0.13:80"), Found::Captured(&"network"));
    }

    #[test]
    fn a_name_is_told_from_an_address() {
        for (text, host) in [
            ("orders:80", "orders:80"),
            (
                "orders.shop.svc.cluster.local.:080",
                "orders.shop.svc.cluster.local.:80",
            ),
            ("10.96.0.example:80", "10.96.0.example:80"),
        ] {
            assert_eq!(text.parse(), Ok(Captured::Named(host.into())), "{text}");
        }
        let network = "10.96.0.12:80".parse().unwrap();
        assert_eq!("10.96.0.12:80".parse(), Ok(Captured::At(network)));
        let bad = CaptureError::Network {
            cause: NetworkError::Address,
        };
        for (text, why) in [
            ("orders:*", CaptureError::NameWithoutPort),
            ("orders:0", CaptureError::NoPort),
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
        fn any_text_is_written_as_it_was_meant_or_refused(text in "[0-9a-f:./*\\[\\]]{0,24}") {
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
