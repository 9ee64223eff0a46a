//! What a token endpoint answers (RFC 6749, 5).

use std::fmt;
use std::time::Duration;

use serde_json::Map;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::jwt::JsonError;
use crate::jwt::parse_object;

/// Tokens, still to be believed. They are never shown.
pub struct TokenAnswer {
    /// For the userinfo endpoint.
    pub access_token: Zeroizing<String>,
    /// How long the access token holds, if that is said.
    pub expires_in: Option<Duration>,
    /// Who signed in.
    pub id_token: Option<Zeroizing<String>>,
    /// For the next ones.
    pub refresh_token: Option<Zeroizing<String>>,
}

impl TokenAnswer {
    /// The largest answer that is read.
    pub const MAX_BYTES: usize = 256 * 1024;

    /// Reads the body of a good answer.
    ///
    /// # Errors
    ///
    /// All of [`TokenAnswerError`].
    pub fn parse(text: &[u8]) -> Result<Self, TokenAnswerError> {
        if text.len() > Self::MAX_BYTES {
            return Err(TokenAnswerError::TooLong { bytes: text.len() });
        }
        let mut members =
            parse_object(text).map_err(|cause| TokenAnswerError::NotJson { cause })?;
        let kind = secret(&mut members, "token_type")?;
        if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")) {
            return Err(TokenAnswerError::NotBearer);
        }
        let member = "access_token";
        Ok(Self {
            access_token: secret(&mut members, member)?
                .ok_or(TokenAnswerError::Malformed { member })?,
            expires_in: seconds(&members, "expires_in")?,
            id_token: secret(&mut members, "id_token")?,
            refresh_token: secret(&mut members, "refresh_token")?,
        })
    }
}

impl fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenAnswer(…)")
    }
}

/// Why an answer has no tokens in it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TokenAnswerError {
    /// A member that is missing or of another type than it must be.
    #[error("`{member}` is missing or malformed")]
    Malformed {
        /// The member.
        member: &'static str,
    },
    /// A kind of access token that needs more than being shown.
    #[error("`token_type` is not `Bearer`")]
    NotBearer,
    /// It is no JSON object.
    #[error("it cannot be read")]
    NotJson {
        /// Why not.
        #[source]
        cause: JsonError,
    },
    /// More than [`TokenAnswer::MAX_BYTES`].
    #[error("it has {bytes} bytes, more than {}", TokenAnswer::MAX_BYTES)]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

/// How a provider says no (RFC 6749, 5.2).
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("status {status}, `{code}`")]
pub struct Refusal {
    /// Its word for why, such as `invalid_grant`; empty if it has none.
    pub code: Box<str>,
    /// The answer's status.
    pub status: u16,
}

impl Refusal {
    /// The longest word that is taken.
    pub const MAX_BYTES: usize = 64;

    /// Reads the body of an answer that is not good.
    #[must_use]
    pub fn read(status: u16, text: &[u8]) -> Self {
        let members = parse_object(text).unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:/".contains(&byte);
        let code = members.get("error").and_then(Value::as_str);
        let code = code.filter(|code| code.len() <= Self::MAX_BYTES && code.bytes().all(plain));
        Self {
            code: code.unwrap_or_default().into(),
            status,
        }
    }

    /// Whether it says nothing of whoever asks: the provider fails, wants to be
    /// left alone, does not know our own secret, or has no word for it.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        let of_nobody = [
            "",
            "invalid_client",
            "server_error",
            "slow_down",
            "temporarily_unavailable",
        ];
        let unwell = matches!(self.status, 408 | 425 | 429 | 500..);
        unwell || of_nobody.contains(&&*self.code)
    }
}

/// Takes a text out, so that it is wiped after use.
fn secret(
    members: &mut Map<String, Value>,
    member: &'static str,
) -> Result<Option<Zeroizing<String>>, TokenAnswerError> {
    match members.remove(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(Zeroizing::new(text))),
        Some(_) => Err(TokenAnswerError::Malformed { member }),
    }
}

fn seconds(
    members: &Map<String, Value>,
    member: &'static str,
) -> Result<Option<Duration>, TokenAnswerError> {
    let Some(value) = members.get(member).filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let seconds = value
        .as_u64()
        .ok_or(TokenAnswerError::Malformed { member })?;
    Ok(Some(Duration::from_secs(seconds)))
}
