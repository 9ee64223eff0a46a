//! Programs that show a token of a provider which we believe.

use std::time::Duration;
use std::time::SystemTime;

use crate::oidc::claims::Reading;
use crate::oidc::error::TokenError;
use crate::oidc::fault::TokenFault;
use crate::oidc::id_token::audience;
use crate::oidc::id_token::check_dates;
use crate::oidc::id_token::subject;
use crate::oidc::provider::Provider;
use crate::policy::Person;

/// Whom a token vouches for, and how long.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Vouched {
    /// When the token ends, by its issuer's clock.
    pub expires_at: SystemTime,
    /// Whom it names.
    pub person: Person,
}

impl Vouched {
    /// The longest token that is looked at: what fits in a usual header.
    pub const MAX_BYTES: usize = 16 * 1024;

    /// How much longer a token may hold: nobody can take it back.
    pub const LONGEST: Duration = Duration::from_secs(24 * 3600);
}

impl Provider {
    /// Whom `token`, which came with a request, vouches for: an access token in
    /// JWT form (RFC 9068), or what a CI system gives its jobs. It must be for
    /// an audience of ours, and never for our client, as ID tokens are.
    ///
    /// # Errors
    ///
    /// All of [`TokenError`].
    pub async fn bearer(&self, token: &str) -> Result<Vouched, TokenError> {
        let settings = self.settings();
        if settings.bearer_audiences.is_empty() {
            return Err(TokenFault::NotForUs.into());
        }
        let jws = self.signed(token, Vouched::MAX_BYTES, &TYPES).await?;
        let claims = jws.claims();
        let names = audience(claims)?;
        let is_ours = |name: &&str| settings.bearer_audiences.contains(*name);
        let client = settings.client.as_ref().map(|client| client.id.as_str());
        let is_id_token = client.is_some_and(|client| names.contains(&client));
        if is_id_token || !names.iter().any(is_ours) {
            return Err(TokenFault::NotForUs.into());
        }
        // A logout token is signed with the same keys.
        if claims.contains_key("events") {
            return Err(TokenFault::MemberForbidden { member: "events" }.into());
        }
        let now = self.now();
        let expires_at = check_dates(claims, now)?;
        let longest = now.checked_add(Vouched::LONGEST);
        if longest.is_none_or(|longest| expires_at > longest) {
            return Err(TokenFault::HoldsTooLong.into());
        }
        let reading = Reading {
            token: Some(claims),
            userinfo: None,
        };
        let person = reading
            .person(subject(claims)?, settings)
            .map_err(|cause| TokenFault::BadClaims { cause })?;
        Ok(Vouched { expires_at, person })
    }
}

/// RFC 9068, 2.1, and what CI systems write.
const TYPES: [&str; 3] = ["at+jwt", "application/at+jwt", "JWT"];
