//! What says who asks.

use std::fmt;
use std::path::Path;
use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderValue;
use zeroize::Zeroizing;

use crate::https::form::escaped;
use crate::store;
use crate::store::StoreError;

/// A bearer token (RFC 6750), or a name with its secret (RFC 6749, 2.3.1). It
/// is never shown.
pub struct Credentials(Zeroizing<String>);

impl Credentials {
    /// A token that is at hand.
    ///
    /// # Errors
    ///
    /// [`CredentialsError::NotAToken`] if it could not stand in a header.
    pub fn bearer(token: &str) -> Result<Self, CredentialsError> {
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(CredentialsError::NotAToken);
        }
        Ok(Self(Zeroizing::new(format!("Bearer {token}"))))
    }

    /// The token in the file at `path`, which may be renewed by others: read it
    /// again for each request.
    ///
    /// # Errors
    ///
    /// [`CredentialsError`] if there is none.
    pub fn read_bearer(path: &Path) -> Result<Self, CredentialsError> {
        let text = store::read(path).map_err(|cause| CredentialsError::Unreadable { cause })?;
        let text = Zeroizing::new(text);
        let none = || CredentialsError::NoToken {
            path: path.to_owned(),
        };
        let text = std::str::from_utf8(&text).map_err(|_binary| none())?;
        Self::bearer(text.trim()).map_err(|_none| none())
    }

    /// A client and its secret, each escaped as RFC 6749 demands, so that a
    /// colon in either divides nothing.
    #[must_use]
    pub fn basic(client: &str, secret: &str) -> Self {
        let (client, secret) = (escaped(client), escaped(secret));
        let pair = Zeroizing::new(format!("{}:{}", client.as_str(), secret.as_str()));
        let encoded = Zeroizing::new(BASE64_STANDARD.encode(pair.as_bytes()));
        Self(Zeroizing::new(format!("Basic {}", encoded.as_str())))
    }

    pub(super) fn field(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&self.0).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// Why there is no token to show.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// A text that no header could hold.
    #[error("what should be a token is not one")]
    NotAToken,
    /// The file holds no token.
    #[error("`{}` does not hold a token", path.display())]
    NoToken {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("the token to show cannot be read")]
    Unreadable {
        /// Why not.
        #[source]
        cause: StoreError,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_escaped_before_it_is_encoded() {
        // RFC 6749 2.3.1's own pair, then one whose parts have what divides them.
        for (client, secret, field) in [
            (
                "s6BhdRkqt3",
                "7Fjfp0ZBr1KtDRbnfVdmIw",
                "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3",
            ),
            ("a:b", "c%d é", "Basic YSUzQWI6YyUyNWQlMjAlQzMlQTk="),
        ] {
            let credentials = Credentials::basic(client, secret);
            assert_eq!(credentials.field().unwrap(), field);
            assert_eq!(format!("{credentials:?}"), "Credentials(…)");
        }
    }

    #[test]
    fn what_no_header_holds_is_no_token() {
        let field = Credentials::bearer("a.b-c").unwrap().field().unwrap();
        assert_eq!(field, "Bearer a.b-c");
        for token in ["", "a b", "a\n", "é"] {
            let refused = Credentials::bearer(token).unwrap_err();
            assert!(
                matches!(refused, CredentialsError::NotAToken),
                "{token:?}: {refused:?}"
            );
        }
    }
}
