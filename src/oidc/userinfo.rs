//! What a provider says of a person beside the ID token (OpenID Connect Core 5.3).

use serde_json::Map;
use serde_json::Value;

use crate::https::Credentials;
use crate::jwt::JsonError;
use crate::jwt::parse_object;
use crate::oidc::error::SignInError;
use crate::oidc::metadata::Metadata;
use crate::oidc::provider::Provider;
use crate::policy::Subject;

/// Why what a userinfo endpoint says cannot be taken.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum UserinfoError {
    /// There is nothing to show there.
    #[error("the access token could not stand in a header")]
    BadAccessToken,
    /// It is no JSON object.
    #[error("it cannot be read")]
    NotJson {
        /// Why not.
        #[source]
        cause: JsonError,
    },
    /// It is of somebody else, or does not say of whom.
    #[error("it is of somebody else than the ID token (`sub`)")]
    OtherSubject,
    /// The access token, which was just given out, is not taken.
    #[error("it refuses its own access token with status {status}")]
    Refused {
        /// The answer's status.
        status: u16,
    },
    /// It fails.
    #[error("it answers with status {status}")]
    Unwell {
        /// The answer's status.
        status: u16,
    },
}

impl UserinfoError {
    /// A stable word for records and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::BadAccessToken => "userinfo_bad_access_token",
            Self::NotJson { .. } => "userinfo_not_json",
            Self::OtherSubject => "userinfo_other_subject",
            Self::Refused { .. } => "userinfo_refused",
            Self::Unwell { .. } => "userinfo_unwell",
        }
    }

    /// Whether it says nothing of the person.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::NotJson { .. } | Self::Unwell { .. } => true,
            Self::BadAccessToken | Self::OtherSubject | Self::Refused { .. } => false,
        }
    }

    /// The claims of an answer, which must be of `subject`: nothing else ties
    /// it to the person (OpenID Connect Core 5.3.2).
    ///
    /// # Errors
    ///
    /// All of [`UserinfoError`] but `BadAccessToken`.
    pub fn read(status: u16, body: &[u8], subject: &Subject) -> Result<Map<String, Value>, Self> {
        match status {
            200 => {}
            401 | 403 => return Err(Self::Refused { status }),
            _ => return Err(Self::Unwell { status }),
        }
        let claims = parse_object(body).map_err(|cause| Self::NotJson { cause })?;
        if claims.get("sub").and_then(Value::as_str) != Some(subject.as_str()) {
            return Err(Self::OtherSubject);
        }
        Ok(claims)
    }
}

impl Provider {
    /// What the provider says of `subject` to whoever shows `access_token`;
    /// nothing if it is not to be asked.
    pub(super) async fn userinfo(
        &self,
        metadata: &Metadata,
        access_token: &str,
        subject: &Subject,
    ) -> Result<Option<Map<String, Value>>, SignInError> {
        let url = metadata.userinfo_endpoint.as_ref();
        let Some(url) = url.filter(|_| self.settings().userinfo) else {
            return Ok(None);
        };
        let refused = |cause| SignInError::Userinfo { cause };
        let credentials =
            Credentials::bearer(access_token).map_err(|error| refused(error.into()))?;
        let answer = self.answer(url, Some(&credentials), None).await?;
        UserinfoError::read(answer.status.as_u16(), &answer.body, subject)
            .map(Some)
            .map_err(refused)
    }
}
