//! The key that ties our account to one that a CA has of us already.

use std::fmt;
use std::path::Path;
use std::path::PathBuf;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::store;
use crate::store::StoreError;

/// A MAC key as CAs give it out (RFC 8555, 7.3.4). It is never shown.
pub struct ExternalKey(Zeroizing<Vec<u8>>);

impl ExternalKey {
    /// The most bytes: more than any hash takes in at once.
    pub const MAX_BYTES: usize = 256;

    /// Reads the key's file: base64url, as CAs write it, with or without padding.
    ///
    /// # Errors
    ///
    /// [`ExternalKeyError`] names the file.
    pub fn load(path: &Path) -> Result<Self, ExternalKeyError> {
        let text = store::read(path).map_err(|cause| ExternalKeyError::Unreadable { cause })?;
        let text = Zeroizing::new(text);
        Self::parse(&text).ok_or_else(|| ExternalKeyError::Malformed {
            path: path.to_owned(),
        })
    }

    /// The key that `text` holds, if it holds one.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = str::from_utf8(text).ok()?.trim();
        let bare = text.trim_end_matches('=');
        if text.len() - bare.len() > 2 || bare.len() > (Self::MAX_BYTES * 4).div_ceil(3) {
            return None;
        }
        let key = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.decode(bare).ok()?);
        (!key.is_empty()).then_some(Self(key))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for ExternalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExternalKey(…)")
    }
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum ExternalKeyError {
    /// The file holds something else.
    #[error("`{}` does not hold a key in base64url", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("the key of the external account cannot be read")]
    Unreadable {
        /// Why not.
        #[source]
        cause: StoreError,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_read_as_cas_write_it_and_never_shown() {
        let key = ExternalKey::parse(
            b"zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W\n",
        );
        let key = key.unwrap();
        assert_eq!(key.as_bytes().len(), 48);
        assert_eq!(format!("{key:?}"), "ExternalKey(…)");
        let long = "A".repeat(343);
        for text in ["", "===", "a", "a+b/", "ab cd", "ä", &long, "YQ==="] {
            assert!(ExternalKey::parse(text.as_bytes()).is_none(), "{text:?}");
        }
        assert_eq!(ExternalKey::parse(b"YQ==").unwrap().as_bytes(), b"a");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(key in prop::collection::vec(any::<u8>(), 1..=ExternalKey::MAX_BYTES)) {
            let text = BASE64_URL_SAFE_NO_PAD.encode(&key);
            let read = ExternalKey::parse(text.as_bytes()).map(|key| key.as_bytes().to_vec());
            prop_assert_eq!(read, Some(key));
        }
    }
}
