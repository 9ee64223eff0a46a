//! Which database, and how it is reached.

use std::path::PathBuf;

/// Which database.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DatabaseSettings {
    /// A server that several authorities may share: a `postgres://` URL.
    Postgres {
        /// The URL. It may hold a password, and is never shown.
        url: Url,
    },
    /// A file, for one authority.
    Sqlite {
        /// The file. It is made if it is not there.
        path: PathBuf,
    },
}

/// A URL that may hold a password.
#[derive(Clone, Eq, PartialEq)]
pub struct Url(String);

impl Url {
    /// Takes it as it is written.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Url {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Url(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let settings = DatabaseSettings::Postgres {
            url: Url::new("postgres://user:secret@host/db".to_owned()),
        };
        assert!(!format!("{settings:?}").contains("secret"));
    }
}
