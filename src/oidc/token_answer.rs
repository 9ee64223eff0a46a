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

/// How a provider says no (RFC 6749, 4.1.2.1 and 5.2).
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}`{code}`", .status.map_or_else(String::new, |status| format!("status {status}, ")))]
pub struct Refusal {
    /// Its word for why, such as `invalid_grant`; empty if it has none.
    pub code: Box<str>,
    /// The answer's status; none where a person brought it.
    pub status: Option<u16>,
}

impl Refusal {
    /// The longest word that is taken.
    pub const MAX_BYTES: usize = 64;

    /// Reads the body of an answer that is not good.
    #[must_use]
    pub fn read(status: u16, text: &[u8]) -> Self {
        let members = parse_object(text).unwrap_or_default();
        let code = members.get("error").and_then(Value::as_str);
        Self {
            code: word(code.unwrap_or_default()),
            status: Some(status),
        }
    }

    /// What a person brings back as `error`.
    #[must_use]
    pub fn brought(error: &str) -> Self {
        let code = word(error);
        Self {
            code: if code.is_empty() {
                "not_a_word".into()
            } else {
                code
            },
            status: None,
        }
    }

    /// Whether it is our settings, or what the provider has of us, that it does not
    /// like: whoever asks can do nothing about it.
    #[must_use]
    pub fn is_of_us(&self) -> bool {
        let ours = [
            "invalid_client",
            "invalid_scope",
            "unauthorized_client",
            "unsupported_grant_type",
            "unsupported_response_type",
        ];
        !self.is_unwell() && ours.contains(&&*self.code)
    }

    const fn is_unwell(&self) -> bool {
        matches!(self.status, Some(408 | 425 | 429 | 500..))
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
        self.is_unwell() || of_nobody.contains(&&*self.code)
    }
}

/// `text`, if it is one of the words that there are for it.
fn word(text: &str) -> Box<str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:/".contains(&byte);
    let is_word = text.len() <= Refusal::MAX_BYTES && text.bytes().all(plain);
    Some(text).filter(|_| is_word).unwrap_or_default().into()
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
