//! The end of a sign-in: somebody comes back from the provider.
//!
//! Only the browser that began can end it, on the host that it began on, once,
//! and with whom it began with. All of that is looked at before the provider is
//! asked anything.

use std::time::Duration;
use std::time::SystemTime;

use http::StatusCode;

use crate::oidc::Provider;
use crate::oidc::Return;
use crate::oidc::SignInError;
use crate::oidc::SignedIn;
use crate::policy::ProviderName;
use crate::proxy::edge::cookies::LOGIN;
use crate::proxy::edge::cookies::SESSION;
use crate::proxy::edge::errand::Asked;
use crate::proxy::edge::office::OfficeDesk;
use crate::proxy::edge::office::begin::redirect_uri;
use crate::proxy::edge::office::flow;
use crate::proxy::edge::office::flow::Flow;
use crate::proxy::edge::office::form::Form;
use crate::proxy::edge::office::return_to;
use crate::proxy::edge::office::signed;
use crate::proxy::edge::office::sorry;
use crate::proxy::edge::office::unkept;
use crate::proxy::edge::page::Page;
use crate::session::CreateError;
use crate::session::Why;

impl OfficeDesk {
    /// Somebody comes back from the provider called `name`.
    pub(super) async fn callback(&self, name: &str, asked: Asked) -> Page {
        let now = self.now();
        let provider = name.parse::<ProviderName>().ok();
        let Some(provider) = provider.and_then(|name| self.providers.get(&name)) else {
            return lost("no_such_provider");
        };
        let Some(form) = Form::parse(asked.target.query().unwrap_or_default()) else {
            return lost("bad_query");
        };
        let Some(number) = form.get("state") else {
            return lost("no_state");
        };
        let key = self.sessions.key();
        let Some(flow) = Flow::from_cookies(&asked.from.logins, number, (key, now)) else {
            return lost("unknown_state");
        };
        let is_here = flow.authority == asked.from.authority.as_str();
        if flow.provider != provider.name().as_str() || !is_here {
            return lost("other_sign_in");
        }
        let until = SystemTime::UNIX_EPOCH + Duration::from_secs(flow.expires);
        match self.sessions.spend("sign_in", number, until).await {
            Ok(true) => {}
            Ok(false) => return lost("state_used"),
            Err(error) => {
                self.complain(&error.into());
                return unkept();
            }
        }
        let page = self.finish(provider, &flow, &form, &asked).await;
        let result = page.note.reason.unwrap_or_default();
        self.metrics.signed_in(provider.name().as_str(), result);
        page.setting(&flow::forgotten(&format!("{LOGIN}{number}")))
    }

    async fn finish(&self, provider: &Provider, flow: &Flow, form: &Form, asked: &Asked) -> Page {
        if let Some(error) = form.get("error") {
            return refused(
                provider,
                &provider.turned_away(form.get("iss"), error).await,
            );
        }
        let Some(code) = form.get("code") else {
            return lost("no_code");
        };
        let (Ok(nonce), Ok(verifier)) = (flow.nonce.parse(), flow.verifier.parse()) else {
            return lost("unknown_state");
        };
        let back = Return {
            code,
            iss: form.get("iss"),
            max_age: flow.is_step_up.then_some(Duration::ZERO),
            nonce: &nonce,
            redirect_uri: &redirect_uri(provider, &flow.authority),
            verifier: &verifier,
        };
        match provider.exchange(&back).await {
            Ok(signed_in) => self.admit(signed_in, flow, asked).await,
            Err(error) => refused(provider, &error),
        }
    }

    /// Begins a session of whoever signed in.
    async fn admit(&self, signed_in: SignedIn, flow: &Flow, asked: &Asked) -> Page {
        let signed = signed(signed_in, asked.from.authority.host());
        let before = asked.session.as_ref().map(|session| session.digest());
        let id = match self.sessions.create(signed, before).await {
            Ok(id) => id,
            Err(CreateError::Store { cause }) => {
                self.complain(&cause);
                return unkept();
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "somebody who signed in gets no session");
                return unkept();
            }
        };
        let place = return_to::checked(&flow.return_to);
        let page = Page::done(StatusCode::SEE_OTHER, Some("signed_in")).leading_to(place.as_str());
        let page = match self.sessions.board().find(&id.digest()) {
            Some(session) => page.by(self.origin(&session, &asked.from)),
            None => page,
        };
        let cookie = id.cookie();
        page.setting(&format!(
            "{SESSION}={}; Path=/; Secure; HttpOnly; SameSite=Lax",
            *cookie
        ))
    }

    /// Ends a session by its own browser's wish.
    pub(super) async fn end(&self, asked: &Asked, why: Why) -> Result<(), Page> {
        let Some(session) = &asked.session else {
            return Ok(());
        };
        match self.sessions.end(&session.digest(), why).await {
            Ok(_was_live) => Ok(()),
            Err(error) => {
                self.complain(&error);
                Err(unkept())
            }
        }
    }
}

/// Whoever comes like this has not come from where they should.
fn lost(reason: &'static str) -> Page {
    sorry(
        StatusCode::BAD_REQUEST,
        reason,
        "This sign-in is not known here, or is over. Please begin again.",
    )
}

/// Nothing of what the provider said: that is for the log.
pub(super) fn refused(provider: &Provider, error: &SignInError) -> Page {
    let (name, reason, cause) = (provider.name(), error.reason(), error);
    let error: &dyn std::error::Error = error;
    if cause.is_our_mistake() {
        tracing::error!(error, provider = %name, reason, "nobody can sign in as we are configured");
        return sorry(
            StatusCode::INTERNAL_SERVER_ERROR,
            "sign_in_misconfigured",
            "Signing in is not set up here as it should be. Please tell whoever runs this place.",
        );
    }
    if matches!(cause, SignInError::Refused { .. }) {
        tracing::info!(error, provider = %name, reason, "a provider did not sign somebody in");
        return sorry(
            StatusCode::FORBIDDEN,
            "provider_refused",
            "Whoever signs people in did not sign you in.",
        );
    }
    tracing::warn!(error, provider = %name, reason, "a sign-in came to nothing");
    let (status, words) = if cause.may_pass() {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "Whoever signs people in here does not answer. Please try again in a moment.",
        )
    } else {
        (
            StatusCode::FORBIDDEN,
            "What was said of you could not be believed. Please begin again, or tell whoever runs this place.",
        )
    };
    sorry(status, reason, words)
}
