//! Where a server is.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use http::uri::PathAndQuery;
use rustls_pki_types::ServerName;

/// A URL such as `https://host:8443/bundle.json?v=1`.
///
/// Parsing is the only way to make one, so whoever holds a `Url` may rely on
/// its scheme being `https`, on a host that a certificate can name, on a port,
/// and on its holding neither user information nor a fragment. Two that are
/// equal are the same place. Cloning is cheap.
///
/// The one exception is [`loopback`](Self::loopback), which whoever wants it
/// must ask for by name.
#[derive(Clone, Eq, PartialEq)]
pub struct Url(Arc<Parts>);

#[derive(Eq, PartialEq)]
struct Parts {
    /// In lower case; an IPv6 address without its brackets.
    host: ServerName<'static>,
    port: u16,
    scheme: Scheme,
    target: PathAndQuery,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Scheme {
    Http,
    Https,
}

impl Scheme {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Http => "http://",
            Self::Https => "https://",
        }
    }

    const fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl Url {
    /// The longest URL in bytes: what servers and proxies commonly take.
    pub const MAX_BYTES: usize = 2048;

    /// Reads what [`FromStr`] reads, and `http` to this machine itself: for
    /// servers of developers and tests. Where `localhost` is, is looked at when
    /// it is dialled.
    ///
    /// # Errors
    ///
    /// All of [`UrlError`].
    pub fn loopback(text: &str) -> Result<Self, UrlError> {
        if !text.starts_with(Scheme::Http.prefix()) {
            return text.parse();
        }
        let url = Self::read(text, Scheme::Http)?;
        let is_near = match url.0.host {
            ServerName::IpAddress(address) => IpAddr::from(address).is_loopback(),
            _ => url.0.host.to_str() == "localhost",
        };
        if is_near {
            Ok(url)
        } else {
            Err(UrlError::NotHttps)
        }
    }

    /// Whether it is one of those on this machine that have no TLS.
    pub(super) fn is_plain(&self) -> bool {
        self.0.scheme == Scheme::Http
    }

    /// What the server's certificate must name, if names are looked at.
    pub(super) fn host(&self) -> ServerName<'static> {
        self.0.host.clone()
    }

    /// `host:port`, as it is dialled.
    pub(super) fn destination(&self) -> String {
        format!("{}:{}", self.host_text(), self.0.port)
    }

    /// The `host` of a request.
    pub(super) fn authority(&self) -> String {
        let port = self.0.port;
        if port == self.0.scheme.port() {
            return self.host_text();
        }
        format!("{}:{port}", self.host_text())
    }

    /// What a request asks for.
    pub(super) fn target(&self) -> &str {
        self.0.target.as_str()
    }

    /// What errors and records say: without the query, which may hold a secret.
    #[must_use]
    pub fn shown(&self) -> String {
        let scheme = self.0.scheme.prefix();
        format!("{scheme}{}{}", self.authority(), self.0.target.path())
    }

    fn host_text(&self) -> String {
        let host = self.0.host.to_str();
        if host.contains(':') {
            format!("[{host}]")
        } else {
            host.into_owned()
        }
    }
}

impl Url {
    fn read(text: &str, scheme: Scheme) -> Result<Self, UrlError> {
        if text.len() > Self::MAX_BYTES {
            return Err(UrlError::TooLong { bytes: text.len() });
        }
        if let Some((at, found)) = text.char_indices().find(|&(_, c)| !is_allowed(c)) {
            return Err(UrlError::BadCharacter { at, found });
        }
        let prefix = scheme.prefix();
        let rest = text.strip_prefix(prefix).ok_or(UrlError::NotHttps)?;
        if rest.contains('#') {
            return Err(UrlError::Fragment);
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end).ok_or(UrlError::BadHost)?;
        if authority.contains('@') {
            return Err(UrlError::UserInformation);
        }
        let (host, port) = split(authority, scheme)?;
        let target = match target {
            "" => "/".to_owned(),
            query if query.starts_with('?') => format!("/{query}"),
            path => path.to_owned(),
        };
        Ok(Self(Arc::new(Parts {
            host: read_host(host)?,
            port,
            scheme,
            target: target.parse().map_err(|_invalid| UrlError::BadPath)?,
        })))
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::read(text, Scheme::Https)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.0.scheme.prefix();
        write!(f, "{scheme}{}{}", self.authority(), self.0.target)
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({})", self.shown())
    }
}

/// Why a text is not the URL of a server that we would ask.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UrlError {
    /// A character that no URL has.
    #[error("character `{}` at byte {at} does not belong in a URL", found.escape_default())]
    BadCharacter {
        /// Its position in bytes, from 0.
        at: usize,
        /// The character.
        found: char,
    },
    /// Neither a DNS name nor an address.
    #[error("its host is neither a DNS name nor an address")]
    BadHost,
    /// A path or query that is none.
    #[error("its path or query is malformed")]
    BadPath,
    /// A port that is not a number from 1 to 65535.
    #[error("its port is not a number from 1 to 65535")]
    BadPort,
    /// A part for browsers.
    #[error("it has a fragment (`#…`)")]
    Fragment,
    /// Another scheme, or none.
    #[error("it does not begin with `https://`")]
    NotHttps,
    /// More than [`Url::MAX_BYTES`].
    #[error("it has {bytes} bytes, more than {}", Url::MAX_BYTES)]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// A name or password before the host.
    #[error("it has a user or a password in it (`…@`)")]
    UserInformation,
}

/// RFC 3986, 2: what may stand in a URL, escaped or as itself.
const fn is_allowed(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}')
}

fn split(authority: &str, scheme: Scheme) -> Result<(&str, u16), UrlError> {
    let end = if authority.starts_with('[') {
        authority.find(']').ok_or(UrlError::BadHost)? + 1
    } else {
        authority.find(':').unwrap_or(authority.len())
    };
    let (host, rest) = authority.split_at_checked(end).ok_or(UrlError::BadHost)?;
    if rest.is_empty() {
        return Ok((host, scheme.port()));
    }
    let port = rest.strip_prefix(':').ok_or(UrlError::BadHost)?;
    // `parse` takes a plus sign and leading zeros: two spellings.
    match port.parse() {
        Ok(number) if port.starts_with(|c: char| ('1'..='9').contains(&c)) => Ok((host, number)),
        _ => Err(UrlError::BadPort),
    }
}

fn read_host(host: &str) -> Result<ServerName<'static>, UrlError> {
    let bare = match host.strip_prefix('[') {
        Some(rest) => {
            let inner = rest.strip_suffix(']').ok_or(UrlError::BadHost)?;
            let address: std::net::Ipv6Addr =
                inner.parse().map_err(|_invalid| UrlError::BadHost)?;
            return Ok(ServerName::IpAddress(address.into()));
        }
        None => host.to_ascii_lowercase(),
    };
    if let Ok(address) = bare.parse::<std::net::Ipv4Addr>() {
        return Ok(ServerName::IpAddress(address.into()));
    }
    // A last label of digits is a misspelt address to many (RFC 3986, 3.2.2).
    let last = bare.rsplit('.').next().unwrap_or_default();
    if last.is_empty() || last.starts_with(|c: char| c.is_ascii_digit()) || bare.contains(':') {
        return Err(UrlError::BadHost);
    }
    ServerName::try_from(bare).map_err(|_invalid| UrlError::BadHost)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_place_is_read_in_its_parts() {
        let cases = [
            ("https://host.example", "host.example:443", "/"),
            ("https://Host.Example:443/", "host.example:443", "/"),
            ("https://host:8443?v=1", "host:8443", "/?v=1"),
            ("https://127.0.0.1:1/a/b?c#", "", ""),
            ("https://127.0.0.1:1/a%2fb?c", "127.0.0.1:1", "/a%2fb?c"),
            ("https://[::1]/x", "[::1]:443", "/x"),
            ("https://[0::1]:65535/x", "[::1]:65535", "/x"),
        ];
        for (text, destination, target) in cases {
            let Ok(url) = text.parse::<Url>() else {
                assert_eq!(destination, "", "{text}");
                continue;
            };
            assert_eq!(
                (url.destination().as_str(), url.target()),
                (destination, target)
            );
        }
    }

    #[test]
    fn rejects_what_is_no_place_to_ask() {
        use UrlError::{
            BadCharacter, BadHost, BadPort, Fragment, NotHttps, TooLong, UserInformation,
        };

        let long = format!("https://host/{}", "a".repeat(2048));
        let cases = [
            ("", NotHttps),
            ("http://host/", NotHttps),
            ("HTTPS://host/", NotHttps),
            ("https:/host/", NotHttps),
            ("https://", BadHost),
            ("https:///path", BadHost),
            ("https://user@host/", UserInformation),
            ("https://user:secret@host/", UserInformation),
            ("https://host/#top", Fragment),
            ("https://host:0/", BadPort),
            ("https://host:/", BadPort),
            ("https://host:0443/", BadPort),
            ("https://host:+443/", BadPort),
            ("https://host:65536/", BadPort),
            ("https://host./", BadHost),
            ("https://ho_st%41/", BadHost),
            ("https://1.2.3/", BadHost),
            ("https://0x7f000001.1/", BadHost),
            ("https://[::1/", BadHost),
            ("https://::1/", BadPort),
            ("https://[::1]x/", BadHost),
            ("https://[127.0.0.1]/", BadHost),
            ("https://host/a b", BadCharacter { at: 14, found: ' ' }),
            (
                "https://host\\x/",
                BadCharacter {
                    at: 12,
                    found: '\\',
                },
            ),
            ("https://hóst/", BadCharacter { at: 9, found: 'ó' }),
            (
                "https://host/\r\nx: y",
                BadCharacter {
                    at: 13,
                    found: '\r',
                },
            ),
            (long.as_str(), TooLong { bytes: long.len() }),
        ];
        for (text, why) in cases {
            assert_eq!(text.parse::<Url>(), Err(why), "{text}");
        }
    }

    #[test]
    fn in_the_clear_is_only_this_machine_and_only_by_name() {
        let cases = [
            ("http://127.0.0.1:8080/a", Ok("http://127.0.0.1:8080/a")),
            ("http://127.9.9.9", Ok("http://127.9.9.9/")),
            ("http://[::1]:80/a", Ok("http://[::1]/a")),
            ("http://LocalHost:443/a?b", Ok("http://localhost:443/a?b")),
            ("https://host:80/", Ok("https://host:80/")),
            ("http://host/", Err(UrlError::NotHttps)),
            ("http://localhost.evil.example/", Err(UrlError::NotHttps)),
            ("http://128.0.0.1/", Err(UrlError::NotHttps)),
            ("http://[::2]/", Err(UrlError::NotHttps)),
            ("http://[::ffff:127.0.0.1]/", Err(UrlError::NotHttps)),
            ("http://a@localhost/", Err(UrlError::UserInformation)),
            ("HTTP://localhost/", Err(UrlError::NotHttps)),
        ];
        for (text, expected) in cases {
            let written = Url::loopback(text).map(|url| url.to_string());
            assert_eq!(written, expected.map(ToOwned::to_owned), "{text}");
            if text.starts_with("http:") {
                assert_eq!(text.parse::<Url>(), Err(UrlError::NotHttps), "{text}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_read_again_from_what_is_written(
            text in "https://([a-zA-Z0-9.-]{0,8}|\\[[0-9a-f:]{0,6}\\]|[0-9.]{1,9})(:[0-9]{0,6})?[/?a-z%#@:0-9]{0,12}|\\PC{0,24}",
        ) {
            let Ok(url) = text.parse::<Url>() else { return Ok(()) };
            let written = url.to_string();
            prop_assert!(written.starts_with("https://"));
            prop_assert!(!written.contains(['@', '#', ' ']) || url.target().contains('@'));
            prop_assert_eq!(written.parse::<Url>(), Ok(url));
        }
    }
}
