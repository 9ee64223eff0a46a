//! A token that says who asks.

use std::fmt;
use std::path::Path;
use std::path::PathBuf;

use http::HeaderValue;
use zeroize::Zeroizing;

use crate::store;
use crate::store::StoreError;

/// A bearer token (RFC 6750). It is never shown.
pub struct Bearer(Zeroizing<String>);

impl Bearer {
    /// Reads the token in the file at `path`, which may be renewed by others:
    /// read it again for each request.
    ///
    /// # Errors
    ///
    /// [`BearerError`] if there is none.
    pub fn read(path: &Path) -> Result<Self, BearerError> {
        let text = store::read(path).map_err(|cause| BearerError::Unreadable { cause })?;
        let text = Zeroizing::new(text);
        let none = || BearerError::NoToken {
            path: path.to_owned(),
        };
        let text = std::str::from_utf8(&text).map_err(|_binary| none())?;
        let token = text.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(none());
        }
        Ok(Self(Zeroizing::new(token.to_owned())))
    }

    pub(super) fn field(&self) -> Option<HeaderValue> {
        let text = Zeroizing::new(format!("Bearer {}", self.0.as_str()));
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(…)")
    }
}

/// Why there is no token to show.
#[derive(Debug, thiserror::Error)]
pub enum BearerError {
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
