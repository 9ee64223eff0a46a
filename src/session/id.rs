//! The names of sessions: one that is a secret, and two that are not.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest;
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

/// What a browser or a program shows to be in a session: 256 random bits.
///
/// Whoever knows it is the person. It is handed out once, in a cookie or as a
/// token, and kept nowhere: the store and the memory know its [`Digest`]. That of
/// the same bits is another for a program: what is a token is no cookie.
pub struct SessionId {
    bits: Zeroizing<[u8; 32]>,
    holder: Holder,
}

/// Who shows a session's id.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Holder {
    /// A browser, in a cookie.
    Browser,
    /// A program, as a bearer token.
    Program,
}

impl SessionId {
    /// The length of its cookie's value, in bytes.
    pub const COOKIE_BYTES: usize = 43;

    /// What a program's token begins with, so that whoever looks for secrets that
    /// got about knows one.
    pub const TOKEN_PREFIX: &str = "prt_";

    /// Draws a new one, of a browser.
    ///
    /// # Errors
    ///
    /// [`SessionIdError::NoRandomness`].
    pub fn generate() -> Result<Self, SessionIdError> {
        Self::generate_for(Holder::Browser)
    }

    /// Draws a new one.
    ///
    /// # Errors
    ///
    /// [`SessionIdError::NoRandomness`].
    pub fn generate_for(holder: Holder) -> Result<Self, SessionIdError> {
        let mut bits = Zeroizing::new([0_u8; 32]);
        rand::fill(bits.as_mut_slice()).map_err(|_unspecified| SessionIdError::NoRandomness)?;
        Ok(Self { bits, holder })
    }

    /// Reads the value of a cookie, of which there is one way to write it.
    ///
    /// # Errors
    ///
    /// [`SessionIdError::Malformed`].
    pub fn parse(cookie: &[u8]) -> Result<Self, SessionIdError> {
        let malformed = |_error| SessionIdError::Malformed;
        if cookie.len() != Self::COOKIE_BYTES {
            return Err(SessionIdError::Malformed);
        }
        let bits = BASE64_URL_SAFE_NO_PAD.decode(cookie).map(Zeroizing::new);
        let bits = bits.map_err(|_error| SessionIdError::Malformed)?;
        let bits = <[u8; 32]>::try_from(bits.as_slice()).map_err(malformed)?;
        Ok(Self {
            bits: Zeroizing::new(bits),
            holder: Holder::Browser,
        })
    }

    /// Reads a program's token, of which there is one way to write it.
    ///
    /// # Errors
    ///
    /// [`SessionIdError::Malformed`].
    pub fn parse_token(token: &[u8]) -> Result<Self, SessionIdError> {
        let rest = token.strip_prefix(Self::TOKEN_PREFIX.as_bytes());
        let read = Self::parse(rest.ok_or(SessionIdError::Malformed)?)?;
        Ok(Self {
            holder: Holder::Program,
            ..read
        })
    }

    /// The value of its cookie.
    #[must_use]
    pub fn cookie(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(self.bits.as_slice()))
    }

    /// The token of a program's.
    #[must_use]
    pub fn token(&self) -> Zeroizing<String> {
        let rest = self.cookie();
        Zeroizing::new([Self::TOKEN_PREFIX, rest.as_str()].concat())
    }

    /// What it is known by.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut sum = digest::Context::new(&digest::SHA256);
        match self.holder {
            Holder::Browser => {}
            Holder::Program => sum.update(Self::TOKEN_PREFIX.as_bytes()),
        }
        sum.update(self.bits.as_slice());
        Digest::from_sum(&sum.finish())
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(…)")
    }
}

/// Why there is no session's id.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SessionIdError {
    /// Not one that we gave.
    #[error("not a session's id")]
    Malformed,
    /// The system gave no random numbers.
    #[error("the system gave no random numbers")]
    NoRandomness,
}

/// The SHA-256 of a session's id. No secret: nobody finds the id from it.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Digest([u8; 32]);

impl Digest {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self::from_sum(&digest::digest(&digest::SHA256, bytes))
    }

    fn from_sum(found: &digest::Digest) -> Self {
        let mut sum = [0_u8; 32];
        for (to, from) in sum.iter_mut().zip(found.as_ref()) {
            *to = *from;
        }
        Self(sum)
    }

    /// What operators call the session.
    #[must_use]
    pub fn handle(&self) -> Handle {
        let text = self.to_string();
        Handle(text.chars().take(Handle::LENGTH).collect())
    }

    /// A byte that is as good as drawn.
    pub(super) const fn lot(&self) -> u8 {
        let [first, ..] = self.0;
        first
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = SessionIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let id = SessionId::parse(text.as_bytes())?;
        Ok(Self(*id.bits))
    }
}

/// What operators call a session: the first characters of its [`Digest`].
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Handle(Box<str>);

impl Handle {
    /// Its length, in characters: 72 bits, which no two sessions share.
    pub const LENGTH: usize = 12;

    /// The handle.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Handle {
    type Err = HandleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if text.len() == Self::LENGTH && text.chars().all(plain) {
            return Ok(Self(text.into()));
        }
        Err(HandleError {
            found: text.to_owned(),
        })
    }
}

/// Not a session's handle.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "`{found}` is not a session's handle, which has {} of A-Z, a-z, 0-9, `-` and `_`",
    Handle::LENGTH
)]
pub struct HandleError {
    /// What was given.
    pub found: String,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_is_read_back_from_its_cookie_and_shown_nowhere_else() {
        let id = SessionId::generate().unwrap();
        let cookie = id.cookie();
        assert_eq!(cookie.len(), SessionId::COOKIE_BYTES);
        let read = SessionId::parse(cookie.as_bytes()).unwrap();
        assert_eq!(read.digest(), id.digest());
        assert_ne!(SessionId::generate().unwrap().digest(), id.digest());
        let shown = format!("{id:?} {:?} {}", id.digest(), id.digest().handle());
        assert!(!shown.contains(cookie.as_str()), "{shown}");
        let digest = id.digest().to_string();
        assert_eq!(digest.parse(), Ok(id.digest()));
        assert!(digest.starts_with(id.digest().handle().as_str()));
    }

    #[test]
    fn what_we_never_gave_is_no_id() {
        let good = "A".repeat(43);
        assert!(SessionId::parse(good.as_bytes()).is_ok());
        let cases = [
            String::new(),
            "A".repeat(42),
            "A".repeat(44),
            // The same 32 bytes, written in another way.
            "A".repeat(42) + "B",
            "A".repeat(42) + "=",
            "A".repeat(42) + "+",
            "A".repeat(42) + " ",
        ];
        for cookie in cases {
            let read = SessionId::parse(cookie.as_bytes()).err();
            assert_eq!(read, Some(SessionIdError::Malformed), "{cookie}");
        }
        assert!("AAAAAAAAAAAA".parse::<Handle>().is_ok());
        for handle in ["", "AAAAAAAAAAA", "AAAAAAAAAAAAA", "AAAAAAAAAAA/"] {
            assert!(handle.parse::<Handle>().is_err(), "{handle}");
        }
    }

    #[test]
    fn a_token_is_no_cookie_and_a_cookie_no_token() {
        let id = SessionId::generate_for(Holder::Program).unwrap();
        let token = id.token();
        let read = SessionId::parse_token(token.as_bytes()).unwrap();
        assert_eq!(read.digest(), id.digest());
        assert!(SessionId::parse(token.as_bytes()).is_err());
        // The same bits, shown as the other: somebody else's, that is nobody's.
        let bits = token.strip_prefix("prt_").unwrap();
        let cookie = SessionId::parse(bits.as_bytes()).unwrap();
        assert_ne!(cookie.digest(), id.digest());
        assert!(SessionId::parse_token(bits.as_bytes()).is_err());
        let browser = SessionId::generate().unwrap();
        let token = format!("prt_{}", browser.cookie().as_str());
        let token = SessionId::parse_token(token.as_bytes()).unwrap();
        assert_ne!(token.digest(), browser.digest());
    }

    proptest! {
        #[test]
        fn a_token_has_one_reading(
            token in prop_oneof![
                proptest::collection::vec(any::<u8>(), 40..50),
                "prt_[-_A-Za-z0-9]{42,44}".prop_map(String::into_bytes),
            ],
        ) {
            if let Ok(id) = SessionId::parse_token(&token) {
                let text = id.token(); prop_assert_eq!(text.as_bytes(), token);
            }
        }

        #[test]
        fn a_cookie_has_one_reading(cookie in proptest::collection::vec(any::<u8>(), 40..46)) {
            if let Ok(id) = SessionId::parse(&cookie) {
                let text = id.cookie(); prop_assert_eq!(text.as_bytes(), cookie);
            }
        }

        #[test]
        fn an_ids_cookie_is_read_back(bits in any::<[u8; 32]>()) {
            let cookie = BASE64_URL_SAFE_NO_PAD.encode(bits);
            let id = SessionId::parse(cookie.as_bytes()).unwrap();
            prop_assert_eq!(*id.bits, bits);
        }
    }
}
