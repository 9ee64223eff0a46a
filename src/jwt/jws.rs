//! A text becomes a signed object with one reading; whether to believe it is
//! asked of keys.
//!
//! Every kind of token that we take is read here, by the rules of its kind for
//! the header, and checked by one signature step.

use std::time::Duration;
use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Map;
use serde_json::Value;

use crate::jwt::algorithm::Algorithm;
use crate::jwt::algorithm::UnknownAlgorithm;
use crate::jwt::json::JsonError;
use crate::jwt::json::parse_object;

/// A JWS in compact form (RFC 7515), read and not yet believed.
#[derive(Clone, Debug)]
pub struct Jws<'a> {
    algorithm: Algorithm,
    claims: Map<String, Value>,
    kid: Option<String>,
    message: &'a [u8],
    signature: Vec<u8>,
    typ: Option<String>,
}

/// What a header may say besides `alg`, `kid` and `typ`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HeaderRule {
    /// What changes nothing (RFC 7515, 4: what is not understood is ignored):
    /// not where the key is to be found, nor how the rest is to be read.
    Harmless,
    /// Nothing (JWT-SVID 2).
    Nothing,
}

impl<'a> Jws<'a> {
    /// Reads `token`, of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// [`JwsError`] names the first rule that it breaks.
    pub fn read(token: &'a str, limit: usize, rule: HeaderRule) -> Result<Self, JwsError> {
        if token.len() > limit {
            let bytes = token.len();
            return Err(JwsError::TooLong { bytes, limit });
        }
        let mut parts = token.split('.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(JwsError::NotCompact);
        };
        let members = object(Part::Header, &decode(Part::Header, header)?)?;
        if let Some(alien) = members.keys().find(|name| rule.forbids(name)) {
            return Err(JwsError::AlienHeader {
                member: alien.clone(),
            });
        }
        let algorithm = text(&members, "alg")?.ok_or(JwsError::Malformed { member: "alg" })?;
        let signed = header.len() + 1 + claims.len();
        Ok(Self {
            algorithm: algorithm
                .parse()
                .map_err(|cause| JwsError::BadAlgorithm { cause })?,
            kid: text(&members, "kid")?,
            typ: text(&members, "typ")?,
            claims: object(Part::Claims, &decode(Part::Claims, claims)?)?,
            message: token.as_bytes().get(..signed).unwrap_or_default(),
            signature: decode(Part::Signature, signature)?,
        })
    }

    /// How it says that it is signed.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// All that it says.
    #[must_use]
    pub const fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// What it calls its key.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// What kind of token it says it is.
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// What was signed.
    pub(super) const fn message(&self) -> &[u8] {
        self.message
    }

    pub(super) fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The same, kept.
    #[must_use]
    pub fn into_claims(self) -> Map<String, Value> {
        self.claims
    }
}

impl HeaderRule {
    fn forbids(self, member: &str) -> bool {
        match self {
            Self::Harmless => HARMFUL.contains(&member),
            Self::Nothing => !KNOWN.contains(&member),
        }
    }
}

/// What a signature is worth.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// No key that it could be by has made it.
    NotSigned,
    /// It is by one of the keys.
    Signed,
    /// The key that is named is not there.
    UnknownKey,
}

/// Why a text is not a signed object.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum JwsError {
    /// A member of the header that its kind does not have.
    #[error("its header has a member `{}`, which is not allowed", member.escape_default())]
    AlienHeader {
        /// The member.
        member: String,
    },
    /// It is signed in a way that is not allowed.
    #[error("its algorithm is not allowed")]
    BadAlgorithm {
        /// What it says.
        #[source]
        cause: UnknownAlgorithm,
    },
    /// A part that is not base64url without padding.
    #[error("its {part} is not base64url")]
    BadBase64 {
        /// The part.
        part: Part,
    },
    /// A part that is not a JSON object.
    #[error("its {part} cannot be read")]
    BadJson {
        /// The part.
        part: Part,
        /// Why not.
        #[source]
        cause: JsonError,
    },
    /// A member of the header that is missing or of another type than it must be.
    #[error("`{member}` is missing or malformed")]
    Malformed {
        /// The member.
        member: &'static str,
    },
    /// Not three parts.
    #[error("it is not a JWS in compact form")]
    NotCompact,
    /// More bytes than its kind may have.
    #[error("it has {bytes} bytes, more than {limit}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The most.
        limit: usize,
    },
}

/// A part of a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// The second.
    Claims,
    /// The first.
    Header,
    /// The third.
    Signature,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Claims => "body",
            Self::Header => "header",
            Self::Signature => "signature",
        })
    }
}

/// RFC 7519 2, NumericDate: seconds since 1970, perhaps with a fraction.
#[must_use]
pub fn date(value: &Value) -> Option<SystemTime> {
    let since = Duration::try_from_secs_f64(value.as_f64()?).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(since)
}

fn decode(part: Part, text: &str) -> Result<Vec<u8>, JwsError> {
    BASE64_URL_SAFE_NO_PAD
        .decode(text)
        .ok()
        .ok_or(JwsError::BadBase64 { part })
}

fn object(part: Part, text: &[u8]) -> Result<Map<String, Value>, JwsError> {
    parse_object(text).map_err(|cause| JwsError::BadJson { part, cause })
}

fn text(members: &Map<String, Value>, member: &'static str) -> Result<Option<String>, JwsError> {
    match members.get(member) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(JwsError::Malformed { member }),
    }
}

const KNOWN: [&str; 3] = ["alg", "kid", "typ"];

/// Whoever brings or points to a key of his own, or asks for another reading.
const HARMFUL: [&str; 8] = ["b64", "crit", "enc", "jku", "jwk", "x5c", "x5u", "zip"];
