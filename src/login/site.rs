//! Where an edge is.

use std::fmt;
use std::str::FromStr;

use crate::https::Url;
use crate::https::UrlError;

/// An edge's address, such as `https://apps.example` or `https://apps.example:8443`.
///
/// Parsing is the only way to make one, so whoever holds a `Site` may rely on its
/// being a host that is asked over TLS, or one on loopback, and nothing after it.
/// It is shown in one way, whatever was typed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Site(Box<str>);

impl Site {
    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A place there. `path` begins with `/`.
    ///
    /// # Errors
    ///
    /// [`UrlError`] if there is no such place.
    pub(super) fn place(&self, path: &str) -> Result<Url, UrlError> {
        Url::loopback(&format!("{self}{path}"))
    }

    /// The name of a file about it: two sites have two.
    pub(super) fn file_name(&self) -> String {
        let (scheme, authority) = self.0.split_once("://").unwrap_or(("", &self.0));
        format!("{scheme}-{authority}.json")
    }
}

impl FromStr for Site {
    type Err = SiteError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::loopback(text).map_err(|cause| SiteError::NotAUrl { cause })?;
        let shown = url.to_string();
        let site = shown.strip_suffix('/').filter(|site| {
            let (_, authority) = site.split_once("://").unwrap_or_default();
            !authority.contains(['/', '?'])
        });
        site.map(|site| Self(site.into()))
            .ok_or(SiteError::MoreThanAHost)
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text does not say where an edge is.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SiteError {
    /// There is something after the host.
    #[error("it has a path or a query: write `https://HOST` or `https://HOST:PORT`")]
    MoreThanAHost,
    /// It cannot be asked.
    #[error("write `https://HOST` or `https://HOST:PORT`: {cause}")]
    NotAUrl {
        /// Why not.
        cause: UrlError,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_site_is_a_host_and_no_more() {
        for (text, shown, file) in [
            (
                "https://a.example",
                "https://a.example",
                "https-a.example.json",
            ),
            (
                "https://A.Example:443/",
                "https://a.example",
                "https-a.example.json",
            ),
            (
                "https://a.example:8443",
                "https://a.example:8443",
                "https-a.example:8443.json",
            ),
            ("https://[::1]:1", "https://[::1]:1", "https-[::1]:1.json"),
            (
                "http://127.0.0.1:1",
                "http://127.0.0.1:1",
                "http-127.0.0.1:1.json",
            ),
        ] {
            let site: Site = text.parse().unwrap();
            assert_eq!((site.as_str(), site.file_name().as_str()), (shown, file));
            assert_eq!(site.place("/x").unwrap().to_string(), format!("{shown}/x"));
        }
        for text in [
            "https://a.example/x",
            "https://a.example//",
            "https://a.example/?",
            "https://a.example?a",
        ] {
            assert_eq!(
                text.parse::<Site>(),
                Err(SiteError::MoreThanAHost),
                "{text}"
            );
        }
        for text in [
            "a.example",
            "",
            "http://a.example",
            "https://",
            "https://u@a.example",
        ] {
            let refused = text.parse::<Site>();
            assert!(matches!(refused, Err(SiteError::NotAUrl { .. })), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(text in "https?://[a-zA-Z0-9.:\\[\\]-]{1,20}[/?a]{0,2}|\\PC{0,20}") {
            if let Ok(site) = text.parse::<Site>() {
                prop_assert_eq!(site.as_str().parse::<Site>(), Ok(site.clone()));
                let name = site.file_name();
                prop_assert!(!name.contains('/') && !name.starts_with('.'), "{}", name);
            }
        }
    }
}
