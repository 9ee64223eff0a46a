//! The end of a session, by whoever is in it.

use std::sync::Arc;

use http::HeaderName;
use http::HeaderValue;
use http::StatusCode;

use crate::proxy::edge::browser::Reader;
use crate::proxy::edge::errand::Asked;
use crate::proxy::edge::html;
use crate::proxy::edge::html::Shown;
use crate::proxy::edge::office::OfficeDesk;
use crate::proxy::edge::office::device::JSON;
use crate::proxy::edge::office::form::Form;
use crate::proxy::edge::office::sorry;
use crate::proxy::edge::office::unkept;
use crate::proxy::edge::page::Page;
use crate::proxy::edge::passage::PLACE;
use crate::proxy::edge::say::forgetting;
use crate::session::Session;
use crate::session::Tokens;
use crate::session::Why;

impl OfficeDesk {
    /// A page with the button: a link alone must not sign anybody out.
    pub(super) fn may_sign_out(&self, asked: &Asked) -> Page {
        if asked.session.is_none() {
            return signed_out(None);
        }
        let body = format!(
            "<p>All pages of this host that are open will stop working until you sign in again.</p>\n<form method=\"post\" action=\"{PLACE}/sign-out\"><button>Sign out</button></form>\n"
        );
        Page::done(StatusCode::OK, None).html(html::page("Sign out?", &body))
    }

    /// Signs out, here and at the provider, if that can be told.
    pub(super) async fn sign_out(&self, asked: Asked) -> Page {
        if asked.from.is_foreign {
            return foreign();
        }
        // They are gone with the session, which ends first: the provider may be slow to answer.
        let tokens = self.tokens(&asked).await;
        if let Err(page) = self.end(&asked, Why::SignedOut).await {
            return page;
        }
        let is_program = |session: &Arc<Session>| session.program().is_some();
        let page = if asked.session.as_ref().is_some_and(is_program) {
            // The provider's own session is the person's, with a browser of theirs.
            Page::done(StatusCode::OK, Some("signed_out")).of(JSON, r#"{"signed_out":true}"#)
        } else {
            forgetting(signed_out(self.beyond(&asked, &tokens).await))
        };
        match &asked.session {
            Some(session) => page.by(self.origin(session, &asked.from)),
            None => page,
        }
    }

    async fn tokens(&self, asked: &Asked) -> Tokens {
        let Some(session) = &asked.session else {
            return Tokens::default();
        };
        let tokens = self.sessions.tokens(&session.digest()).await;
        tokens.unwrap_or_else(|error| {
            self.complain(&error);
            Tokens::default()
        })
    }

    /// Where the provider ends its own session with somebody who leaves.
    async fn beyond(&self, asked: &Asked, tokens: &Tokens) -> Option<String> {
        let session = asked.session.as_ref()?;
        let provider = self.providers.get(&session.person().provider)?;
        let back = format!("https://{}{PLACE}/sign-out", asked.from.authority);
        let hint = tokens.id_token.as_ref().map(|token| token.as_str());
        let place = provider.end_session_url(hint, &back, None).await;
        place.unwrap_or_else(|error| {
            let (name, error): (_, &dyn std::error::Error) = (provider.name(), &error);
            tracing::warn!(error, provider = %name, "a provider is not told that somebody left");
            None
        })
    }

    /// Ends another session of the same person.
    pub(super) async fn end_another(&self, asked: Asked) -> Page {
        if asked.from.is_foreign {
            return foreign();
        }
        let form = Form::posted(&asked);
        let handle = form.as_ref().and_then(|form| form.get("session"));
        let (Some(session), Some(handle)) = (&asked.session, handle) else {
            return sorry(
                StatusCode::BAD_REQUEST,
                "no_session",
                "It is not said which session is to end.",
            );
        };
        let mut all = self.sessions_of(session.person());
        let other = all.find(|other| other.digest().handle().as_str() == handle);
        if let Some(other) = other
            && let Err(error) = self.sessions.end(&other.digest(), Why::SignedOut).await
        {
            self.complain(&error);
            return unkept();
        }
        Page::done(StatusCode::SEE_OTHER, Some("session_ended"))
            .leading_to(&format!("{PLACE}/"))
            .by(self.origin(session, &asked.from))
    }
}

/// What is left to say. `beyond` is where the provider is told.
fn signed_out(beyond: Option<String>) -> Page {
    let mut body = String::from("<p>Your session here is over.</p>\n");
    if let Some(place) = &beyond {
        body.push_str(&format!(
            "<p>Next, whoever signed you in is told. If nothing happens, <a href=\"{}\">go on here</a>.</p>\n",
            Shown(place)
        ));
    }
    body.push_str("<p><a class=\"button\" href=\"/\">Sign in again</a></p>\n");
    let page = Page::done(StatusCode::OK, Some("signed_out"))
        .html(html::page("You are signed out", &body));
    let onward = beyond.and_then(|place| HeaderValue::try_from(format!("0; url={place}")).ok());
    match onward {
        // Not a redirect: our pages' forms lead nowhere else, by their policy.
        Some(onward) => page.with(HeaderName::from_static("refresh"), onward),
        None => page,
    }
}

fn foreign() -> Page {
    sorry(
        StatusCode::FORBIDDEN,
        "cross_origin",
        "Another site asked for this in your name. Nothing was done.",
    )
}

/// Whether somebody looks at the answer.
pub(super) fn is_seen(asked: &Asked) -> bool {
    asked.reader == Reader::Page
}
