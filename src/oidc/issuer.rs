//! The name of a provider, which is where it is found.

use std::fmt;

use crate::https::Url;
use crate::https::UrlError;

/// An issuer's identifier: a URL without a query.
///
/// It is compared byte for byte, as OpenID Connect Core 3.1.3.7 demands: two
/// spellings of one place are two issuers.
#[derive(Clone, Eq, PartialEq)]
pub struct Issuer {
    discovery: Url,
    places: Places,
    text: Box<str>,
}

/// Where a provider may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Places {
    /// At `https` URLs.
    Https,
    /// Also at `http` URLs of this machine: for development.
    InsecureLoopback,
}

impl Issuer {
    /// Reads an identifier. It and what it publishes may be at
    /// such `places`.
    ///
    /// # Errors
    ///
    /// All of [`IssuerError`].
    pub fn parse(text: &str, places: Places) -> Result<Self, IssuerError> {
        if text.contains('?') {
            return Err(IssuerError::Query);
        }
        let discovery = format!("{}{DISCOVERY}", text.strip_suffix('/').unwrap_or(text));
        let not_a_url = |cause| IssuerError::NotAUrl { cause };
        read(text, places).map_err(not_a_url)?;
        Ok(Self {
            discovery: read(&discovery, places).map_err(not_a_url)?,
            places,
            text: text.into(),
        })
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where it says where everything else is (OpenID Connect Discovery 4).
    pub(super) const fn discovery(&self) -> &Url {
        &self.discovery
    }

    /// A place that it publishes.
    pub(super) fn url(&self, text: &str) -> Result<Url, UrlError> {
        read(text, self.places)
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issuer({})", self.text)
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a text does not name an issuer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IssuerError {
    /// Not a URL that could be asked.
    #[error("an issuer is an `https` URL")]
    NotAUrl {
        /// Why not.
        #[source]
        cause: UrlError,
    },
    /// It has a query.
    #[error("an issuer has no query (`?…`)")]
    Query,
}

fn read(text: &str, places: Places) -> Result<Url, UrlError> {
    if places == Places::InsecureLoopback {
        Url::loopback(text)
    } else {
        text.parse()
    }
}

const DISCOVERY: &str = "/.well-known/openid-configuration";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_kept_as_it_was_written_and_found_below_itself() {
        for (text, discovery) in [
            (
                "https://id.example",
                "https://id.example/.well-known/openid-configuration",
            ),
            (
                "https://id.example/",
                "https://id.example/.well-known/openid-configuration",
            ),
            (
                "https://ID.example/realms/a",
                "https://id.example/realms/a/.well-known/openid-configuration",
            ),
        ] {
            let issuer = Issuer::parse(text, Places::Https).unwrap();
            assert_eq!(issuer.as_str(), text);
            assert_eq!(issuer.discovery().to_string(), discovery);
        }
        let cause = UrlError::NotHttps;
        let refused = Issuer::parse("http://127.0.0.1:1", Places::Https);
        assert_eq!(refused, Err(IssuerError::NotAUrl { cause }));
        assert!(Issuer::parse("http://127.0.0.1:1", Places::InsecureLoopback).is_ok());
        let cause = UrlError::NotHttps;
        let refused = Issuer::parse("http://id.example", Places::InsecureLoopback);
        assert_eq!(refused, Err(IssuerError::NotAUrl { cause }));
        assert_eq!(
            Issuer::parse("https://id.example/?a", Places::Https),
            Err(IssuerError::Query)
        );
    }
}
