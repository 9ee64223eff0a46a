//! What a trust domain says of itself: the SPIFFE bundle, a JWK Set.
//!
//! The document has no name of a trust domain in it: whoever fetched it knows
//! whose it is, and keeps the two together. Documents are never merged.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls_pki_types::CertificateDer;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::jwt::json::JsonError;
use crate::jwt::json::parse_object;
use crate::jwt::key::KeyError;
use crate::jwt::key::PublicKey;
use crate::jwt::keys::JWT_USE;
use crate::jwt::keys::JwtKey;
use crate::jwt::keys::JwtKeys;
use crate::jwt::keys::JwtKeysError;
use crate::jwt::root::RootError;
use crate::jwt::root::root_to_jwk;

/// A SPIFFE bundle: the roots and keys of one trust domain.
///
/// No roots means that no X.509-SVID of the trust domain is to be believed, no
/// keys the same for JWT-SVIDs. Whether a root is fit to be one is for
/// [`x509::Bundle`](crate::x509::Bundle) to say.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct BundleDocument {
    /// Grows with every change, where it is told.
    pub sequence: Option<u64>,
    /// How often to look for a change, where it is told. Part seconds are not
    /// written.
    pub refresh_hint: Option<Duration>,
    /// What X.509-SVIDs are checked with, in DER.
    pub roots: Vec<CertificateDer<'static>>,
    /// What JWT-SVIDs are checked with.
    pub jwt_keys: JwtKeys,
}

impl BundleDocument {
    /// The largest document that is read: some hundreds of roots.
    pub const MAX_BYTES: usize = 1 << 20;

    /// Reads a document. Elements of an unknown kind or use, and roots without
    /// a certificate, are passed over, as the standard demands; a known one
    /// that is malformed spoils the document.
    ///
    /// # Errors
    ///
    /// All of [`DocumentError`] but `BadRoot`.
    pub fn parse(text: &[u8]) -> Result<Self, DocumentError> {
        if text.len() > Self::MAX_BYTES {
            return Err(DocumentError::TooLong { bytes: text.len() });
        }
        let members = parse_object(text).map_err(|cause| DocumentError::NotJson { cause })?;
        Self::read(&members)
    }

    /// Reads a document from the members of its object.
    pub(super) fn read(members: &Map<String, Value>) -> Result<Self, DocumentError> {
        let elements = members
            .get("keys")
            .and_then(Value::as_array)
            .ok_or(DocumentError::NoKeys)?;
        let mut roots = Vec::new();
        let mut keys = Vec::new();
        for (index, element) in elements.iter().enumerate() {
            match read_element(element, index)? {
                Element::Root(root) => roots.push(root),
                Element::Key(kid, key) => keys.push((kid, key)),
                Element::Unknown => {}
            }
        }
        Ok(Self {
            sequence: integer(members, SEQUENCE)?,
            refresh_hint: integer(members, REFRESH_HINT)?.map(Duration::from_secs),
            roots,
            jwt_keys: JwtKeys::new(keys).map_err(|cause| DocumentError::BadKeys { cause })?,
        })
    }

    /// Writes the document as JSON.
    ///
    /// # Errors
    ///
    /// [`DocumentError::BadRoot`] if a root is not a certificate with a key
    /// that a JWK can hold.
    pub fn to_json(&self) -> Result<String, DocumentError> {
        self.to_members()
            .map(|members| Value::Object(members).to_string())
    }

    /// The members of the document's object.
    pub(super) fn to_members(&self) -> Result<Map<String, Value>, DocumentError> {
        let mut elements = Vec::new();
        for (index, root) in self.roots.iter().enumerate() {
            let mut jwk =
                root_to_jwk(root).map_err(|cause| DocumentError::BadRoot { index, cause })?;
            jwk.insert("use".to_owned(), json!(X509_USE));
            jwk.insert("x5c".to_owned(), json!([BASE64_STANDARD.encode(root)]));
            elements.push(Value::Object(jwk));
        }
        elements.extend(self.jwt_keys.to_jwks());
        let mut members = Map::new();
        members.insert("keys".to_owned(), Value::Array(elements));
        if let Some(sequence) = self.sequence {
            members.insert(SEQUENCE.to_owned(), json!(sequence));
        }
        if let Some(hint) = self.refresh_hint {
            members.insert(REFRESH_HINT.to_owned(), json!(hint.as_secs()));
        }
        Ok(members)
    }
}

/// Why a document is not a SPIFFE bundle.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DocumentError {
    /// A root's certificate that is not base64.
    #[error("`keys[{index}].x5c[0]` is not a certificate in base64")]
    BadCertificate {
        /// Its position in `keys`, from 0.
        index: usize,
    },
    /// A key for JWT-SVIDs that cannot be used.
    #[error("`keys[{index}]` is not usable")]
    BadKey {
        /// Its position in `keys`, from 0.
        index: usize,
        /// What is wrong with it.
        #[source]
        cause: KeyError,
    },
    /// Keys for JWT-SVIDs that do not go together.
    #[error("the keys do not go together")]
    BadKeys {
        /// Why not.
        #[source]
        cause: JwtKeysError,
    },
    /// A number that is negative, broken or no number.
    #[error("`{member}` is not a whole number from 0 to 2^64 - 1")]
    BadNumber {
        /// The member.
        member: &'static str,
    },
    /// A root to be written that is not a certificate.
    #[error("root {index} cannot be written")]
    BadRoot {
        /// Its position, from 0.
        index: usize,
        /// Why not.
        #[source]
        cause: RootError,
    },
    /// There is no list of keys.
    #[error("there is no list `keys`")]
    NoKeys,
    /// It is no JSON object.
    #[error("the document cannot be read")]
    NotJson {
        /// Why not.
        #[source]
        cause: JsonError,
    },
    /// More than [`BundleDocument::MAX_BYTES`].
    #[error(
        "the document has {bytes} bytes, more than {}",
        BundleDocument::MAX_BYTES
    )]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

enum Element {
    Key(String, JwtKey),
    Root(CertificateDer<'static>),
    Unknown,
}

fn read_element(element: &Value, index: usize) -> Result<Element, DocumentError> {
    let Some(jwk) = element.as_object() else {
        return Ok(Element::Unknown);
    };
    let text = |member| jwk.get(member).and_then(Value::as_str);
    match (text("use"), text("kty")) {
        (Some(X509_USE), Some("EC" | "OKP" | "RSA")) => read_root(jwk, index),
        (Some(JWT_USE), Some("EC" | "RSA")) => read_key(jwk, index),
        _ => Ok(Element::Unknown),
    }
}

/// Only the first certificate counts, whatever stands beside it.
fn read_root(jwk: &Map<String, Value>, index: usize) -> Result<Element, DocumentError> {
    let Some(chain) = jwk.get("x5c") else {
        return Ok(Element::Unknown);
    };
    let first = chain.as_array().and_then(|chain| chain.first());
    first
        .and_then(Value::as_str)
        .and_then(|text| BASE64_STANDARD.decode(text).ok())
        .map(|der| Element::Root(CertificateDer::from(der)))
        .ok_or(DocumentError::BadCertificate { index })
}

/// A key without a name, or for an algorithm or on a curve that we do not know,
/// is nothing to us.
fn read_key(jwk: &Map<String, Value>, index: usize) -> Result<Element, DocumentError> {
    let Some(kid) = jwk.get("kid").and_then(Value::as_str) else {
        return Ok(Element::Unknown);
    };
    let algorithm = match jwk.get("alg") {
        None => None,
        Some(name) => match name.as_str().and_then(|name| name.parse().ok()) {
            None => return Ok(Element::Unknown),
            known => known,
        },
    };
    match PublicKey::from_jwk(jwk) {
        Ok(key) => Ok(Element::Key(kid.to_owned(), JwtKey::new(key, algorithm))),
        Err(KeyError::UnknownKind { .. }) => Ok(Element::Unknown),
        Err(cause) => Err(DocumentError::BadKey { index, cause }),
    }
}

fn integer(
    members: &Map<String, Value>,
    member: &'static str,
) -> Result<Option<u64>, DocumentError> {
    members
        .get(member)
        .map(|value| value.as_u64().ok_or(DocumentError::BadNumber { member }))
        .transpose()
}

const SEQUENCE: &str = "spiffe_sequence";
const REFRESH_HINT: &str = "spiffe_refresh_hint";
const X509_USE: &str = "x509-svid";
