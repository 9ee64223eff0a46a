//! Which keys we believe about which names.
//!
//! Each trust domain has its own keys, and they vouch for its names only.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::id::TrustDomain;
use crate::jwt::algorithm::Algorithm;
use crate::jwt::jws::Verdict;
use crate::jwt::key::PublicKey;

/// The keys of one trust domain that JWT-SVIDs are checked with, by name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct JwtKeys(BTreeMap<String, JwtKey>);

impl JwtKeys {
    /// How many keys a trust domain may have. A token that names no key is
    /// checked with all of them.
    pub const MOST: usize = 64;

    /// Puts keys with their names together.
    ///
    /// # Errors
    ///
    /// All of [`JwtKeysError`].
    pub fn new(keys: impl IntoIterator<Item = (String, JwtKey)>) -> Result<Self, JwtKeysError> {
        let mut map = BTreeMap::new();
        for (kid, key) in keys {
            if kid.is_empty() {
                return Err(JwtKeysError::Nameless);
            }
            if map.len() == Self::MOST {
                return Err(JwtKeysError::TooMany);
            }
            if map.contains_key(&kid) {
                return Err(JwtKeysError::Duplicate { kid });
            }
            map.insert(kid, key);
        }
        Ok(Self(map))
    }

    /// All keys with their names, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &JwtKey)> {
        self.0.iter().map(|(kid, key)| (kid.as_str(), key))
    }

    /// Whether there are none: then nobody of the trust domain is believed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A JWK Set of these keys alone, as the Workload API hands it out.
    #[must_use]
    pub fn to_jwk_set(&self) -> String {
        json!({"keys": self.to_jwks()}).to_string()
    }

    pub(super) fn to_jwks(&self) -> Vec<Value> {
        self.iter()
            .map(|(kid, key)| Value::Object(key.to_jwk(kid)))
            .collect()
    }

    /// Whether a key named `kid`, or any if none is named, made `signature`.
    pub(super) fn signed(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Verdict {
        let signed = |key: &JwtKey| key.signed(algorithm, message, signature);
        let signed = match kid {
            Some(kid) => match self.0.get(kid) {
                Some(key) => signed(key),
                None => return Verdict::UnknownKey,
            },
            None => self.0.values().any(signed),
        };
        if signed {
            Verdict::Signed
        } else {
            Verdict::NotSigned
        }
    }
}

/// A key, and the one algorithm that it is for, if it says so.
#[derive(Clone, Eq, PartialEq)]
pub struct JwtKey {
    key: PublicKey,
    algorithm: Option<Algorithm>,
}

impl JwtKey {
    /// A key for `algorithm` only, or for all that fit its kind.
    #[must_use]
    pub const fn new(key: PublicKey, algorithm: Option<Algorithm>) -> Self {
        Self { key, algorithm }
    }

    /// Whether it made `signature`. An algorithm that it is not for is a no.
    pub(super) fn signed(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        self.algorithm.is_none_or(|only| only == algorithm)
            && self.key.signed(algorithm, message, signature)
    }

    fn to_jwk(&self, kid: &str) -> Map<String, Value> {
        let mut jwk = self.key.to_jwk();
        jwk.insert("use".to_owned(), json!(JWT_USE));
        jwk.insert("kid".to_owned(), json!(kid));
        if let Some(algorithm) = self.algorithm {
            jwk.insert("alg".to_owned(), json!(algorithm.name()));
        }
        jwk
    }
}

impl fmt::Debug for JwtKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)
    }
}

/// Why keys do not go together.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum JwtKeysError {
    /// Two keys of one name.
    #[error("there are two keys named `{}`", kid.escape_default())]
    Duplicate {
        /// The name.
        kid: String,
    },
    /// A key without a name.
    #[error("a key has an empty name")]
    Nameless,
    /// More than [`JwtKeys::MOST`].
    #[error("there are more than {} keys", JwtKeys::MOST)]
    TooMany,
}

/// The keys of all trust domains that we believe.
///
/// A trust domain without keys is known, and nobody in it is believed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct JwtBundles(BTreeMap<TrustDomain, JwtKeys>);

impl JwtBundles {
    /// The one set of keys that may vouch for names in `trust_domain`.
    #[must_use]
    pub fn get(&self, trust_domain: &TrustDomain) -> Option<&JwtKeys> {
        self.0.get(trust_domain)
    }

    /// All of them, in the order of their trust domains.
    pub fn iter(&self) -> impl Iterator<Item = (&TrustDomain, &JwtKeys)> {
        self.0.iter()
    }
}

/// Of two sets for one trust domain the later stays; they are never merged.
impl FromIterator<(TrustDomain, JwtKeys)> for JwtBundles {
    fn from_iter<I: IntoIterator<Item = (TrustDomain, JwtKeys)>>(bundles: I) -> Self {
        Self(bundles.into_iter().collect())
    }
}

pub(super) const JWT_USE: &str = "jwt-svid";
