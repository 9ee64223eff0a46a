//! What is kept of a login, as its file has it.

use std::fmt;
use std::time::SystemTime;

use serde::Deserialize;
use serde::Serialize;
use zeroize::Zeroize as _;
use zeroize::Zeroizing;

use crate::login::site::Site;
use crate::login::site::SiteError;
use crate::session::SessionId;

/// A token, where it is good, and until when.
///
/// Whoever holds one may rely on the token's being written as an edge writes it.
/// It is shown to that edge only.
#[derive(Clone, Eq, PartialEq)]
pub struct Kept {
    expires: SystemTime,
    site: Site,
    token: Zeroizing<String>,
}

/// As it is written.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Written {
    host: String,
    token: String,
    /// RFC 3339.
    expires: String,
}

impl Kept {
    /// The longest file, in bytes.
    pub const MAX_BYTES: usize = 4096;

    /// Keeps `token` of `site`, in whole seconds.
    ///
    /// # Errors
    ///
    /// [`KeptError::BadToken`] if no edge gives such a token, and
    /// [`KeptError::BeyondCalendar`].
    pub fn new(
        site: Site,
        token: Zeroizing<String>,
        expires: SystemTime,
    ) -> Result<Self, KeptError> {
        SessionId::parse_token(token.as_bytes()).map_err(|_not_one| KeptError::BadToken)?;
        let expires = jiff::Timestamp::try_from(expires).ok();
        let second = expires.and_then(|at| jiff::Timestamp::from_second(at.as_second()).ok());
        let expires = second.and_then(|second| SystemTime::try_from(second).ok());
        Ok(Self {
            expires: expires.ok_or(KeptError::BeyondCalendar)?,
            site,
            token,
        })
    }

    /// Reads the content of a file.
    ///
    /// # Errors
    ///
    /// All of [`KeptError`].
    pub fn parse(text: &[u8]) -> Result<Self, KeptError> {
        if text.len() > Self::MAX_BYTES {
            return Err(KeptError::TooLong { bytes: text.len() });
        }
        let written: Written =
            serde_json::from_slice(text).map_err(|cause| KeptError::NotJson { cause })?;
        let site = written.host.parse();
        let site = site.map_err(|cause| KeptError::BadHost { cause })?;
        let expires = written.expires.parse::<jiff::Timestamp>();
        let expires = expires.map_err(|cause| KeptError::BadDate { cause })?;
        let expires = SystemTime::try_from(expires);
        let expires = expires.map_err(|_beyond| KeptError::BeyondCalendar)?;
        Self::new(site, Zeroizing::new(written.token), expires)
    }

    /// The content of its file.
    ///
    /// # Errors
    ///
    /// [`KeptError::BeyondCalendar`] and [`KeptError::NotJson`], which nothing
    /// that was made here gives.
    pub fn to_text(&self) -> Result<Zeroizing<String>, KeptError> {
        let expires = jiff::Timestamp::try_from(self.expires);
        let expires = expires.map_err(|_beyond| KeptError::BeyondCalendar)?;
        let mut written = Written {
            host: self.site.to_string(),
            token: self.token.to_string(),
            expires: expires.to_string(),
        };
        let text = serde_json::to_string(&written).map(Zeroizing::new);
        written.token.zeroize();
        text.map_err(|cause| KeptError::NotJson { cause })
    }

    /// When it ends, however much it is used.
    #[must_use]
    pub const fn expires(&self) -> SystemTime {
        self.expires
    }

    /// Where it is good.
    #[must_use]
    pub const fn site(&self) -> &Site {
        &self.site
    }

    /// What stands for the person.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kept({})", self.site)
    }
}

/// Why a text is not what is kept of a login.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// Its `expires` is none.
    #[error("its `expires` is not a date")]
    BadDate {
        /// Why not.
        #[source]
        cause: jiff::Error,
    },
    /// Its `host` is none.
    #[error("its `host` is not an edge's address")]
    BadHost {
        /// Why not.
        #[source]
        cause: SiteError,
    },
    /// Its `token` is none of an edge's.
    #[error("its `token` is none that an edge gives")]
    BadToken,
    /// A date that no calendar has.
    #[error("its end is beyond the calendar")]
    BeyondCalendar,
    /// It is not the JSON that we write.
    #[error("it is not what `portreeve login` writes")]
    NotJson {
        /// What is wrong.
        #[source]
        cause: serde_json::Error,
    },
    /// More than [`Kept::MAX_BYTES`].
    #[error("it has {bytes} bytes, more than {}", Kept::MAX_BYTES)]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    const TOKEN: &str = "prt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn text(host: &str, token: &str, more: &str) -> String {
        format!(r#"{{"host":"{host}","token":"{token}","expires":"2026-11-28T20:01:12Z"{more}}}"#)
    }

    #[test]
    fn what_is_kept_is_what_an_edge_gave() {
        let kept = Kept::parse(text("https://a.example", TOKEN, "").as_bytes()).unwrap();
        assert_eq!(
            (kept.site().as_str(), kept.token()),
            ("https://a.example", TOKEN)
        );
        assert_eq!(
            *kept.to_text().unwrap(),
            text("https://a.example", TOKEN, "")
        );
        assert_eq!(format!("{kept:?}"), "Kept(https://a.example)");
        let why = |text: &str| Kept::parse(text.as_bytes()).unwrap_err();
        let other = TOKEN.strip_prefix("prt_").unwrap();
        assert!(matches!(
            why(&text("https://a.example", other, "")),
            KeptError::BadToken
        ));
        assert!(matches!(
            why(&text("a.example", TOKEN, "")),
            KeptError::BadHost { .. }
        ));
        let more = text("https://a.example", TOKEN, r#","more":1"#);
        for wrong in [more.as_str(), "", "{}", "[]"] {
            assert!(matches!(why(wrong), KeptError::NotJson { .. }), "{wrong}");
        }
        let long = text("https://a.example", TOKEN, &" ".repeat(Kept::MAX_BYTES));
        assert!(matches!(why(&long), KeptError::TooLong { .. }));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            port in 1..u16::MAX, bits in any::<[u8; 32]>(), at in 0..200_000_000_000_u64,
        ) {
            use base64::Engine as _;

            let site: Site = format!("https://a.example:{port}").parse().unwrap();
            let bits = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(bits);
            let token = Zeroizing::new(format!("prt_{bits}"));
            let expires = SystemTime::UNIX_EPOCH + Duration::from_secs(at);
            let kept = Kept::new(site, token, expires).unwrap();
            prop_assert_eq!(kept.expires(), expires);
            let text = kept.to_text().unwrap();
            prop_assert_eq!(Kept::parse(text.as_bytes()).unwrap(), kept);
        }

        #[test]
        fn no_text_is_too_strange(text in "\\PC{0,60}|[{}\",:a-z0-9TZ-]{0,60}") {
            drop(Kept::parse(text.as_bytes()));
        }
    }
}
