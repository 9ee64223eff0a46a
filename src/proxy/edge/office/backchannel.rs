//! The end of sessions by the provider's word: behind people's backs (OpenID
//! Connect Back-Channel Logout 1.0), or through their browser (Front-Channel
//! Logout 1.0).

use http::HeaderName;
use http::HeaderValue;
use http::StatusCode;
use http::header;

use crate::oidc::Provider;
use crate::policy::ProviderName;
use crate::proxy::edge::errand::Asked;
use crate::proxy::edge::office::OfficeDesk;
use crate::proxy::edge::office::form::Form;
use crate::proxy::edge::page::Page;
use crate::session::KeepError;
use crate::session::Whose;
use crate::session::Why;

impl OfficeDesk {
    /// A provider posts a logout token.
    pub(super) async fn backchannel(&self, name: &str, asked: Asked) -> Page {
        let Some(provider) = self.provider(name) else {
            return bad("no_such_provider");
        };
        let form = Form::posted(&asked);
        let Some(token) = form.as_ref().and_then(|form| form.get("logout_token")) else {
            return bad("no_logout_token");
        };
        let told = match provider.logout_token(token).await {
            Ok(told) => told,
            Err(error) => {
                let (name, reason) = (provider.name(), error.reason());
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, provider = %name, reason, "a logout token is not believed");
                return bad(reason);
            }
        };
        match self
            .sessions
            .spend("logout_token", &format!("{name} {}", told.jti), told.until)
            .await
        {
            Ok(true) => {}
            Ok(false) => return bad("logout_token_used"),
            Err(error) => return self.unended(&error.into()),
        }
        let name = provider.name();
        let whose = match (&told.sid, &told.subject) {
            (Some(sid), subject) => Whose::ProviderSession(name, sid, subject.as_ref()),
            (None, Some(subject)) => Whose::Person(name, subject),
            // Nothing that is believed.
            (None, None) => return bad("logout_token_names_nobody"),
        };
        match self.sessions.end_of(whose, Why::ProviderLogout).await {
            Ok(ended) => {
                tracing::info!(provider = %name, sessions = ended.len(), "a provider signed somebody out");
                Page::done(StatusCode::OK, Some("provider_logout"))
            }
            Err(error) => self.unended(&error),
        }
    }

    /// A provider's page shows ours in a frame: without our cookie, so that only
    /// what the address says counts.
    pub(super) async fn frontchannel(&self, name: &str, asked: Asked) -> Page {
        let Some(provider) = self.provider(name) else {
            return bad("no_such_provider");
        };
        let form = Form::parse(asked.target.query().unwrap_or_default());
        let (iss, sid) = form
            .as_ref()
            .map_or((None, None), |form| (form.get("iss"), form.get("sid")));
        let sid = match provider.front_channel(iss, sid) {
            Ok(sid) => sid.to_owned(),
            Err(fault) => return bad(fault.reason()),
        };
        let whose = Whose::ProviderSession(provider.name(), &sid, None);
        match self.sessions.end_of(whose, Why::ProviderLogout).await {
            Ok(_ended) => Page::done(StatusCode::OK, Some("provider_logout"))
                .of("text/plain; charset=utf-8", "Signed out.\n")
                .with(
                    header::CONTENT_SECURITY_POLICY,
                    HeaderValue::from_static("default-src 'none'"),
                ),
            Err(error) => self.unended(&error),
        }
    }

    fn provider(&self, name: &str) -> Option<&Provider> {
        self.providers.get(&name.parse::<ProviderName>().ok()?)
    }

    /// The provider may try again.
    fn unended(&self, error: &KeepError) -> Page {
        self.complain(error);
        Page::refused(StatusCode::SERVICE_UNAVAILABLE, "sessions_unavailable").with(
            HeaderName::from_static("retry-after"),
            HeaderValue::from_static("1"),
        )
    }
}

/// Back-Channel Logout 1.0, 2.8.
fn bad(reason: &'static str) -> Page {
    let body = format!("{{\"error\":\"invalid_request\",\"error_description\":\"{reason}\"}}");
    Page::refused(StatusCode::BAD_REQUEST, reason).of("application/json", body)
}
