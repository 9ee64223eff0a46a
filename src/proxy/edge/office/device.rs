//! A program asks to be let in by its person (RFC 8628).
//!
//! We ask the provider as its client; what the program gets is a code of ours,
//! and in the end a session of ours. Codes lie in the store: the next question
//! may come to another sidecar. No browser is answered: a page that could begin
//! this in somebody's name, or read its end, would be let in as they are.

use std::time::Duration;

use http::HeaderValue;
use http::StatusCode;
use http::header;
use serde_json::json;

use crate::oidc::DeviceAnswer;
use crate::oidc::DeviceLogin;
use crate::oidc::Provider;
use crate::oidc::ProviderError;
use crate::oidc::SignInError;
use crate::policy::ProviderName;
use crate::proxy::edge::errand::Asked;
use crate::proxy::edge::office::OfficeDesk;
use crate::proxy::edge::office::form::Form;
use crate::proxy::edge::page::Page;
use crate::session::Program;
use crate::session::ProvidersCode;
use crate::session::WaitError;
use crate::session::Waiting;

impl OfficeDesk {
    /// A program asks to wait for its person, and may say whom to ask.
    pub(super) async fn begin_device(&self, asked: Asked) -> Page {
        let (program, form) = match read(&asked) {
            Ok(read) => read,
            Err(page) => return *page,
        };
        let provider = match self.chosen(form.get("provider")) {
            Ok(provider) => provider,
            Err(page) => return *page,
        };
        let code = match self.sessions.take_place(program.source()).await {
            Ok(code) => code,
            Err(WaitError::Full) => return too_many(),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "a program cannot wait for its person");
                return unkept();
            }
        };
        let page = match provider.device_authorization().await {
            Ok(answer) => {
                let waiting = Waiting {
                    code: ProvidersCode::new(&answer.device_code),
                    host: asked.from.authority.host().to_owned(),
                    program: program.clone(),
                    provider: provider.name().to_string(),
                };
                self.let_wait(&code, &waiting, answer).await
            }
            Err(error) => Err(not_begun(provider, &error)),
        };
        match page {
            Ok(page) => page,
            Err(page) => {
                // There is nothing to wait for: whoever comes next may have the place.
                if let Err(error) = self.sessions.end_wait(&code).await {
                    self.complain(&error);
                }
                page
            }
        }
    }

    async fn let_wait(
        &self,
        code: &str,
        waiting: &Waiting,
        answer: DeviceAnswer,
    ) -> Result<Page, Page> {
        let expires_in = answer.expires_in.min(Waiting::LONGEST);
        let until = self.now() + expires_in;
        let kept = self
            .sessions
            .let_wait(code, waiting, (answer.interval, until));
        if let Err(error) = kept.await {
            self.complain(&error);
            return Err(unkept());
        }
        let mut told = json!({
            "device_code": code,
            "user_code": answer.user_code,
            "verification_uri": answer.verification_uri,
            "expires_in": expires_in.as_secs(),
            "interval": (answer.interval + LEEWAY).as_secs(),
        });
        if let (Some(place), Some(told)) = (answer.verification_uri_complete, told.as_object_mut())
        {
            told.insert("verification_uri_complete".to_owned(), place.into());
        }
        Ok(Page::done(StatusCode::OK, Some("device_begun")).of(JSON, told.to_string()))
    }

    /// Whom to ask: the one that is named, or the only one that lets programs in.
    fn chosen(&self, name: Option<&str>) -> Result<&Provider, Box<Page>> {
        let mut all = self.providers.values().filter(|one| lets_programs_in(one));
        let names = || {
            let all = self.providers.values().filter(|one| lets_programs_in(one));
            let names: Vec<&str> = all.map(|one| one.name().as_str()).collect();
            names.join(", ")
        };
        let found = match (name, all.next(), all.next()) {
            (_, None, _) => {
                let page = no("no_device_login", "unauthorized_client", NO_PROGRAMS);
                return Err(Box::new(page));
            }
            (None, Some(only), None) => Some(only),
            (None, Some(_), Some(_)) => None,
            (Some(name), _, _) => {
                let name = name.parse::<ProviderName>().ok();
                let found = name.and_then(|name| self.providers.get(&name));
                found.filter(|one| lets_programs_in(one))
            }
        };
        found.ok_or_else(|| {
            let words = format!("say who is to be asked, as `provider`: one of {}", names());
            Box::new(no("no_such_provider", "invalid_request", &words))
        })
    }
}

/// Whether people may let programs in by `provider`.
pub(super) fn lets_programs_in(provider: &Provider) -> bool {
    provider.settings().device_login == DeviceLogin::Allow
}

/// What a program posts, unless it is a browser's.
pub(super) fn read(asked: &Asked) -> Result<(&Program, Form), Box<Page>> {
    let program = asked.program.as_ref();
    let program = program.ok_or_else(|| Box::new(no_page()))?;
    let form = if asked.body.is_empty() {
        Some(Form::default())
    } else {
        Form::posted(asked)
    };
    let form = form.ok_or_else(|| {
        Box::new(no(
            "bad_form",
            "invalid_request",
            "post a form, `application/x-www-form-urlencoded`, with each name once",
        ))
    })?;
    Ok((program, form))
}

/// Why `provider` does not begin it.
fn not_begun(provider: &Provider, error: &SignInError) -> Page {
    let (name, reason) = (provider.name(), error.reason());
    let cause: &dyn std::error::Error = error;
    tracing::warn!(error = cause, provider = %name, reason, "a program cannot be let in");
    match error {
        SignInError::Provider {
            cause: ProviderError::NoEndpoint { endpoint },
        } => no(
            "no_device_endpoint",
            "unauthorized_client",
            &format!("`{name}` lets no programs in: it has no `{endpoint}`"),
        ),
        SignInError::Misconfigured { cause } | SignInError::Refused { cause } => no(
            "provider_refused",
            "unauthorized_client",
            &format!(
                "`{name}` says no (`{}`): is the client there allowed the device grant?",
                cause.code
            ),
        ),
        _ => away(),
    }
}

/// A no in JSON (RFC 6749 5.2): `reason` is ours, `error` is the program's.
pub(super) fn no(reason: &'static str, error: &str, words: &str) -> Page {
    let status = match reason {
        "cross_origin" => StatusCode::FORBIDDEN,
        "too_many_devices" => StatusCode::TOO_MANY_REQUESTS,
        "provider_unavailable" | "sessions_unavailable" => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_REQUEST,
    };
    let text = json!({ "error": error, "error_description": words });
    Page::refused(status, reason).of(JSON, text.to_string())
}

fn no_page() -> Page {
    no(
        "cross_origin",
        "invalid_request",
        "this place is for programs: no browser is answered",
    )
}

fn too_many() -> Page {
    no(
        "too_many_devices",
        "temporarily_unavailable",
        "too many programs wait for their persons already: try again in some minutes",
    )
    .with(header::RETRY_AFTER, HeaderValue::from_static("60"))
}

/// The provider does not answer.
pub(super) fn away() -> Page {
    no(
        "provider_unavailable",
        "temporarily_unavailable",
        "whoever signs people in here does not answer: try again in a moment",
    )
}

/// The store does not answer.
pub(super) fn unkept() -> Page {
    no(
        "sessions_unavailable",
        "temporarily_unavailable",
        "nobody can be signed in just now: try again in a moment",
    )
}

const NO_PROGRAMS: &str =
    "no programs are let in here: no provider has `device_login: true` in the edge's configuration";

pub(super) const JSON: &str = "application/json";

/// A question that was quick on its way is not one that comes too soon.
const LEEWAY: Duration = Duration::from_secs(1);
