//! A person is sent away, and comes back with a code.

use std::fmt;
use std::time::Duration;
use std::time::SystemTime;

use zeroize::Zeroizing;

use crate::https::Form;
use crate::oidc::claims::Reading;
use crate::oidc::error::ProviderError;
use crate::oidc::error::SignInError;
use crate::oidc::id_token::Expected;
use crate::oidc::id_token::IdToken;
use crate::oidc::metadata::Metadata;
use crate::oidc::provider::Provider;
use crate::oidc::random::Nonce;
use crate::oidc::random::Verifier;
use crate::oidc::token_answer::Refusal;
use crate::oidc::token_answer::TokenAnswer;
use crate::policy::Person;

/// What a person is sent away with.
#[derive(Clone, Copy, Debug)]
pub struct Departure<'a> {
    /// How long ago they may have proved who they are at most.
    pub max_age: Option<Duration>,
    /// What ties the ID token to this login.
    pub nonce: &'a Nonce,
    /// What the provider is to ask of them, whatever it knows already.
    pub prompt: Option<Prompt>,
    /// Where they come back to.
    pub redirect_uri: &'a str,
    /// What they bring back as it is: ties the way back to the browser.
    pub state: &'a str,
    /// What ties the code to us.
    pub verifier: &'a Verifier,
}

/// What a provider is to ask of a person (OpenID Connect Core 3.1.2.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Prompt {
    /// Whether they agree.
    Consent,
    /// To prove who they are again.
    Login,
    /// Nothing: whoever is not signed in there comes back with an error.
    Nothing,
    /// Which of their accounts it is.
    SelectAccount,
}

impl Prompt {
    const fn word(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::Login => "login",
            Self::Nothing => "none",
            Self::SelectAccount => "select_account",
        }
    }
}

/// What a person comes back with, and what they were sent away with. That the
/// `state` is that of this browser is for whoever serves browsers to see first.
#[derive(Clone, Copy)]
pub struct Return<'a> {
    /// The code.
    pub code: &'a str,
    /// The parameter `iss` of what they came back with (RFC 9207).
    pub iss: Option<&'a str>,
    /// As it was at the [`Departure`].
    pub max_age: Option<Duration>,
    /// As it was at the [`Departure`].
    pub nonce: &'a Nonce,
    /// As it was at the [`Departure`].
    pub redirect_uri: &'a str,
    /// As it was at the [`Departure`].
    pub verifier: &'a Verifier,
}

impl fmt::Debug for Return<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Return(…)")
    }
}

/// Somebody signed in, and is vouched for.
#[derive(Clone, Eq, PartialEq)]
pub struct SignedIn {
    /// When to ask the provider again, if it says so.
    pub good_until: Option<SystemTime>,
    /// The ID token, a hint for signing out. None after a refresh that brought
    /// none: the one from before stands.
    pub id_token: Option<Zeroizing<String>>,
    /// Who.
    pub person: Person,
    /// What to ask again with; after a refresh that brought none, the one from
    /// before.
    pub refresh_token: Option<Zeroizing<String>>,
    /// The provider's name of its session. None after a refresh that brought no
    /// ID token: the one from before stands.
    pub sid: Option<String>,
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn")
            .field("person", &self.person)
            .field("sid", &self.sid)
            .field("good_until", &self.good_until)
            .finish_non_exhaustive()
    }
}

/// What the ID token is to answer.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) code: Option<&'a str>,
    pub(super) max_age: Option<Duration>,
    pub(super) nonce: Option<&'a Nonce>,
}

impl Provider {
    /// Where to send a person.
    ///
    /// # Errors
    ///
    /// All of [`ProviderError`].
    pub async fn authorization_url(
        &self,
        departure: &Departure<'_>,
    ) -> Result<String, ProviderError> {
        let client = self.client()?;
        let metadata = self.metadata().await?;
        let endpoint = metadata.authorization_endpoint.as_ref();
        let endpoint = endpoint.ok_or(ProviderError::NoEndpoint {
            endpoint: "authorization_endpoint",
        })?;
        let mut query = Form::new()
            .with("response_type", "code")
            .with("client_id", &client.id)
            .with("redirect_uri", departure.redirect_uri)
            .with("scope", &self.scope())
            .with("state", departure.state)
            .with("nonce", departure.nonce.as_str())
            .with("code_challenge", &departure.verifier.challenge())
            .with("code_challenge_method", "S256");
        if let Some(max_age) = departure.max_age {
            query = query.with("max_age", &max_age.as_secs().to_string());
        }
        if let Some(prompt) = departure.prompt {
            query = query.with("prompt", prompt.word());
        }
        Ok(with_query(&endpoint.to_string(), &query))
    }

    /// Whether `iss`, a parameter of what a person came back with, is this provider's.
    /// [`exchange`](Self::exchange) and [`turned_away`](Self::turned_away) ask it themselves.
    ///
    /// # Errors
    ///
    /// [`SignInError::BadIssuerParameter`] and [`SignInError::Provider`].
    pub async fn check_return(&self, iss: Option<&str>) -> Result<(), SignInError> {
        let metadata = self.metadata().await?;
        self.check_issuer_parameter(&metadata, iss)
    }

    /// Why somebody comes back with an `error` in place of a code. It is the
    /// provider's word only where `iss` is its own.
    pub async fn turned_away(&self, iss: Option<&str>, error: &str) -> SignInError {
        match self.check_return(iss).await {
            Ok(()) => Refusal::brought(error).into(),
            Err(other) => other,
        }
    }

    /// Who came back. A code is for one use: whoever asks twice for one flow
    /// must be stopped before.
    ///
    /// # Errors
    ///
    /// All of [`SignInError`].
    ///
    /// # Cancellation
    ///
    /// The code may be used up.
    pub async fn exchange(&self, back: &Return<'_>) -> Result<SignedIn, SignInError> {
        let metadata = self.metadata().await?;
        self.check_issuer_parameter(&metadata, back.iss)?;
        let form = Form::new()
            .with("grant_type", "authorization_code")
            .with("code", back.code)
            .with("redirect_uri", back.redirect_uri)
            .with("code_verifier", back.verifier.as_str());
        let answer = self.tokens(&metadata, form).await?;
        let asked = Asked {
            code: Some(back.code),
            max_age: back.max_age,
            nonce: Some(back.nonce),
        };
        self.believe(&metadata, answer, asked).await
    }

    /// Whom the tokens of `answer` name.
    pub(super) async fn believe(
        &self,
        metadata: &Metadata,
        answer: TokenAnswer,
        asked: Asked<'_>,
    ) -> Result<SignedIn, SignInError> {
        let id_token = answer.id_token.ok_or(SignInError::NoIdToken)?;
        let jws = self
            .signed(&id_token, IdToken::MAX_BYTES, &ID_TOKEN_TYPES)
            .await?;
        let expected = Expected {
            access_token: Some(&answer.access_token),
            client_id: &self.client()?.id,
            code: asked.code,
            issuer: self.settings().issuer.as_str(),
            max_age: asked.max_age,
            nonce: asked.nonce,
            now: self.now(),
        };
        let read = IdToken::read(jws.claims(), jws.algorithm(), &expected)
            .map_err(|cause| SignInError::IdToken { cause })?;
        let more = self
            .userinfo(metadata, &answer.access_token, &read.subject)
            .await?;
        let reading = Reading {
            token: Some(jws.claims()),
            userinfo: more.as_ref(),
        };
        let person = reading
            .person(read.subject, self.settings())
            .map_err(|cause| SignInError::BadClaims { cause })?;
        Ok(SignedIn {
            good_until: self.good_until(answer.expires_in, Some(read.expires_at)),
            id_token: Some(id_token),
            person,
            refresh_token: answer.refresh_token,
            sid: read.sid,
        })
    }

    /// When to ask again: what is said of the access token, else of the ID token.
    pub(super) fn good_until(
        &self,
        expires_in: Option<Duration>,
        id_token: Option<SystemTime>,
    ) -> Option<SystemTime> {
        let of_answer = expires_in.and_then(|lifetime| {
            let lifetime = lifetime.clamp(SHORTEST, LONGEST);
            self.now().checked_add(lifetime)
        });
        of_answer.or(id_token)
    }

    fn check_issuer_parameter(
        &self,
        metadata: &Metadata,
        iss: Option<&str>,
    ) -> Result<(), SignInError> {
        let good = match iss {
            Some(iss) => iss == self.settings().issuer.as_str(),
            None => !metadata.says_issuer,
        };
        good.then_some(()).ok_or(SignInError::BadIssuerParameter)
    }

    /// What is asked for, `openid` first.
    pub(super) fn scope(&self) -> String {
        let others = self.settings().scopes.iter().map(String::as_str);
        let all: Vec<&str> = std::iter::once("openid")
            .chain(others.filter(|scope| *scope != "openid"))
            .collect();
        all.join(" ")
    }
}

/// `place`, which may have a query of its own, with `query`.
pub(super) fn with_query(place: &str, query: &Form) -> String {
    let separator = if place.contains('?') { '&' } else { '?' };
    format!("{place}{separator}{}", query.as_str())
}

/// An ID token has no type of its own.
pub(super) const ID_TOKEN_TYPES: [&str; 1] = ["JWT"];

/// Whoever says less is not asked in each moment.
const SHORTEST: Duration = Duration::from_secs(10);

/// Groups change, whatever a provider promises.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
