//! A person is vouched for anew.

use serde_json::Map;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::https::Form;
use crate::oidc::callback::ID_TOKEN_TYPES;
use crate::oidc::callback::SignedIn;
use crate::oidc::claims::Reading;
use crate::oidc::error::RefreshError;
use crate::oidc::error::SignInError;
use crate::oidc::fault::TokenFault;
use crate::oidc::id_token::Expected;
use crate::oidc::id_token::IdToken;
use crate::oidc::provider::Provider;
use crate::policy::Person;

impl Provider {
    /// What the provider says now of `before`, who has `refresh_token`.
    ///
    /// Groups and claims are those of the answer alone: what it does not say
    /// any more is gone. When and how the person proved who they are stays as
    /// it was, for nobody did so again. An answer that says nothing of the
    /// person, with no ID token and no userinfo endpoint, leaves them as they were.
    ///
    /// # Errors
    ///
    /// All of [`RefreshError`].
    ///
    /// # Cancellation
    ///
    /// The token may be used up: let nobody cancel this who wants to go on.
    pub async fn refresh(
        &self,
        refresh_token: &str,
        before: &Person,
    ) -> Result<SignedIn, RefreshError> {
        Ok(self.renewed(refresh_token, before).await?)
    }

    async fn renewed(&self, token: &str, before: &Person) -> Result<SignedIn, SignInError> {
        let other = || SignInError::IdToken {
            cause: TokenFault::OtherSubject,
        };
        if before.provider != *self.name() {
            return Err(other());
        }
        let metadata = self.metadata().await?;
        let form = Form::new()
            .with("grant_type", "refresh_token")
            .with("refresh_token", token);
        let answer = self.tokens(&metadata, form).await?;
        let (read, claims) = match &answer.id_token {
            Some(id_token) => {
                let (read, claims) = self.renewed_token(id_token, &answer.access_token).await?;
                if read.subject != before.subject {
                    return Err(other());
                }
                (Some(read), Some(claims))
            }
            None => (None, None),
        };
        let more = self
            .userinfo(&metadata, &answer.access_token, &before.subject)
            .await?;
        let reading = Reading {
            token: claims.as_ref(),
            userinfo: more.as_ref(),
        };
        let person = self.renewed_person(&reading, before)?;
        let expires_at = read.as_ref().map(|read| read.expires_at);
        Ok(SignedIn {
            good_until: self.good_until(answer.expires_in, expires_at),
            id_token: answer.id_token,
            person,
            // RFC 6749, 6: without a new one the old one stays good.
            refresh_token: answer
                .refresh_token
                .or_else(|| Some(Zeroizing::new(token.to_owned()))),
            sid: read.and_then(|read| read.sid),
        })
    }

    async fn renewed_token(
        &self,
        id_token: &str,
        access_token: &str,
    ) -> Result<(IdToken, Map<String, Value>), SignInError> {
        let jws = self
            .signed(id_token, IdToken::MAX_BYTES, &ID_TOKEN_TYPES)
            .await?;
        let expected = Expected {
            access_token: Some(access_token),
            client_id: &self.client()?.id,
            code: None,
            issuer: self.settings().issuer.as_str(),
            max_age: None,
            nonce: None,
            now: self.now(),
        };
        let read = IdToken::read(jws.claims(), jws.algorithm(), &expected)
            .map_err(|cause| SignInError::IdToken { cause })?;
        Ok((read, jws.into_claims()))
    }

    fn renewed_person(
        &self,
        reading: &Reading<'_>,
        before: &Person,
    ) -> Result<Person, SignInError> {
        if reading.token.is_none() && reading.userinfo.is_none() {
            return Ok(before.clone());
        }
        let person = reading
            .person(before.subject.clone(), self.settings())
            .map_err(|cause| SignInError::BadClaims { cause })?;
        Ok(Person {
            acr: before.acr.clone(),
            amr: before.amr.clone(),
            authenticated_at: before.authenticated_at,
            ..person
        })
    }
}
