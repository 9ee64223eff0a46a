//! An edge, as a program asks it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;
use tokio::time::sleep;

use crate::https::Answer;
use crate::https::Client;
use crate::https::Credentials;
use crate::https::Form;
use crate::https::Post;
use crate::https::Request;
use crate::https::Trust;
use crate::https::WebRoots;
use crate::jwt::parse_object;
use crate::login::error::LoginError;
use crate::login::kept::Kept;
use crate::login::kept::KeptError;
use crate::login::site::Site;
use crate::oidc::DeviceAnswer;
use crate::oidc::Issuer;
use crate::oidc::Places;
use crate::oidc::Refusal;
use crate::oidc::TokenAnswer;
use crate::oidc::TokenAnswerError;
use crate::time::Clock;

/// An edge that a program signs in at.
#[derive(Debug)]
pub struct Edge {
    clock: Arc<dyn Clock>,
    site: Site,
    trust: Trust,
}

/// What comes of it.
#[derive(Debug)]
pub struct LetIn {
    /// To be kept.
    pub kept: Kept,
    /// Who the program is now, as the edge says it.
    pub user: String,
}

impl Edge {
    /// The edge at `site`, whose certificate is of the PEM file `roots`, or else
    /// of the system's.
    ///
    /// # Errors
    ///
    /// [`LoginError::Trust`] if there are no roots.
    pub fn new(
        site: Site,
        roots: Option<PathBuf>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LoginError> {
        let roots = WebRoots::new(roots, Arc::clone(&clock));
        let trust = roots.trust().map_err(|cause| LoginError::Trust { cause })?;
        Ok(Self { clock, site, trust })
    }

    /// Begins: what to show to the person. `provider` is the one to ask, where
    /// there are several.
    ///
    /// # Errors
    ///
    /// [`LoginError`], except `Denied` and `Late`.
    pub async fn begin(&self, provider: Option<&str>) -> Result<DeviceAnswer, LoginError> {
        let form = provider.map_or_else(Form::new, |name| Form::new().with("provider", name));
        let answer = self.post("/.portreeve/device", &form, None).await?;
        if answer.status != StatusCode::OK {
            return Err(refused(&answer));
        }
        // A provider to develop with may be on this machine, as an edge may.
        let places = Issuer::parse(self.site.as_str(), Places::InsecureLoopback);
        let places = places.map_err(|cause| LoginError::BadPlaces { cause })?;
        DeviceAnswer::parse(&answer.body, &places).map_err(|cause| LoginError::BadAnswer { cause })
    }

    /// Waits until the person has let the program in that `begun` was told to.
    /// An edge that is away for a moment is asked again, more seldom.
    ///
    /// # Errors
    ///
    /// [`LoginError::Denied`], [`LoginError::Late`], [`LoginError::BadToken`] and
    /// [`LoginError::BadTokenAnswer`].
    ///
    /// # Cancellation
    ///
    /// Dropping the future forgets it; a token that was on its way is lost, and
    /// its session ends when it was not used for as long as the edge allows.
    pub async fn wait(&self, begun: &DeviceAnswer) -> Result<LetIn, LoginError> {
        let form = Form::new()
            .with("grant_type", "urn:ietf:params:oauth:grant-type:device_code")
            .with("device_code", &begun.device_code);
        let late = Instant::now() + begun.expires_in;
        let mut interval = begun.interval;
        while Instant::now() + interval < late {
            sleep(interval).await;
            let answer = match self.post("/.portreeve/device/token", &form, None).await {
                Ok(answer) => answer,
                Err(LoginError::Https { cause }) => {
                    let error: &dyn std::error::Error = &cause;
                    tracing::debug!(error, "the edge does not answer");
                    interval = longer(interval);
                    continue;
                }
                Err(error) => return Err(error),
            };
            if answer.status == StatusCode::OK {
                return self.let_in(&answer);
            }
            let refusal = Refusal::read(answer.status.as_u16(), &answer.body);
            match &*refusal.code {
                "authorization_pending" => {}
                "access_denied" => {
                    let said = said(&answer);
                    return Err(LoginError::Denied { said });
                }
                "expired_token" => return Err(LoginError::Late),
                _ if refusal.may_pass() => interval = longer(interval),
                _ => return Err(refused(&answer)),
            }
        }
        Err(LoginError::Late)
    }

    fn let_in(&self, answer: &Answer) -> Result<LetIn, LoginError> {
        let bad = |cause| LoginError::BadTokenAnswer { cause };
        let tokens = TokenAnswer::parse(&answer.body).map_err(bad)?;
        let member = "expires_in";
        let expires_in = tokens
            .expires_in
            .ok_or_else(|| bad(TokenAnswerError::Malformed { member }))?;
        let expires = self.clock.now().checked_add(expires_in);
        let beyond = KeptError::BeyondCalendar;
        let kept = expires
            .ok_or(beyond)
            .and_then(|expires| Kept::new(self.site.clone(), tokens.access_token, expires));
        Ok(LetIn {
            kept: kept.map_err(|cause| LoginError::BadToken { cause })?,
            user: member_of(answer, "user"),
        })
    }

    /// Ends the session that `kept` stands for. False if it was over already.
    ///
    /// # Errors
    ///
    /// [`LoginError::Https`] and [`LoginError::Refused`]: it goes on.
    pub async fn leave(&self, kept: &Kept) -> Result<bool, LoginError> {
        let path = "/.portreeve/sign-out";
        let answer = self.post(path, &Form::new(), Some(kept.token())).await?;
        match answer.status {
            StatusCode::OK => Ok(true),
            StatusCode::UNAUTHORIZED => Ok(false),
            _ => Err(refused(&answer)),
        }
    }

    async fn post(
        &self,
        path: &str,
        form: &Form,
        token: Option<&str>,
    ) -> Result<Answer, LoginError> {
        let url = self.site.place(path);
        let url = url.map_err(|cause| LoginError::BadSite { cause })?;
        // A `Kept` holds nothing that no field could hold.
        let credentials = token.and_then(|token| Credentials::bearer(token).ok());
        let request = Request {
            credentials: credentials.as_ref(),
            post: Some(Post::Form(form)),
            trust: &self.trust,
            url: &url,
        };
        Ok(Client::default().answer(request).await?)
    }
}

fn refused(answer: &Answer) -> LoginError {
    LoginError::Refused {
        said: said(answer),
        status: answer.status.as_u16(),
    }
}

/// What the edge says of why not.
fn said(answer: &Answer) -> String {
    let said = member_of(answer, "error_description");
    if said.is_empty() {
        return "is it an edge of portreeve's, with this host among its routes?".to_owned();
    }
    said
}

/// A text of the answer that can be shown on a terminal; empty if there is none.
fn member_of(answer: &Answer, member: &str) -> String {
    let members = parse_object(&answer.body).unwrap_or_default();
    let text = members.get(member).and_then(|value| value.as_str());
    let text = text.unwrap_or_default().chars().take(MOST_SAID);
    text.collect::<String>().escape_debug().to_string()
}

/// RFC 8628, 3.5.
fn longer(interval: Duration) -> Duration {
    (interval + Duration::from_secs(5)).min(LONGEST)
}

const LONGEST: Duration = Duration::from_secs(60);

/// A few lines.
const MOST_SAID: usize = 500;
