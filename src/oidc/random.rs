//! What nobody can guess.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

/// What ties an ID token to one login (OpenID Connect Core 3.1.2.1): 256
/// random bits in base64url.
#[derive(Clone, Eq, PartialEq)]
pub struct Nonce(Zeroizing<String>);

/// What ties a code to whoever asked for it (RFC 7636): 256 random bits in
/// base64url.
#[derive(Clone, Eq, PartialEq)]
pub struct Verifier(Zeroizing<String>);

impl Nonce {
    /// A new one.
    ///
    /// # Errors
    ///
    /// [`NotRandom::NoNumbers`].
    pub fn generate() -> Result<Self, NotRandom> {
        generate().map(Self)
    }

    /// As it is sent and kept.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Verifier {
    /// A new one.
    ///
    /// # Errors
    ///
    /// [`NotRandom::NoNumbers`].
    pub fn generate() -> Result<Self, NotRandom> {
        generate().map(Self)
    }

    /// As it is kept, and sent with the code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is told of it before: `S256`, the only method there is to us.
    pub(super) fn challenge(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, self.0.as_bytes()))
    }
}

impl FromStr for Nonce {
    type Err = NotRandom;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read(text).map(Self)
    }
}

impl FromStr for Verifier {
    type Err = NotRandom;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read(text).map(Self)
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce(…)")
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Verifier(…)")
    }
}

/// Why there is nothing that nobody can guess.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotRandom {
    /// The text was not made here.
    #[error("it is not 256 bits in base64url")]
    Malformed,
    /// The system gave none.
    #[error("the system gave no random numbers")]
    NoNumbers,
}

fn generate() -> Result<Zeroizing<String>, NotRandom> {
    let mut bytes = Zeroizing::new([0; BYTES]);
    aws_lc_rs::rand::fill(&mut *bytes)
        .ok()
        .ok_or(NotRandom::NoNumbers)?;
    Ok(Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(*bytes)))
}

fn read(text: &str) -> Result<Zeroizing<String>, NotRandom> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map(Zeroizing::new);
    match bytes {
        Ok(bytes) if bytes.len() == BYTES => Ok(Zeroizing::new(text.to_owned())),
        _ => Err(NotRandom::Malformed),
    }
}

const BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_back_and_told_only_by_its_digest() {
        let verifier = Verifier::generate().unwrap();
        assert_eq!(verifier.as_str().len(), 43);
        assert_eq!(verifier.as_str().parse(), Ok(verifier.clone()));
        assert_ne!(Verifier::generate().unwrap(), verifier);
        assert_ne!(Nonce::generate().unwrap(), Nonce::generate().unwrap());
        assert_eq!(format!("{verifier:?}"), "Verifier(…)");
        for text in ["", "abc", "=", &"A".repeat(42), &"A".repeat(44)] {
            assert_eq!(text.parse::<Nonce>(), Err(NotRandom::Malformed), "{text}");
        }
        // RFC 7636, appendix B.
        let verifier: Verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
            .parse()
            .unwrap();
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert_eq!(verifier.challenge(), challenge);
    }
}
