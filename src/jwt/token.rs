//! A token becomes a JWT-SVID, or says why it is none.

use std::time::Duration;
use std::time::SystemTime;

use serde_json::Map;
use serde_json::Value;

use crate::id::SpiffeId;
use crate::id::SpiffeIdError;
use crate::id::TrustDomain;
use crate::jwt::jws;
use crate::jwt::jws::HeaderRule;
use crate::jwt::jws::Jws;
use crate::jwt::jws::JwsError;
use crate::jwt::jws::Verdict;
use crate::jwt::keys::JwtBundles;

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
        let read = Jws::read(token, Self::MAX_BYTES, HeaderRule::Nothing);
        let jws = read.map_err(|cause| TokenError::NotAJws { cause })?;
        if !matches!(jws.typ(), None | Some("JWT" | "JOSE")) {
            return Err(TokenError::Malformed { member: "typ" });
        }
        let claims = jws.claims();
        let id = subject(claims)?;
        let trust_domain = id.trust_domain();
        let keys = bundles
            .get(trust_domain)
            .ok_or_else(|| TokenError::UnknownTrustDomain {
                trust_domain: trust_domain.clone(),
            })?;
        match keys.signed(jws.kid(), jws.algorithm(), jws.message(), jws.signature()) {
            Verdict::Signed => {}
            Verdict::NotSigned => return Err(TokenError::BadSignature),
            Verdict::UnknownKey => {
                let kid = jws.kid().unwrap_or_default().to_owned();
                return Err(TokenError::UnknownKey { kid });
            }
        }
        check_audience(claims, audience)?;
        let expires_at = check_dates(claims, now)?;
        Ok(Self {
            id,
            expires_at,
            claims: jws.into_claims(),
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
    /// It is not a signed object of one reading.
    #[error(transparent)]
    NotAJws {
        /// Why not.
        cause: JwsError,
    },
    /// It is for others.
    #[error("it is not for `{}`", audience.escape_default())]
    NotForUs {
        /// Who we are.
        audience: String,
    },
    /// It has not begun.
    #[error("it does not hold yet")]
    NotYet,
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

fn date(
    claims: &Map<String, Value>,
    member: &'static str,
) -> Result<Option<SystemTime>, TokenError> {
    let Some(value) = claims.get(member) else {
        return Ok(None);
    };
    let date = jws::date(value);
    date.map(Some).ok_or(TokenError::Malformed { member })
}
