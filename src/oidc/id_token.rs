//! The rules of an ID token (OpenID Connect Core 3.1.3.7).

use std::time::Duration;
use std::time::SystemTime;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::Map;
use serde_json::Value;

use crate::jwt::Algorithm;
use crate::jwt::date;
use crate::oidc::fault::TokenFault;
use crate::oidc::random::Nonce;
use crate::policy::Subject;

/// What an ID token must say, beside being signed by its issuer.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// What it came with.
    pub access_token: Option<&'a str>,
    /// Who we are.
    pub client_id: &'a str,
    /// What it came for.
    pub code: Option<&'a str>,
    /// Whose it must be.
    pub issuer: &'a str,
    /// How long ago the person may have proved who they are, if that was asked.
    pub max_age: Option<Duration>,
    /// What ties it to a login. None: it comes with a refresh.
    pub nonce: Option<&'a Nonce>,
    /// The date.
    pub now: SystemTime,
}

/// An ID token whose claims keep all rules.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct IdToken {
    /// When it ends, by its issuer's clock.
    pub expires_at: SystemTime,
    /// The provider's name of the session that it is from.
    pub sid: Option<String>,
    /// Whom it names.
    pub subject: Subject,
}

impl IdToken {
    /// How far clocks may be apart.
    pub const LEEWAY: Duration = Duration::from_secs(60);

    /// The longest that is looked at: hundreds of groups have room.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// Reads `claims` of a token that is signed with `algorithm`. Nothing here
    /// looks at the signature: whoever asks has done so.
    ///
    /// # Errors
    ///
    /// [`TokenFault`] names the first rule that they break.
    pub fn read(
        claims: &Map<String, Value>,
        algorithm: Algorithm,
        expected: &Expected<'_>,
    ) -> Result<Self, TokenFault> {
        check_issuer(claims, expected.issuer)?;
        check_client(claims, expected.client_id)?;
        let expires_at = check_dates(claims, expected.now)?;
        required_date(claims, "iat")?;
        if let Some(nonce) = expected.nonce
            && claims.get("nonce").and_then(Value::as_str) != Some(nonce.as_str())
        {
            return Err(TokenFault::OtherLogin);
        }
        check_authentication(claims, expected)?;
        let hashes = [
            (
                "at_hash",
                expected.access_token,
                TokenFault::BadAccessTokenHash,
            ),
            ("c_hash", expected.code, TokenFault::BadCodeHash),
        ];
        for (member, of, fault) in hashes {
            if let (Some(said), Some(of)) = (claims.get(member), of)
                && said.as_str() != Some(&left_half(algorithm, of))
            {
                return Err(fault);
            }
        }
        Ok(Self {
            expires_at,
            sid: session(claims)?,
            subject: subject(claims)?,
        })
    }
}

/// Byte for byte.
pub(super) fn check_issuer(claims: &Map<String, Value>, issuer: &str) -> Result<(), TokenFault> {
    match claims.get("iss") {
        Some(Value::String(found)) if found == issuer => Ok(()),
        Some(Value::String(_)) => Err(TokenFault::OtherIssuer),
        _ => Err(TokenFault::Malformed { member: "iss" }),
    }
}

/// Whom a token is for (RFC 7519, 4.1.3): a text or a list of texts.
pub(super) fn audience(claims: &Map<String, Value>) -> Result<Vec<&str>, TokenFault> {
    let malformed = TokenFault::Malformed { member: "aud" };
    let names: Option<Vec<&str>> = match claims.get("aud") {
        Some(Value::Array(several)) => several.iter().map(Value::as_str).collect(),
        Some(Value::String(one)) => Some(vec![one]),
        _ => None,
    };
    names.filter(|names| !names.is_empty()).ok_or(malformed)
}

/// It is for us, and for others only if it was made for us.
pub(super) fn check_client(claims: &Map<String, Value>, client: &str) -> Result<(), TokenFault> {
    let names = audience(claims)?;
    if !names.contains(&client) {
        return Err(TokenFault::NotForUs);
    }
    let for_others = names.iter().any(|name| *name != client);
    match claims.get("azp") {
        None if for_others => Err(TokenFault::OtherClient),
        None => Ok(()),
        Some(Value::String(party)) if party == client => Ok(()),
        Some(Value::String(_)) => Err(TokenFault::OtherClient),
        Some(_) => Err(TokenFault::Malformed { member: "azp" }),
    }
}

/// When the token ends, if it was made and has begun and not ended.
pub(super) fn check_dates(
    claims: &Map<String, Value>,
    now: SystemTime,
) -> Result<SystemTime, TokenFault> {
    let ends = required_date(claims, "exp")?;
    if now >= ends.checked_add(IdToken::LEEWAY).unwrap_or(ends) {
        return Err(TokenFault::Expired);
    }
    let soon = now.checked_add(IdToken::LEEWAY).unwrap_or(now);
    if optional_date(claims, "nbf")?.is_some_and(|begins| soon < begins) {
        return Err(TokenFault::NotYet);
    }
    if optional_date(claims, "iat")?.is_some_and(|made| soon < made) {
        return Err(TokenFault::FromTheFuture);
    }
    Ok(ends)
}

pub(super) fn required_date(
    claims: &Map<String, Value>,
    member: &'static str,
) -> Result<SystemTime, TokenFault> {
    optional_date(claims, member)?.ok_or(TokenFault::Malformed { member })
}

fn optional_date(
    claims: &Map<String, Value>,
    member: &'static str,
) -> Result<Option<SystemTime>, TokenFault> {
    let Some(value) = claims.get(member) else {
        return Ok(None);
    };
    date(value)
        .map(Some)
        .ok_or(TokenFault::Malformed { member })
}

/// Whom the token names.
pub(super) fn subject(claims: &Map<String, Value>) -> Result<Subject, TokenFault> {
    let malformed = TokenFault::Malformed { member: "sub" };
    let text = claims.get("sub").and_then(Value::as_str);
    text.and_then(|text| text.parse().ok()).ok_or(malformed)
}

/// The provider's name of a session.
pub(super) fn session(claims: &Map<String, Value>) -> Result<Option<String>, TokenFault> {
    match claims.get("sid") {
        None => Ok(None),
        Some(Value::String(sid)) if is_name(sid) => Ok(Some(sid.clone())),
        Some(_) => Err(TokenFault::Malformed { member: "sid" }),
    }
}

/// 1 to 255 printable ASCII characters, as a subject has.
pub(super) fn is_name(text: &str) -> bool {
    let plain = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    !text.is_empty() && text.len() <= Subject::MAX_BYTES && plain
}

fn check_authentication(
    claims: &Map<String, Value>,
    expected: &Expected<'_>,
) -> Result<(), TokenFault> {
    let proved = optional_date(claims, "auth_time")?;
    let soon = expected.now.checked_add(IdToken::LEEWAY);
    if proved.is_some_and(|proved| soon.is_some_and(|soon| soon < proved)) {
        return Err(TokenFault::FromTheFuture);
    }
    let Some(max_age) = expected.max_age else {
        return Ok(());
    };
    let proved = proved.ok_or(TokenFault::AuthenticationTooOld)?;
    let until = proved.checked_add(max_age.saturating_add(IdToken::LEEWAY));
    if until.is_some_and(|until| until < expected.now) {
        return Err(TokenFault::AuthenticationTooOld);
    }
    Ok(())
}

/// OpenID Connect Core 3.1.3.6: half of the digest that the signature uses.
fn left_half(algorithm: Algorithm, text: &str) -> String {
    let how = match algorithm {
        Algorithm::Es256 | Algorithm::Ps256 | Algorithm::Rs256 => &digest::SHA256,
        Algorithm::Es384 | Algorithm::Ps384 | Algorithm::Rs384 => &digest::SHA384,
        Algorithm::Es512 | Algorithm::Ps512 | Algorithm::Rs512 => &digest::SHA512,
    };
    let digest = digest::digest(how, text.as_bytes());
    let digest = digest.as_ref();
    BASE64_URL_SAFE_NO_PAD.encode(digest.get(..digest.len() / 2).unwrap_or_default())
}
