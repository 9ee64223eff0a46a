//! Keys at rest that only we can read.
//!
//! A database is copied, backed up and looked at by people who must not be able
//! to sign. What is sealed is bound to its name, so that nobody can put one
//! sealed key in another's place.

use std::fmt;
use std::path::Path;
use std::path::PathBuf;

use aws_lc_rs::aead::AES_256_GCM;
use aws_lc_rs::aead::Aad;
use aws_lc_rs::aead::NONCE_LEN;
use aws_lc_rs::aead::Nonce;
use aws_lc_rs::aead::RandomizedNonceKey;
use aws_lc_rs::rand;
use zeroize::Zeroizing;

use crate::store;
use crate::store::StoreError;

/// The key that other keys are sealed with (AES-256-GCM).
pub struct SealingKey(RandomizedNonceKey);

impl SealingKey {
    /// Reads the key's file: 64 hexadecimal digits, as `openssl rand -hex 32` makes them.
    ///
    /// # Errors
    ///
    /// [`SealingKeyError`] names the file.
    pub fn load(path: &Path) -> Result<Self, SealingKeyError> {
        let text =
            Zeroizing::new(store::read(path).map_err(|cause| SealingKeyError::File { cause })?);
        let malformed = || SealingKeyError::Malformed {
            path: path.to_owned(),
        };
        let key = Zeroizing::new(unhex(text.trim_ascii()).ok_or_else(malformed)?);
        RandomizedNonceKey::new(&AES_256_GCM, &key)
            .map(Self)
            .map_err(|_unspecified| malformed())
    }

    /// Makes the key's file, unless it is there, and reads it.
    ///
    /// # Errors
    ///
    /// [`SealingKeyError`] names the file.
    pub fn load_or_make(path: &Path) -> Result<Self, SealingKeyError> {
        let mut key = Zeroizing::new([0_u8; 32]);
        if rand::fill(key.as_mut_slice()).is_err() {
            return Err(SealingKeyError::NoRandomness);
        }
        let text = Zeroizing::new(hex(key.as_slice()) + "\n");
        store::create_secret(path, text.as_bytes())
            .map_err(|cause| SealingKeyError::File { cause })?;
        Self::load(path)
    }

    /// Seals `secret` under `name`, as hexadecimal digits.
    ///
    /// # Errors
    ///
    /// [`SealError::NotSealed`].
    pub fn seal(&self, name: &str, secret: &[u8]) -> Result<String, SealError> {
        let mut text = secret.to_vec();
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(name.as_bytes()), &mut text)
            .or(Err(SealError::NotSealed))?;
        Ok(hex(nonce.as_ref()) + &hex(&text))
    }

    /// What was sealed under `name`.
    ///
    /// # Errors
    ///
    /// [`SealError::NotOurs`] if it was sealed with another key, under another
    /// name, or has been changed since.
    pub fn unseal(&self, name: &str, sealed: &str) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let not_ours = || SealError::NotOurs {
            name: name.to_owned(),
        };
        let mut bytes = Zeroizing::new(unhex(sealed.as_bytes()).ok_or_else(not_ours)?);
        let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN).ok_or_else(not_ours)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_length| not_ours())?;
        let secret = self
            .0
            .open_in_place(nonce, Aad::from(name.as_bytes()), text)
            .map_err(|_unspecified| not_ours())?;
        Ok(Zeroizing::new(secret.to_vec()))
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(…)")
    }
}

/// Why there is no sealing key.
#[derive(Debug, thiserror::Error)]
pub enum SealingKeyError {
    /// The file cannot be read or made.
    #[error("the sealing key cannot be read or made")]
    File {
        /// Which, and why.
        #[source]
        cause: StoreError,
    },
    /// The file holds no key.
    #[error("`{}` does not hold 64 hexadecimal digits", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// The system gave no random numbers.
    #[error("the system gave no random numbers")]
    NoRandomness,
}

/// Why something could not be sealed or unsealed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SealError {
    /// It was sealed with another key, or changed since.
    #[error("`{name}` was sealed with another key, or has been changed")]
    NotOurs {
        /// What was to be unsealed.
        name: String,
    },
    /// The cipher did not work.
    #[error("a key could not be sealed")]
    NotSealed,
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(nibble), 16));
        }
    }
    text
}

fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_and_name_unseal() {
        let dir = tempfile::tempdir().unwrap();
        let one = SealingKey::load_or_make(&dir.path().join("one")).unwrap();
        let again = SealingKey::load_or_make(&dir.path().join("one")).unwrap();
        let other = SealingKey::load_or_make(&dir.path().join("other")).unwrap();
        let sealed = one.seal("root", b"secret").unwrap();
        assert!(!sealed.contains(&hex(b"secret")));
        assert_ne!(one.seal("root", b"secret").unwrap(), sealed, "same nonce");
        assert_eq!(*again.unseal("root", &sealed).unwrap(), b"secret");
        let not_ours = |name: &str| {
            Err(SealError::NotOurs {
                name: name.to_owned(),
            })
        };
        assert_eq!(other.unseal("root", &sealed), not_ours("root"));
        assert_eq!(one.unseal("route", &sealed), not_ours("route"));
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone().into_bytes();
            damaged[at] = if damaged[at] == b'0' { b'1' } else { b'0' };
            let damaged = String::from_utf8(damaged).unwrap();
            assert_eq!(one.unseal("root", &damaged), not_ours("root"), "{at}");
        }
        assert_eq!(one.unseal("root", ""), not_ours("root"));
    }

    #[test]
    fn a_file_that_holds_no_key_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        for text in ["", "00", "zz", &"0".repeat(63), &"0".repeat(66)] {
            std::fs::write(&path, text).unwrap();
            let error = SealingKey::load_or_make(&path).unwrap_err();
            assert!(matches!(error, SealingKeyError::Malformed { .. }), "{text}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }
}
