//! A token becomes a JWT-SVID, or says why it is none.

use std::time::Duration;
use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Map;
use serde_json::Value;

use crate::id::SpiffeId;
use crate::id::SpiffeIdError;
use crate::id::TrustDomain;
use crate::jwt::algorithm::Algorithm;
use crate::jwt::algorithm::UnknownAlgorithm;
use crate::jwt::json::JsonError;
use crate::jwt::json::parse_object;
use crate::jwt::keys::JwtBundles;
use crate::jwt::keys::Verdict;

/// A JWT-SVID that was checked: signed by its subject's trust domain, for our
/// audience, and in force when it was looked at.
///
/// [`verify`](Self::verify) is the only way to make one.
#[derive(Clone, Debug, PartialEq)]
pub struct JwtSvid {
    id: SpiffeId,
    expires_at: SystemTime,
    claims: Map<String, Value>,
}

impl JwtSvid {
    /// The longest token that is looked at: what fits in a usual header.
    pub const MAX_BYTES: usize = 16 * 1024;

    /// How far clocks may be apart.
    pub const LEEWAY: Duration = Duration::from_secs(60);

    /// Checks `token`, a JWS in compact form, as whoever is called `audience`.
    ///
    /// The key is one of the bundle of the subject's own trust domain: the one
    /// that the token names, or any if it names none (JWT-SVID 2.2).
    ///
    /// # Errors
    ///
    /// [`TokenError`] names the first rule that the token breaks.
    pub fn verify(
        token: &str,
        audience: &str,
        bundles: &JwtBundles,
        now: SystemTime,
    ) -> Result<Self, TokenError> {
        if token.len() > Self::MAX_BYTES {
            return Err(TokenError::TooLong { bytes: token.len() });
        }
        let parts: Vec<&str> = token.split('.').collect();
        let &[header_text, claims_text, signature_text] = parts.as_slice() else {
            return Err(TokenError::NotCompact);
        };
        let header = Header::read(&decode(Part::Header, header_text)?)?;
        let claims = object(Part::Claims, &decode(Part::Claims, claims_text)?)?;
        let signature = decode(Part::Signature, signature_text)?;
        let id = subject(&claims)?;
        let trust_domain = id.trust_domain();
        let keys = bundles
            .get(trust_domain)
            .ok_or_else(|| TokenError::UnknownTrustDomain {
                trust_domain: trust_domain.clone(),
            })?;
        let signed = header_text.len() + 1 + claims_text.len();
        let message = token.as_bytes().get(..signed).unwrap_or_default();
        let kid = header.kid.as_deref();
        match keys.signed(kid, header.algorithm, message, &signature) {
            Verdict::Signed => {}
            Verdict::NotSigned => return Err(TokenError::BadSignature),
            Verdict::UnknownKey => {
                let kid = header.kid.unwrap_or_default();
                return Err(TokenError::UnknownKey { kid });
            }
        }
        check_audience(&claims, audience)?;
        let expires_at = check_dates(&claims, now)?;
        Ok(Self {
            id,
            expires_at,
            claims,
        })
    }

    /// Whom it names.
    #[must_use]
    pub const fn id(&self) -> &SpiffeId {
        &self.id
    }

    /// When it ends, by the issuer's clock.
    #[must_use]
    pub const fn expires_at(&self) -> SystemTime {
        self.expires_at
    }

    /// All that it says.
    #[must_use]
    pub const fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }
}

/// Why a token is not a JWT-SVID for us.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TokenError {
    /// A member of the header that no JWT-SVID has.
    #[error("its header has a member `{}`, which JWT-SVIDs do not have", member.escape_default())]
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
    /// No key that the token could be from has signed it.
    #[error("its signature is not by its trust domain")]
    BadSignature,
    /// The subject is not a SPIFFE ID.
    #[error("its subject is not a SPIFFE ID")]
    BadSubject {
        /// Why not.
        #[source]
        cause: SpiffeIdError,
    },
    /// It has ended.
    #[error("it has expired")]
    Expired,
    /// A member that is missing or of another type than it must be.
    #[error("`{member}` is missing or malformed")]
    Malformed {
        /// The member.
        member: &'static str,
    },
    /// Not three parts.
    #[error("it is not a JWS in compact form")]
    NotCompact,
    /// It is for others.
    #[error("it is not for `{}`", audience.escape_default())]
    NotForUs {
        /// Who we are.
        audience: String,
    },
    /// It has not begun.
    #[error("it does not hold yet")]
    NotYet,
    /// More than [`JwtSvid::MAX_BYTES`].
    #[error("it has {bytes} bytes, more than {}", JwtSvid::MAX_BYTES)]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The trust domain has no such key, or has it no more.
    #[error("its trust domain has no key `{}`", kid.escape_default())]
    UnknownKey {
        /// What the token calls its key.
        kid: String,
    },
    /// We have no keys for its trust domain.
    #[error("trust domain `{trust_domain}` is not known here")]
    UnknownTrustDomain {
        /// The trust domain.
        trust_domain: TrustDomain,
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

struct Header {
    algorithm: Algorithm,
    kid: Option<String>,
}

impl Header {
    fn read(text: &[u8]) -> Result<Self, TokenError> {
        let members = object(Part::Header, text)?;
        if let Some(alien) = members.keys().find(|name| !KNOWN.contains(&name.as_str())) {
            return Err(TokenError::AlienHeader {
                member: alien.clone(),
            });
        }
        let text = |member: &'static str| match members.get(member) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str())),
            Some(_) => Err(TokenError::Malformed { member }),
        };
        let algorithm = text("alg")?.ok_or(TokenError::Malformed { member: "alg" })?;
        let algorithm = algorithm
            .parse()
            .map_err(|cause| TokenError::BadAlgorithm { cause })?;
        if !matches!(text("typ")?, None | Some("JWT" | "JOSE")) {
            return Err(TokenError::Malformed { member: "typ" });
        }
        Ok(Self {
            algorithm,
            kid: text("kid")?.map(ToOwned::to_owned),
        })
    }
}

fn decode(part: Part, text: &str) -> Result<Vec<u8>, TokenError> {
    BASE64_URL_SAFE_NO_PAD
        .decode(text)
        .ok()
        .ok_or(TokenError::BadBase64 { part })
}

fn object(part: Part, text: &[u8]) -> Result<Map<String, Value>, TokenError> {
    parse_object(text).map_err(|cause| TokenError::BadJson { part, cause })
}

fn subject(claims: &Map<String, Value>) -> Result<SpiffeId, TokenError> {
    claims
        .get("sub")
        .and_then(Value::as_str)
        .ok_or(TokenError::Malformed { member: "sub" })?
        .parse()
        .map_err(|cause| TokenError::BadSubject { cause })
}

/// RFC 7519 4.1.3: a text or a list of texts.
fn check_audience(claims: &Map<String, Value>, audience: &str) -> Result<(), TokenError> {
    let malformed = TokenError::Malformed { member: "aud" };
    let several = match claims.get("aud") {
        Some(Value::Array(several)) => several.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => return Err(malformed),
    };
    let mut names = several.iter().map(Value::as_str);
    if several.is_empty() || names.any(|name| name.is_none()) {
        return Err(malformed);
    }
    if several.iter().any(|name| name.as_str() == Some(audience)) {
        return Ok(());
    }
    Err(TokenError::NotForUs {
        audience: audience.to_owned(),
    })
}

/// When the token ends, if it has begun and not ended.
fn check_dates(claims: &Map<String, Value>, now: SystemTime) -> Result<SystemTime, TokenError> {
    let ends = date(claims, "exp")?.ok_or(TokenError::Malformed { member: "exp" })?;
    if now >= ends.checked_add(JwtSvid::LEEWAY).unwrap_or(ends) {
        return Err(TokenError::Expired);
    }
    let begins = date(claims, "nbf")?;
    let soon = now.checked_add(JwtSvid::LEEWAY).unwrap_or(now);
    if begins.is_some_and(|begins| soon < begins) {
        return Err(TokenError::NotYet);
    }
    Ok(ends)
}

/// RFC 7519 2, NumericDate: seconds since 1970, perhaps with a fraction.
fn date(
    claims: &Map<String, Value>,
    member: &'static str,
) -> Result<Option<SystemTime>, TokenError> {
    let Some(value) = claims.get(member) else {
        return Ok(None);
    };
    value
        .as_f64()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since))
        .map(Some)
        .ok_or(TokenError::Malformed { member })
}

const KNOWN: [&str; 3] = ["alg", "kid", "typ"];
