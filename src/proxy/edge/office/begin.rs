//! The beginning of a sign-in: off to the provider, with a cookie to come back by.

use http::StatusCode;
use http::uri::PathAndQuery;

use crate::oidc::Departure;
use crate::oidc::Nonce;
use crate::oidc::Prompt;
use crate::oidc::Provider;
use crate::oidc::Verifier;
use crate::proxy::edge::errand::Asked;
use crate::proxy::edge::errand::From;
use crate::proxy::edge::errand::SignIn;
use crate::proxy::edge::html;
use crate::proxy::edge::html::Shown;
use crate::proxy::edge::office::OfficeDesk;
use crate::proxy::edge::office::callback::refused;
use crate::proxy::edge::office::flow;
use crate::proxy::edge::office::flow::Flow;
use crate::proxy::edge::office::form::Form;
use crate::proxy::edge::office::form::encoded;
use crate::proxy::edge::office::return_to;
use crate::proxy::edge::office::sorry;
use crate::proxy::edge::page::Page;
use crate::proxy::edge::passage::PLACE;

impl OfficeDesk {
    /// Somebody asks to sign in, and may say with whom and where to go then.
    pub(super) async fn begin(&self, asked: Asked) -> Page {
        let Some(form) = Form::parse(asked.target.query().unwrap_or_default()) else {
            return sorry(
                StatusCode::BAD_REQUEST,
                "bad_query",
                "The address has a part that cannot be read.",
            );
        };
        let provider = form.get("provider").map(str::parse).transpose();
        let Ok(provider) = provider else {
            return no_such_provider();
        };
        let return_to = form.get("return").map(return_to::checked);
        let wanted = SignIn {
            from: asked.from,
            is_step_up: form.get("again").is_some(),
            provider,
            return_to: return_to.unwrap_or_else(|| PathAndQuery::from_static("/")),
        };
        self.sign_in(wanted).await
    }

    /// Sends somebody to sign in.
    pub(super) async fn sign_in(&self, wanted: SignIn) -> Page {
        let mut all = self.providers.values();
        let provider = match (&wanted.provider, all.next(), all.next()) {
            (Some(name), _, _) => self.providers.get(name),
            (None, Some(only), None) => Some(only),
            (None, _, _) => return self.choice(&wanted),
        };
        let Some(provider) = provider else {
            return no_such_provider();
        };
        let Some((flow, number)) = self.flow(provider, &wanted) else {
            return unmade();
        };
        self.depart(provider, &flow, &number, &wanted.from).await
    }

    fn flow(&self, provider: &Provider, wanted: &SignIn) -> Option<(Flow, String)> {
        let now = self.now();
        let flow = Flow {
            authority: wanted.from.authority.to_string(),
            expires: Flow::expiry(now),
            is_step_up: wanted.is_step_up,
            nonce: Nonce::generate().ok()?.as_str().to_owned(),
            provider: provider.name().to_string(),
            return_to: return_to::checked(wanted.return_to.as_str()).to_string(),
            verifier: Verifier::generate().ok()?.as_str().to_owned(),
        };
        Some((flow, flow::number(now)?))
    }

    async fn depart(&self, provider: &Provider, flow: &Flow, number: &str, from: &From) -> Page {
        let (Ok(nonce), Ok(verifier)) = (flow.nonce.parse(), flow.verifier.parse()) else {
            return unmade();
        };
        let departure = Departure {
            max_age: flow.is_step_up.then_some(std::time::Duration::ZERO),
            nonce: &nonce,
            prompt: flow.is_step_up.then_some(Prompt::Login),
            redirect_uri: &redirect_uri(provider, &flow.authority),
            state: number,
            verifier: &verifier,
        };
        let place = match provider.authorization_url(&departure).await {
            Ok(place) => place,
            Err(error) if error.is_our_mistake() => return refused(provider, &error.into()),
            Err(error) => {
                let (name, error): (_, &dyn std::error::Error) = (provider.name(), &error);
                tracing::warn!(error, provider = %name, "nobody can be sent to a provider");
                return sorry(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "provider_unavailable",
                    "Whoever signs people in here does not answer. Please try again in a moment.",
                );
            }
        };
        let Some(cookie) = flow.to_cookie(number, self.sessions.key()) else {
            return unmade();
        };
        let page = Page::done(StatusCode::SEE_OTHER, Some("sign_in_begun")).leading_to(&place);
        let gone = flow::too_many(&from.logins);
        let page = gone
            .iter()
            .fold(page, |page, old| page.setting(&flow::forgotten(old)));
        page.setting(&cookie)
    }

    /// A page on which to choose who signs one in.
    fn choice(&self, wanted: &SignIn) -> Page {
        let return_to = encoded(wanted.return_to.as_str());
        let again = if wanted.is_step_up { "&again=1" } else { "" };
        let items = self.providers.keys().map(|name| {
            let href = format!("{PLACE}/sign-in?provider={name}&return={return_to}{again}");
            format!(
                "<li><a class=\"button\" href=\"{}\">{}</a></li>\n",
                Shown(&href),
                Shown(name.as_str())
            )
        });
        let items: String = items.collect();
        let body = format!("<p>Who knows you?</p>\n<ul>\n{items}</ul>\n");
        Page::done(StatusCode::OK, Some("sign_in_offered")).html(html::page("Sign in", &body))
    }
}

/// Where `provider` sends people back to.
pub(super) fn redirect_uri(provider: &Provider, authority: &str) -> String {
    format!("https://{authority}{PLACE}/callback/{}", provider.name())
}

fn no_such_provider() -> Page {
    sorry(
        StatusCode::NOT_FOUND,
        "no_such_provider",
        "Nobody of that name signs people in here.",
    )
}

/// The system gave no random numbers.
fn unmade() -> Page {
    sorry(
        StatusCode::INTERNAL_SERVER_ERROR,
        "sign_in_not_begun",
        "Signing in could not begin.",
    )
}
