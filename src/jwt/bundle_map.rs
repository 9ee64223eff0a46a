//! The bundles of several trust domains in one text: the SPIFFE bundle map.
//!
//! Each stands by itself under its trust domain's name; they are never merged.

use std::collections::BTreeMap;

use serde_json::Map;
use serde_json::Value;

use crate::id::TrustDomain;
use crate::id::TrustDomainError;
use crate::jwt::document::BundleDocument;
use crate::jwt::document::DocumentError;
use crate::jwt::json::JsonError;
use crate::jwt::json::parse_object;

/// Bundles by the trust domain that each is of.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct BundleMap(BTreeMap<TrustDomain, BundleDocument>);

impl BundleMap {
    /// The largest map that is read: some large bundles.
    pub const MAX_BYTES: usize = 16 << 20;

    /// Reads a map. A trust domain that comes twice spoils it, and so does a
    /// bundle that is malformed.
    ///
    /// # Errors
    ///
    /// All of [`BundleMapError`].
    pub fn parse(text: &[u8]) -> Result<Self, BundleMapError> {
        if text.len() > Self::MAX_BYTES {
            return Err(BundleMapError::TooLong { bytes: text.len() });
        }
        let members = parse_object(text).map_err(|cause| BundleMapError::NotJson { cause })?;
        let bundles = members
            .get(TRUST_DOMAINS)
            .and_then(Value::as_object)
            .ok_or(BundleMapError::NoTrustDomains)?;
        let read = |(name, bundle): (&String, &Value)| {
            let trust_domain = name.parse().map_err(|cause| BundleMapError::BadName {
                name: name.clone(),
                cause,
            })?;
            let members = bundle.as_object().ok_or(DocumentError::NoKeys);
            let document = members.and_then(BundleDocument::read).map_err(|cause| {
                BundleMapError::BadBundle {
                    name: name.clone(),
                    cause,
                }
            })?;
            Ok((trust_domain, document))
        };
        bundles.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Writes the map as JSON.
    ///
    /// # Errors
    ///
    /// [`BundleMapError::BadBundle`] if a root is not a certificate with a key
    /// that a JWK can hold.
    pub fn to_json(&self) -> Result<String, BundleMapError> {
        let mut bundles = Map::new();
        for (name, document) in &self.0 {
            let members = document
                .to_members()
                .map_err(|cause| BundleMapError::BadBundle {
                    name: name.to_string(),
                    cause,
                })?;
            bundles.insert(name.to_string(), Value::Object(members));
        }
        let whole = Map::from_iter([(TRUST_DOMAINS.to_owned(), Value::Object(bundles))]);
        Ok(Value::Object(whole).to_string())
    }
}

/// Of two of one trust domain the later stays.
impl FromIterator<(TrustDomain, BundleDocument)> for BundleMap {
    fn from_iter<I: IntoIterator<Item = (TrustDomain, BundleDocument)>>(bundles: I) -> Self {
        Self(bundles.into_iter().collect())
    }
}

impl IntoIterator for BundleMap {
    type Item = (TrustDomain, BundleDocument);
    type IntoIter = std::collections::btree_map::IntoIter<TrustDomain, BundleDocument>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Why a text is not a map of bundles.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BundleMapError {
    /// One of the bundles is none.
    #[error("the bundle of `{name}` cannot be used")]
    BadBundle {
        /// Whose it is.
        name: String,
        /// What is wrong with it.
        #[source]
        cause: DocumentError,
    },
    /// A name that no trust domain has.
    #[error("`{name}` is not a trust domain")]
    BadName {
        /// The name.
        name: String,
        /// What is wrong with it.
        #[source]
        cause: TrustDomainError,
    },
    /// There are no bundles, not even none.
    #[error("there is no object `trust_domains`")]
    NoTrustDomains,
    /// It is no JSON object.
    #[error("the bundles cannot be read")]
    NotJson {
        /// Why not.
        #[source]
        cause: JsonError,
    },
    /// More than [`BundleMap::MAX_BYTES`].
    #[error("there are {bytes} bytes, more than {}", BundleMap::MAX_BYTES)]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

const TRUST_DOMAINS: &str = "trust_domains";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use rcgen::CertificateParams;
    use rcgen::KeyPair;

    use super::*;

    #[test]
    fn a_trust_domain_that_comes_twice_is_refused() {
        let text = br#"{"trust_domains":{"a.example":{"keys":[]},"a.example":{"keys":[]}}}"#;
        let error = BundleMap::parse(text).unwrap_err();
        assert!(matches!(error, BundleMapError::NotJson { .. }), "{error:?}");
        for (text, why) in [
            ("{}", BundleMapError::NoTrustDomains),
            (r#"{"trust_domains":[]}"#, BundleMapError::NoTrustDomains),
            (
                r#"{"trust_domains":{"a":{}}}"#,
                BundleMapError::BadBundle {
                    name: "a".to_owned(),
                    cause: DocumentError::NoKeys,
                },
            ),
        ] {
            assert_eq!(BundleMap::parse(text.as_bytes()), Err(why), "{text}");
        }
        let named = BundleMap::parse(br#"{"trust_domains":{"A":{"keys":[]}}}"#).unwrap_err();
        assert!(matches!(named, BundleMapError::BadName { .. }), "{named:?}");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_each_by_itself(
            names in prop::collection::btree_set("[a-z0-9._-]{1,12}", 0..4),
            sequence in prop::option::of(any::<u64>()),
            hint in prop::option::of(0..100_000_u64),
        ) {
            let bundles = names.iter().map(|name| {
                let key = KeyPair::generate().unwrap();
                let root = CertificateParams::default().self_signed(&key).unwrap();
                let document = BundleDocument {
                    sequence,
                    refresh_hint: hint.map(Duration::from_secs),
                    roots: vec![root.der().clone()],
                    ..BundleDocument::default()
                };
                (name.parse().unwrap(), document)
            });
            let map: BundleMap = bundles.collect();
            let text = map.to_json().unwrap();
            prop_assert_eq!(BundleMap::parse(text.as_bytes()), Ok(map));
        }

        #[test]
        fn anything_is_a_map_or_not(text in "(\\{\"trust_domains\":)?[{}\\[\\]\":,a-z]{0,24}") {
            if let Ok(map) = BundleMap::parse(text.as_bytes()) {
                prop_assert_eq!(BundleMap::parse(map.to_json().unwrap().as_bytes()), Ok(map));
            }
        }
    }
}
