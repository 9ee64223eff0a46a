//! One reading of the host that a request is for.
//!
//! Lower case, no trailing dot, no user information, a port in plain decimal.
//! Two spellings of one host would be two hosts to a policy and one to the
//! application.

use http::uri::Authority;

/// The canonical form of `text`, which is `host` or `host:port`.
///
/// # Errors
///
/// [`AuthorityError`] if it is neither.
pub(super) fn canonical(text: &[u8]) -> Result<Authority, AuthorityError> {
    if text.is_empty() {
        return Err(AuthorityError::Empty);
    }
    if text.len() > MAX_BYTES {
        return Err(AuthorityError::TooLong { bytes: text.len() });
    }
    let text = std::str::from_utf8(text).map_err(|_not_utf8| AuthorityError::BadHost)?;
    let (host, port) = split(text)?;
    let bare = if host.starts_with('[') {
        host
    } else {
        host.strip_suffix('.').unwrap_or(host)
    };
    check_host(bare)?;
    let canonical = bare.len() == host.len() && !host.bytes().any(|byte| byte.is_ascii_uppercase());
    let parsed = if canonical {
        Authority::try_from(text)
    } else {
        let mut lower = bare.to_ascii_lowercase();
        if let Some(port) = port {
            lower.push(':');
            lower.push_str(port);
        }
        Authority::try_from(lower)
    };
    parsed.map_err(|_invalid| AuthorityError::BadHost)
}

/// Whether `text` is a host as requests have it once they are read, without a port.
#[must_use]
pub fn is_host(text: &str) -> bool {
    canonical(text.as_bytes()).is_ok_and(|read| read.as_str() == text && read.port().is_none())
}

/// The last host that was read, which on one connection is nearly always the next.
#[derive(Debug, Default)]
pub(super) struct Recent(Option<Authority>);

impl Recent {
    /// As [`canonical`].
    ///
    /// # Errors
    ///
    /// As [`canonical`].
    pub(super) fn canonical(&mut self, text: &[u8]) -> Result<Authority, AuthorityError> {
        if let Some(last) = self
            .0
            .as_ref()
            .filter(|last| last.as_str().as_bytes() == text)
        {
            return Ok(last.clone());
        }
        let authority = canonical(text)?;
        self.0 = Some(authority.clone());
        Ok(authority)
    }
}

/// Why a text names no host.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum AuthorityError {
    /// Something that is not a DNS name or an IP address.
    #[error("the host is not a name or an address")]
    BadHost,
    /// A port that is not a decimal number from 1 to 65535.
    #[error("the port is not a number from 1 to 65535")]
    BadPort,
    /// Nothing at all.
    #[error("the host is empty")]
    Empty,
    /// Longer than a DNS name and a port can be.
    #[error("the host has {bytes} bytes, more than {MAX_BYTES}")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

fn split(text: &str) -> Result<(&str, Option<&str>), AuthorityError> {
    let after_host = if text.starts_with('[') {
        text.find(']').ok_or(AuthorityError::BadHost)? + 1
    } else {
        text.find(':').unwrap_or(text.len())
    };
    let (host, rest) = text
        .split_at_checked(after_host)
        .ok_or(AuthorityError::BadHost)?;
    match rest.strip_prefix(':') {
        None if rest.is_empty() => Ok((host, None)),
        None => Err(AuthorityError::BadHost),
        Some(port) => match port.parse::<u16>() {
            // `parse` takes a plus sign and leading zeros: two spellings.
            Ok(number) if number > 0 && port.starts_with(|c: char| ('1'..='9').contains(&c)) => {
                Ok((host, Some(port)))
            }
            _ => Err(AuthorityError::BadPort),
        },
    }
}

fn check_host(host: &str) -> Result<(), AuthorityError> {
    if let Some(inner) = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        return match inner.parse::<std::net::Ipv6Addr>() {
            Ok(_) => Ok(()),
            Err(_) => Err(AuthorityError::BadHost),
        };
    }
    let labels_ok = host.split('.').all(|label| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    });
    if labels_ok {
        Ok(())
    } else {
        Err(AuthorityError::BadHost)
    }
}

/// A DNS name (253), a colon and a port.
const MAX_BYTES: usize = 259;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn folds_the_spellings_of_one_host() {
        let cases = [
            ("orders", "orders"),
            ("Orders.Shop:8080", "orders.shop:8080"),
            ("orders.shop.", "orders.shop"),
            ("orders.shop.:80", "orders.shop:80"),
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("[::1]:8080", "[::1]:8080"),
            ("my_app", "my_app"),
        ];
        for (text, expected) in cases {
            assert_eq!(
                canonical(text.as_bytes()).unwrap().as_str(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn refuses_what_is_no_host() {
        use AuthorityError::{BadHost, BadPort, Empty, TooLong};

        let long = "a".repeat(260);
        let cases: [(&str, AuthorityError); 15] = [
            ("", Empty),
            (long.as_str(), TooLong { bytes: 260 }),
            ("a/b", BadHost),
            ("a b", BadHost),
            ("user@host", BadHost),
            ("a..b", BadHost),
            (".", BadHost),
            ("a,b", BadHost),
            ("[::1", BadHost),
            ("[fe80::1%25eth0]", BadHost),
            ("h%61st", BadHost),
            ("a:", BadPort),
            ("a:0", BadPort),
            ("a:+80", BadPort),
            ("a:65536", BadPort),
        ];
        for (text, why) in cases {
            assert_eq!(canonical(text.as_bytes()), Err(why), "{text:?}");
        }
        assert_eq!(canonical(b"a:080"), Err(BadPort));
        assert_eq!(canonical(b"a:80:80"), Err(BadPort));
        assert_eq!(canonical("\u{e9}".as_bytes()), Err(BadHost));
    }

    proptest! {
        #[test]
        fn the_canonical_form_is_its_own_canonical_form(text in "[a-cA-C0-9.:@_\\[\\]-]{0,16}|\\PC{0,12}") {
            if let Ok(once) = canonical(text.as_bytes()) {
                let again = canonical(once.as_str().as_bytes());
                prop_assert_eq!(again.as_ref().map(Authority::as_str), Ok(once.as_str()));
                prop_assert!(!once.as_str().contains('@'));
                prop_assert!(!once.as_str().bytes().any(|byte| byte.is_ascii_uppercase()));
            }
        }
    }
}
