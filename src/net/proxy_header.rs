//! The PROXY protocol, version 2: a balancer's word on whom a connection is from.
//!
//! It comes once, before the first byte of the connection itself, and not one
//! byte more than it is read. Only the form that can be told from anything
//! else is read: version 1 is text, and is refused.

use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;

use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;

/// Reads the header off the front of `stream`: where the connection is from,
/// or `None` if the balancer speaks for itself, as with its health checks.
///
/// # Errors
///
/// [`ProxyHeaderError`]. What was read is lost: the stream is of no more use.
///
/// # Cancellation
///
/// As after an error.
pub async fn read_proxy_header(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<Option<SocketAddr>, ProxyHeaderError> {
    let broken = |cause: io::Error| ProxyHeaderError::Broken { kind: cause.kind() };
    let mut head = [0; HEAD_BYTES];
    stream.read_exact(&mut head).await.map_err(broken)?;
    let mut rest = vec![0; announced(&head)?];
    stream.read_exact(&mut rest).await.map_err(broken)?;
    parse(&head, &rest)
}

/// Parses a whole header, with nothing behind it.
///
/// # Errors
///
/// [`ProxyHeaderError`] where it is anything but one.
pub fn parse_proxy_header(header: &[u8]) -> Result<Option<SocketAddr>, ProxyHeaderError> {
    let broken = ProxyHeaderError::Broken {
        kind: io::ErrorKind::UnexpectedEof,
    };
    let (head, rest) = header
        .split_first_chunk::<HEAD_BYTES>()
        .ok_or_else(|| broken.clone())?;
    let bytes = announced(head)?;
    match rest.len() {
        found if found < bytes => Err(broken),
        found if found > bytes => Err(ProxyHeaderError::Malformed),
        _ => parse(head, rest),
    }
}

/// How many bytes follow the head.
fn announced(head: &[u8; HEAD_BYTES]) -> Result<usize, ProxyHeaderError> {
    let [signature @ .., version, _, high, low] = head;
    if signature != SIGNATURE {
        return Err(ProxyHeaderError::Missing);
    }
    if version >> 4 != VERSION {
        return Err(ProxyHeaderError::Malformed);
    }
    let bytes = usize::from(u16::from_be_bytes([*high, *low]));
    if bytes > MOST_BYTES {
        return Err(ProxyHeaderError::TooLong { bytes });
    }
    Ok(bytes)
}

fn parse(head: &[u8; HEAD_BYTES], rest: &[u8]) -> Result<Option<SocketAddr>, ProxyHeaderError> {
    let [.., command, family, _, _] = head;
    match (command & 0x0f, family) {
        // The standard has us take no notice of anything else that is there.
        (LOCAL, _) => Ok(None),
        (PROXY, &TCP_OVER_IPV4) => {
            let (source, rest) = split::<4>(rest)?;
            let (_destination, rest) = split::<4>(rest)?;
            source_at(IpAddr::from(Ipv4Addr::from(source)), rest)
        }
        (PROXY, &TCP_OVER_IPV6) => {
            let (source, rest) = split::<16>(rest)?;
            let (_destination, rest) = split::<16>(rest)?;
            source_at(IpAddr::from(Ipv6Addr::from(source)).to_canonical(), rest)
        }
        (PROXY, &family) => Err(ProxyHeaderError::NotTcp { family }),
        _ => Err(ProxyHeaderError::Malformed),
    }
}

/// The ports, and what else the balancer wants to say.
fn source_at(ip: IpAddr, rest: &[u8]) -> Result<Option<SocketAddr>, ProxyHeaderError> {
    let (port, rest) = split::<2>(rest)?;
    let (_destination, mut more) = split::<2>(rest)?;
    while !more.is_empty() {
        let ([_kind, high, low], value) = split::<3>(more)?;
        let bytes = usize::from(u16::from_be_bytes([high, low]));
        more = value.get(bytes..).ok_or(ProxyHeaderError::Malformed)?;
    }
    Ok(Some(SocketAddr::new(ip, u16::from_be_bytes(port))))
}

fn split<const N: usize>(bytes: &[u8]) -> Result<([u8; N], &[u8]), ProxyHeaderError> {
    let (first, rest) = bytes
        .split_first_chunk::<N>()
        .ok_or(ProxyHeaderError::Malformed)?;
    Ok((*first, rest))
}

/// Why nobody can say whom a connection is from.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ProxyHeaderError {
    /// The connection ended before the header did.
    #[error("the stream broke ({kind}) before its PROXY header was there")]
    Broken {
        /// How, as the system names it.
        kind: io::ErrorKind,
    },
    /// It is not as the standard has it.
    #[error("the PROXY header is malformed")]
    Malformed,
    /// Something else came.
    #[error("there is no PROXY header of version 2")]
    Missing,
    /// It speaks of another kind of connection than the one it is on.
    #[error("the PROXY header is not about TCP over IP (family {family:#04x})")]
    NotTcp {
        /// Address family and transport, as in the header.
        family: u8,
    },
    /// It says more than anybody needs to.
    #[error("the PROXY header has {bytes} bytes; at most {MOST_BYTES} are read")]
    TooLong {
        /// How many it announces.
        bytes: usize,
    },
}

impl ProxyHeaderError {
    /// A stable word for records and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Broken { .. } => "broken",
            Self::Malformed | Self::NotTcp { .. } | Self::TooLong { .. } => "bad_proxy_header",
            Self::Missing => "no_proxy_header",
        }
    }
}

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const HEAD_BYTES: usize = 16;
/// Addresses and, from the largest balancers, some identifiers: a tenth of it.
const MOST_BYTES: usize = 4_096;
const VERSION: u8 = 2;
const LOCAL: u8 = 0;
const PROXY: u8 = 1;
const TCP_OVER_IPV4: u8 = 0x11;
const TCP_OVER_IPV6: u8 = 0x21;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let bytes = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[command, family], &bytes, rest].concat()
    }

    /// As a balancer writes it.
    fn of(source: SocketAddr, more: &[u8]) -> Vec<u8> {
        let port = source.port().to_be_bytes();
        match source.ip() {
            IpAddr::V4(ip) => {
                let rest = [&ip.octets()[..], &[10, 0, 0, 1], &port, &[1, 187], more].concat();
                header(0x21, TCP_OVER_IPV4, &rest)
            }
            IpAddr::V6(ip) => {
                let rest = [&ip.octets()[..], &[1; 16], &port, &[1, 187], more].concat();
                header(0x21, TCP_OVER_IPV6, &rest)
            }
        }
    }

    #[test]
    fn anything_but_a_header_about_tcp_is_refused() {
        use ProxyHeaderError::{Malformed, Missing, NotTcp, TooLong};

        let good = of("192.0.2.7:4711".parse().unwrap(), &[4, 0, 1, 9]);
        assert_eq!(
            parse_proxy_header(&good),
            Ok(Some("192.0.2.7:4711".parse().unwrap()))
        );
        let changed = |at: usize, byte: u8| {
            let mut header = good.clone();
            header[at] = byte;
            header
        };
        let behind = [&good[..], b"x"].concat();
        let cases = [
            (changed(0, b'P'), Missing),
            (
                b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\r\n".to_vec(),
                Missing,
            ),
            (
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03abcdef".to_vec(),
                Missing,
            ),
            (changed(12, 0x11), Malformed),
            (changed(12, 0x22), Malformed),
            (changed(13, 0x12), NotTcp { family: 0x12 }),
            (changed(13, 0x00), NotTcp { family: 0 }),
            (changed(13, 0x31), NotTcp { family: 0x31 }),
            // Too short for its addresses, and for what it says of more.
            (changed(13, 0x21), Malformed),
            (changed(30, 2), Malformed),
            (changed(14, 0x10), TooLong { bytes: 0x1010 }),
            (behind, Malformed),
        ];
        for (header, why) in cases {
            assert_eq!(parse_proxy_header(&header), Err(why), "{header:?}");
        }
    }

    #[test]
    fn a_balancer_may_speak_for_itself() {
        for (family, rest) in [(0, &b""[..]), (TCP_OVER_IPV4, b"whatever")] {
            let found = parse_proxy_header(&header(0x20, family, rest));
            assert_eq!(found, Ok(None), "{family}");
        }
    }

    #[tokio::test]
    async fn not_one_byte_is_read_behind_it() {
        let source = "[2001:db8::7]:4711".parse().unwrap();
        let sent = [&of(source, &[])[..], b"\x16\x03\x01"].concat();
        let mut unread = &sent[..];
        assert_eq!(read_proxy_header(&mut unread).await, Ok(Some(source)));
        assert_eq!(unread, b"\x16\x03\x01");
        let mut cut = &sent[..20];
        assert_eq!(
            read_proxy_header(&mut cut).await,
            Err(ProxyHeaderError::Broken {
                kind: io::ErrorKind::UnexpectedEof
            })
        );
    }

    proptest! {
        #[test]
        fn any_source_is_read_as_it_was_written(
            source: SocketAddr,
            kinds in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..40)), 0..4),
        ) {
            let more: Vec<u8> = kinds
                .iter()
                .flat_map(|(kind, value)| {
                    let bytes = u8::try_from(value.len()).unwrap();
                    [&[*kind, 0, bytes][..], value].concat()
                })
                .collect();
            let ip = source.ip().to_canonical();
            let source = SocketAddr::new(ip, source.port());
            prop_assert_eq!(parse_proxy_header(&of(source, &more)), Ok(Some(source)));
        }

        #[test]
        fn any_damage_is_refused_or_harmless(
            source: SocketAddr,
            at in 0_usize..64,
            byte: u8,
            cut in 0_usize..64,
        ) {
            let mut header = of(source, &[4, 0, 1, 9]);
            let whole = header.len();
            if let Some(place) = header.get_mut(at) {
                *place = byte;
            }
            header.truncate(whole - cut.min(whole));
            let read = parse_proxy_header(&header);
            prop_assert!(cut == 0 || read.is_err() || at < 16, "{:?}", read);
        }
    }
}
