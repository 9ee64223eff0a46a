//! Tokens that an operator makes and a sidecar uses once.

use std::fmt;

use aws_lc_rs::digest;
use aws_lc_rs::rand;
use zeroize::Zeroizing;

/// A new token. Only its digest is kept.
pub(in crate::authority) struct JoinToken {
    text: Zeroizing<String>,
}

impl JoinToken {
    /// 256 random bits; none if the system has no randomness.
    pub(in crate::authority) fn draw() -> Option<Self> {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        rand::fill(bytes.as_mut_slice()).ok()?;
        let digits: Zeroizing<String> =
            Zeroizing::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect());
        Some(Self {
            text: Zeroizing::new(format!("{PREFIX}{}", digits.as_str())),
        })
    }

    /// The secret itself.
    pub(in crate::authority) fn reveal(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for JoinToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JoinToken(…)")
    }
}

/// By what a token is known: the SHA-256 of its text, in lower-case
/// hexadecimal. The text has too much randomness to be guessed from it.
pub(in crate::authority) fn digest_of(token: &str) -> String {
    let digest = digest::digest(&digest::SHA256, token.trim().as_bytes());
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// So that people, and scanners for leaked secrets, know what it is.
const PREFIX: &str = "portreeve_join_";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_tokens_differ_and_neither_shows_itself() {
        let (one, other) = (JoinToken::draw().unwrap(), JoinToken::draw().unwrap());
        assert_ne!(one.reveal(), other.reveal());
        assert_eq!(one.reveal().len(), PREFIX.len() + 64);
        assert!(!format!("{one:?}").contains(one.reveal()));
        assert_eq!(
            digest_of(one.reveal()),
            digest_of(&format!("{}\n", one.reveal()))
        );
        assert_ne!(digest_of(one.reveal()), digest_of(other.reveal()));
    }
}
