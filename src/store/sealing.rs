//! Secrets at rest that only we can read.
//!
//! A database is copied, backed up and looked at by people who must not be able
//! to sign, or to act as somebody who signed in. What is sealed is bound to its
//! name, so that nobody can put one secret in another's place.

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

use crate::store::StoreError;
use crate::store::file;

/// The key that secrets are sealed with (AES-256-GCM), and those that it replaces:
/// the first seals, and each unseals what it has sealed.
pub struct SealingKey {
    seals: RandomizedNonceKey,
    before: Vec<RandomizedNonceKey>,
}

impl SealingKey {
    /// One that seals, and those that did.
    pub const MOST_KEYS: usize = 4;

    /// Reads the key's file: 64 hexadecimal digits, as `openssl rand -hex 32` makes
    /// them, and up to [`MOST_KEYS`](Self::MOST_KEYS) lines of them.
    ///
    /// # Errors
    ///
    /// [`SealingKeyError`] names the file.
    pub fn load(path: &Path) -> Result<Self, SealingKeyError> {
        let text =
            Zeroizing::new(file::read(path).map_err(|cause| SealingKeyError::File { cause })?);
        let malformed = || SealingKeyError::Malformed {
            path: path.to_owned(),
        };
        let lines = text.trim_ascii().split(|byte| *byte == b'\n');
        let mut keys = Vec::new();
        for line in lines {
            let key = Zeroizing::new(unhex(line.trim_ascii()).ok_or_else(malformed)?);
            let key = RandomizedNonceKey::new(&AES_256_GCM, &key);
            keys.push(key.map_err(|_unspecified| malformed())?);
        }
        if keys.len() > Self::MOST_KEYS {
            return Err(malformed());
        }
        let mut keys = keys.into_iter();
        Ok(Self {
            seals: keys.next().ok_or_else(malformed)?,
            before: keys.collect(),
        })
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
        file::create_secret(path, text.as_bytes())
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
            .seals
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
        let bytes = Zeroizing::new(unhex(sealed.as_bytes()).ok_or_else(not_ours)?);
        let (nonce, text) = bytes.split_at_checked(NONCE_LEN).ok_or_else(not_ours)?;
        for key in std::iter::once(&self.seals).chain(&self.before) {
            let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_length| not_ours())?;
            // Whoever fails may have written into it.
            let mut text = Zeroizing::new(text.to_vec());
            if let Ok(secret) = key.open_in_place(nonce, Aad::from(name.as_bytes()), &mut text) {
                return Ok(Zeroizing::new(secret.to_vec()));
            }
        }
        Err(not_ours())
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
    #[error(
        "`{}` does not hold 64 hexadecimal digits, or up to {} lines of them",
        path.display(),
        SealingKey::MOST_KEYS
    )]
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
    #[error("a secret could not be sealed")]
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
    fn a_key_that_is_replaced_still_unseals() {
        let dir = tempfile::tempdir().unwrap();
        let load = |lines: &[&str]| {
            let path = dir.path().join("key");
            let lines: Vec<String> = lines.iter().map(|digit| digit.repeat(64)).collect();
            std::fs::write(&path, lines.join("\n") + "\n").unwrap();
            SealingKey::load(&path)
        };
        let old = load(&["1"]).unwrap();
        let both = load(&["2", "1"]).unwrap();
        let new = load(&["2"]).unwrap();
        let before = old.seal("root", b"secret").unwrap();
        assert_eq!(*both.unseal("root", &before).unwrap(), b"secret");
        assert!(new.unseal("root", &before).is_err());
        let after = both.seal("root", b"secret").unwrap();
        assert_eq!(*new.unseal("root", &after).unwrap(), b"secret");
        assert!(old.unseal("root", &after).is_err());
        assert!(load(&["1", "2", "3", "4"]).is_ok());
        assert!(load(&["1", "2", "3", "4", "5"]).is_err());
        assert!(load(&["1", "", "2"]).is_err());
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
