//! Signed tokens, JWT-SVIDs and SPIFFE bundles as values.
//!
//! Nothing here touches a file, a socket or a clock. A [`JwtSvid`] can only
//! come from a token that keeps every rule of the JWT-SVID standard and was
//! signed by a key of its subject's own trust domain; JSON that has two
//! readings is refused throughout.

mod algorithm;
mod audience;
mod bundle_map;
mod document;
mod json;
mod jws;
mod key;
mod key_set;
mod keys;
mod root;
mod signer;
mod token;

#[cfg(test)]
mod document_tests;
#[cfg(test)]
mod token_tests;

pub use algorithm::{Algorithm, UnknownAlgorithm};
pub use audience::{Audience, AudienceError};
pub use bundle_map::{BundleMap, BundleMapError};
pub use document::{BundleDocument, DocumentError};
pub use json::{JsonError, parse_object};
pub use jws::{HeaderRule, Jws, JwsError, Part, Verdict, date};
pub use key::{Curve, KeyError, PublicKey};
pub use key_set::{KeySet, KeySetError};
pub use keys::{JwtBundles, JwtKey, JwtKeys, JwtKeysError};
pub use root::RootError;
pub use signer::{Claims, SigningError, SigningKey};
pub use token::{JwtSvid, TokenError};
