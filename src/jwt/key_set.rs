//! The keys that an issuer of tokens publishes.

use serde_json::Map;
use serde_json::Value;

use crate::jwt::json::JsonError;
use crate::jwt::json::parse_object;
use crate::jwt::jws::Jws;
use crate::jwt::jws::Verdict;
use crate::jwt::key::PublicKey;
use crate::jwt::keys::JwtKey;

/// A JWK Set (RFC 7517) of keys that signatures are checked with: at least one.
///
/// A key is used for what it says it is for, and with the one algorithm that it
/// names; without one, with those that fit its kind.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeySet(Vec<(Option<String>, JwtKey)>);

impl KeySet {
    /// The largest set that is read.
    pub const MAX_BYTES: usize = 256 * 1024;

    /// How many keys there may be, with those that we cannot use. A token that
    /// names no key is checked with all of them.
    pub const MOST: usize = 64;

    /// Reads a set. What is for something else, of a kind that we do not know,
    /// or malformed is passed over (RFC 7517, 5).
    ///
    /// # Errors
    ///
    /// All of [`KeySetError`].
    pub fn parse(text: &[u8]) -> Result<Self, KeySetError> {
        if text.len() > Self::MAX_BYTES {
            return Err(KeySetError::TooLong { bytes: text.len() });
        }
        let members = parse_object(text).map_err(|cause| KeySetError::NotJson { cause })?;
        let elements = members
            .get("keys")
            .and_then(Value::as_array)
            .ok_or(KeySetError::NoList)?;
        if elements.len() > Self::MOST {
            return Err(KeySetError::TooMany);
        }
        let keys: Vec<_> = elements.iter().filter_map(read).collect();
        if keys.is_empty() {
            return Err(KeySetError::NoKeys);
        }
        Ok(Self(keys))
    }

    /// Whether a key of the name that `token` says, or any if it says none,
    /// has signed it.
    #[must_use]
    pub fn signed(&self, token: &Jws<'_>) -> Verdict {
        let mut named = self
            .0
            .iter()
            .filter(|(kid, _)| token.kid().is_none() || kid.as_deref() == token.kid())
            .map(|(_, key)| key)
            .peekable();
        if named.peek().is_none() {
            return Verdict::UnknownKey;
        }
        if named.any(|key| key.signed(token.algorithm(), token.message(), token.signature())) {
            return Verdict::Signed;
        }
        Verdict::NotSigned
    }
}

/// Why a text is not a set of keys.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeySetError {
    /// None that we could use.
    #[error("there is no key in it that signatures could be checked with")]
    NoKeys,
    /// There is no list of keys.
    #[error("there is no list `keys`")]
    NoList,
    /// It is no JSON object.
    #[error("the keys cannot be read")]
    NotJson {
        /// Why not.
        #[source]
        cause: JsonError,
    },
    /// More than [`KeySet::MAX_BYTES`].
    #[error("there are {bytes} bytes, more than {}", KeySet::MAX_BYTES)]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// More than [`KeySet::MOST`] keys.
    #[error("there are more than {} keys", KeySet::MOST)]
    TooMany,
}

fn read(element: &Value) -> Option<(Option<String>, JwtKey)> {
    let jwk = element.as_object()?;
    let kid = text(jwk, "kid")?;
    let is_for_signatures = text(jwk, "use")?.is_none_or(|usage| usage == "sig");
    let algorithm = text(jwk, "alg")?.map(|name| name.parse()).transpose();
    if !is_for_signatures || !may_verify(jwk) {
        return None;
    }
    let key = PublicKey::from_jwk(jwk).ok()?;
    Some((kid, JwtKey::new(key, algorithm.ok()?)))
}

/// A member that is a text or not there; anything else spoils the key.
fn text(jwk: &Map<String, Value>, member: &str) -> Option<Option<String>> {
    match jwk.get(member) {
        None => Some(None),
        Some(Value::String(text)) => Some(Some(text.clone())),
        Some(_) => None,
    }
}

/// RFC 7517, 4.3.
fn may_verify(jwk: &Map<String, Value>) -> bool {
    match jwk.get("key_ops") {
        None => true,
        Some(operations) => operations
            .as_array()
            .is_some_and(|several| several.iter().any(|one| one.as_str() == Some("verify"))),
    }
}
