//! A person lets a program in that has no browser (RFC 8628).

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use serde_json::Map;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::https::Form;
use crate::https::Post;
use crate::jwt::JsonError;
use crate::jwt::parse_object;
use crate::oidc::callback::Asked;
use crate::oidc::callback::SignedIn;
use crate::oidc::error::ProviderError;
use crate::oidc::error::SignInError;
use crate::oidc::issuer::Issuer;
use crate::oidc::provider::Provider;
use crate::oidc::token_answer::Refusal;
use crate::oidc::token_answer::TokenAnswer;

/// What a program shows to the person before it, and asks with meanwhile.
pub struct DeviceAnswer {
    /// What to ask with. It is never shown.
    pub device_code: Zeroizing<String>,
    /// How long it may be asked with.
    pub expires_in: Duration,
    /// How long to wait between two times.
    pub interval: Duration,
    /// What the person types in there.
    pub user_code: String,
    /// Where the person goes.
    pub verification_uri: String,
    /// The same with the code in it, if there is such a place.
    pub verification_uri_complete: Option<String>,
}

impl DeviceAnswer {
    /// The largest answer that is read.
    pub const MAX_BYTES: usize = 16 * 1024;

    /// Reads the answer of `issuer`, which sends people to places over TLS only.
    ///
    /// # Errors
    ///
    /// All of [`DeviceAnswerError`].
    pub fn parse(text: &[u8], issuer: &Issuer) -> Result<Self, DeviceAnswerError> {
        if text.len() > Self::MAX_BYTES {
            return Err(DeviceAnswerError::TooLong { bytes: text.len() });
        }
        let members = parse_object(text).map_err(|cause| DeviceAnswerError::NotJson { cause })?;
        let place = |member| {
            let text = text_of(&members, member)?;
            let Some(text) = text else { return Ok(None) };
            let url = issuer.url(&text);
            url.map(|_place| Some(text))
                .map_err(|_not_one| DeviceAnswerError::Malformed { member })
        };
        let needed = |member| DeviceAnswerError::Malformed { member };
        let expires_in = seconds(&members, "expires_in")?;
        let interval = seconds(&members, "interval")?.unwrap_or(USUAL_INTERVAL);
        Ok(Self {
            device_code: text_of(&members, "device_code")?
                .map(Zeroizing::new)
                .ok_or_else(|| needed("device_code"))?,
            expires_in: expires_in.ok_or_else(|| needed("expires_in"))?.min(LONGEST),
            interval: interval.clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL),
            user_code: text_of(&members, "user_code")?.ok_or_else(|| needed("user_code"))?,
            verification_uri: place("verification_uri")?
                .ok_or_else(|| needed("verification_uri"))?,
            verification_uri_complete: place("verification_uri_complete")?,
        })
    }
}

impl fmt::Debug for DeviceAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceAnswer")
            .field("verification_uri", &self.verification_uri)
            .finish_non_exhaustive()
    }
}

/// Why an answer lets nobody in.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DeviceAnswerError {
    /// A member that is missing or of another type than it must be.
    #[error("`{member}` is missing or malformed")]
    Malformed {
        /// The member.
        member: &'static str,
    },
    /// It is no JSON object.
    #[error("it cannot be read")]
    NotJson {
        /// Why not.
        #[source]
        cause: JsonError,
    },
    /// More than [`DeviceAnswer::MAX_BYTES`].
    #[error("it has {bytes} bytes, more than {}", DeviceAnswer::MAX_BYTES)]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

/// How far a person is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DeviceProgress {
    /// They have let the program in.
    SignedIn(Box<SignedIn>),
    /// Not yet, and it was asked too soon: wait 5 seconds longer from now on.
    SlowDown,
    /// Not yet.
    Waiting,
}

impl Provider {
    /// Begins: what to show to the person.
    ///
    /// # Errors
    ///
    /// [`SignInError::Misconfigured`], [`SignInError::Provider`], [`SignInError::Refused`], [`SignInError::Unwell`]
    /// and [`SignInError::BadDeviceAnswer`].
    pub async fn device_authorization(&self) -> Result<DeviceAnswer, SignInError> {
        let metadata = self.metadata().await?;
        let url = metadata.device_authorization_endpoint.as_ref();
        let url = url.ok_or(ProviderError::NoEndpoint {
            endpoint: "device_authorization_endpoint",
        })?;
        let form = Form::new().with("scope", &self.scope());
        let (form, credentials) = self.prove(form)?;
        let post = Some(Post::Form(&form));
        let answer = self.answer(url, credentials.as_ref(), post).await?;
        if answer.status == StatusCode::OK {
            return DeviceAnswer::parse(&answer.body, &self.settings().issuer)
                .map_err(|cause| SignInError::BadDeviceAnswer { cause });
        }
        Err(Refusal::read(answer.status.as_u16(), &answer.body).into())
    }

    /// How far the person is. To be asked no sooner than after the interval
    /// that the answer names, until it ends.
    ///
    /// # Errors
    ///
    /// All of [`SignInError`]; one that is refused with `access_denied` or
    /// `expired_token` has ended.
    pub async fn device_poll(&self, device_code: &str) -> Result<DeviceProgress, SignInError> {
        let metadata = self.metadata().await?;
        let form = Form::new()
            .with("grant_type", "urn:ietf:params:oauth:grant-type:device_code")
            .with("device_code", device_code);
        let answer: TokenAnswer = match self.tokens(&metadata, form).await {
            Ok(answer) => answer,
            Err(SignInError::Refused { cause }) if &*cause.code == "authorization_pending" => {
                return Ok(DeviceProgress::Waiting);
            }
            Err(SignInError::Unwell { cause }) if &*cause.code == "slow_down" => {
                return Ok(DeviceProgress::SlowDown);
            }
            Err(error) => return Err(error),
        };
        // No browser came back: there is neither a code nor a nonce to compare.
        let asked = Asked {
            code: None,
            max_age: None,
            nonce: None,
        };
        let signed_in = self.believe(&metadata, answer, asked).await?;
        Ok(DeviceProgress::SignedIn(Box::new(signed_in)))
    }
}

/// A text that can be shown on a terminal.
fn text_of(
    members: &Map<String, Value>,
    member: &'static str,
) -> Result<Option<String>, DeviceAnswerError> {
    match members.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text))
            if !text.is_empty() && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) =>
        {
            Ok(Some(text.clone()))
        }
        Some(_) => Err(DeviceAnswerError::Malformed { member }),
    }
}

fn seconds(
    members: &Map<String, Value>,
    member: &'static str,
) -> Result<Option<Duration>, DeviceAnswerError> {
    match members.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value
            .as_u64()
            .map(|seconds| Some(Duration::from_secs(seconds)))
            .ok_or(DeviceAnswerError::Malformed { member }),
    }
}

/// RFC 8628, 3.2.
const USUAL_INTERVAL: Duration = Duration::from_secs(5);
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);

/// Nobody looks at a terminal for longer.
const LONGEST: Duration = Duration::from_secs(3600);
