//! The ways in which a session ends at its provider, or there because it ends here.

use std::time::Duration;
use std::time::SystemTime;

use serde_json::Map;
use serde_json::Value;

use crate::https::Form;
use crate::oidc::callback::with_query;
use crate::oidc::error::ProviderError;
use crate::oidc::error::TokenError;
use crate::oidc::fault::TokenFault;
use crate::oidc::id_token::IdToken;
use crate::oidc::id_token::audience;
use crate::oidc::id_token::check_dates;
use crate::oidc::id_token::check_issuer;
use crate::oidc::id_token::is_name;
use crate::oidc::id_token::required_date;
use crate::oidc::id_token::session;
use crate::oidc::id_token::subject;
use crate::oidc::provider::Provider;
use crate::policy::Subject;

/// A provider's word that somebody signed out there (OpenID Connect
/// Back-Channel Logout 1.0). It names a session, a subject, or both.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LogoutToken {
    /// Its own name: whoever is told twice was told once.
    pub jti: String,
    /// Which of their sessions; none: all.
    pub sid: Option<String>,
    /// Who.
    pub subject: Option<Subject>,
    /// Until when the token could be told again.
    pub until: SystemTime,
}

impl LogoutToken {
    /// The longest that is looked at.
    pub const MAX_BYTES: usize = 16 * 1024;

    /// How old one may be: providers tell again when they were not heard, and
    /// those that were need not be remembered forever.
    pub const OLDEST: Duration = Duration::from_secs(3600);

    /// Reads the claims of a token. Nothing here looks at the signature:
    /// whoever asks has done so.
    ///
    /// # Errors
    ///
    /// [`TokenFault`] names the first rule that they break.
    pub fn read(
        claims: &Map<String, Value>,
        issuer: &str,
        client_id: &str,
        now: SystemTime,
    ) -> Result<Self, TokenFault> {
        check_issuer(claims, issuer)?;
        if !audience(claims)?.contains(&client_id) {
            return Err(TokenFault::NotForUs);
        }
        check_dates(claims, now)?;
        let made = required_date(claims, "iat")?;
        let until = made.checked_add(Self::OLDEST + IdToken::LEEWAY);
        let until = until.ok_or(TokenFault::Malformed { member: "iat" })?;
        if until < now {
            return Err(TokenFault::TooOld);
        }
        let event = claims.get("events").and_then(|events| events.get(EVENT));
        if !event.is_some_and(Value::is_object) {
            return Err(TokenFault::NotLogout);
        }
        // What has one could be shown as an ID token.
        if claims.contains_key("nonce") {
            return Err(TokenFault::MemberForbidden { member: "nonce" });
        }
        let jti = claims.get("jti").and_then(Value::as_str);
        let jti = jti.filter(|jti| is_name(jti));
        let sid = session(claims)?;
        let subject = claims.get("sub").map(|_| subject(claims)).transpose()?;
        if sid.is_none() && subject.is_none() {
            return Err(TokenFault::Malformed { member: "sub" });
        }
        Ok(Self {
            jti: jti
                .ok_or(TokenFault::Malformed { member: "jti" })?
                .to_owned(),
            sid,
            subject,
            until,
        })
    }
}

/// Why what came over the front channel ends no session.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FrontChannelFault {
    /// It names no session.
    #[error("it does not say which session (`sid`)")]
    NoSession,
    /// It is of another provider, or does not say of which.
    #[error("it is not of this provider (`iss`)")]
    OtherIssuer,
}

impl FrontChannelFault {
    /// A stable word for records and metrics.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoSession => "no_session",
            Self::OtherIssuer => "other_issuer",
        }
    }
}

impl Provider {
    /// What a logout token that was posted to us tells. Whoever asks must look
    /// whether its `jti` was told before.
    ///
    /// # Errors
    ///
    /// All of [`TokenError`].
    pub async fn logout_token(&self, token: &str) -> Result<LogoutToken, TokenError> {
        let client = self.client()?;
        let jws = self
            .signed(token, LogoutToken::MAX_BYTES, &LOGOUT_TYPES)
            .await?;
        let issuer = self.settings().issuer.as_str();
        let now = self.now();
        Ok(LogoutToken::read(jws.claims(), issuer, &client.id, now)?)
    }

    /// Which session a browser was sent to us to end (OpenID Connect
    /// Front-Channel Logout 1.0). Nothing proves that the provider sent it: the
    /// session may only be ended if it is that browser's own.
    ///
    /// # Errors
    ///
    /// All of [`FrontChannelFault`].
    pub fn front_channel<'a>(
        &self,
        iss: Option<&str>,
        sid: Option<&'a str>,
    ) -> Result<&'a str, FrontChannelFault> {
        if iss != Some(self.settings().issuer.as_str()) {
            return Err(FrontChannelFault::OtherIssuer);
        }
        sid.filter(|sid| is_name(sid))
            .ok_or(FrontChannelFault::NoSession)
    }

    /// Where to send a person who signs out here, so that they are signed out
    /// there as well (OpenID Connect RP-Initiated Logout 1.0). None: the
    /// provider has no such place.
    ///
    /// # Errors
    ///
    /// All of [`ProviderError`].
    pub async fn end_session_url(
        &self,
        id_token_hint: Option<&str>,
        post_logout_redirect_uri: &str,
        state: Option<&str>,
    ) -> Result<Option<String>, ProviderError> {
        let client = self.client()?;
        let metadata = self.metadata().await?;
        let Some(endpoint) = &metadata.end_session_endpoint else {
            return Ok(None);
        };
        let mut query = Form::new()
            .with("client_id", &client.id)
            .with("post_logout_redirect_uri", post_logout_redirect_uri);
        for (name, value) in [("id_token_hint", id_token_hint), ("state", state)] {
            if let Some(value) = value {
                query = query.with(name, value);
            }
        }
        Ok(Some(with_query(&endpoint.to_string(), &query)))
    }
}

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Back-Channel Logout 1.0, 2.4: its own, or none by providers from before it.
const LOGOUT_TYPES: [&str; 3] = ["logout+jwt", "application/logout+jwt", "JWT"];
