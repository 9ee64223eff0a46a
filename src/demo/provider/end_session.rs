//! The end of sessions: by an application's wish (RP-Initiated Logout 1.0), or
//! from the provider's own page. Applications are told (Back-Channel Logout 1.0).

use http::Method;
use http::Request;
use http::StatusCode;
use http::header;
use serde_json::Value;
use serde_json::json;

use crate::demo::provider::grant;
use crate::demo::provider::html;
use crate::demo::provider::html::Page;
use crate::demo::provider::place::Asked;
use crate::demo::provider::place::Place;
use crate::demo::provider::shelf::random;
use crate::demo::provider::wish::with_query;
use crate::time::seconds;

impl Place {
    /// Somebody wants to leave, and may have been sent by an application.
    pub(super) async fn end_session(&self, asked: &Asked) -> Page {
        let Some(wish) = &asked.wish else {
            return html::mistake(StatusCode::BAD_REQUEST, "A name comes twice.");
        };
        let hint = wish.get("id_token_hint");
        let hint = hint.and_then(|token| grant::read_own(token, self.key()));
        let hinted = hint.as_ref().and_then(|claims| claims.get("sid")?.as_str());
        let own = self.signed_in(asked).map(|signed_in| signed_in.sid);
        let has_said_so = asked.method == Method::POST && self.is_ours(asked);
        let Some(sid) = hinted.or(own.as_deref()).map(str::to_owned) else {
            return self.gone(wish.get("post_logout_redirect_uri"), wish.get("state"));
        };
        // A link alone must not sign anybody out.
        if hinted.is_none() && !has_said_so {
            let body = format!(
                "<form method=\"post\" action=\"/end-session\">\n{}<button>Sign out</button>\n</form>\n",
                html::hidden(wish)
            );
            return html::page(StatusCode::OK, "Sign out?", &body);
        }
        self.state().end(|signed_in| signed_in.sid == sid);
        self.tell(&json!({ "sid": sid })).await;
        self.gone(wish.get("post_logout_redirect_uri"), wish.get("state"))
    }

    /// Somebody at our own page ends all that `subject` has.
    pub(super) async fn sign_out(&self, subject: &str, asked: &Asked) -> Page {
        if !self.is_ours(asked) {
            return html::mistake(StatusCode::FORBIDDEN, "Another site asked for this.");
        }
        self.state().end(|signed_in| signed_in.subject == subject);
        self.tell(&json!({ "sub": subject })).await;
        html::redirect("/")
    }

    /// Back to where the application said beforehand, or nowhere.
    fn gone(&self, place: Option<&str>, state: Option<&str>) -> Page {
        let client = self.state().client.clone();
        let registered = client.map(|client| client.post_logout_redirect_uri);
        match place.filter(|place| registered.as_deref() == Some(place)) {
            Some(place) => {
                let state = state.map(|state| ("state", state));
                match state {
                    Some(state) => html::redirect(&with_query(place, &[state])),
                    None => html::redirect(place),
                }
            }
            None => html::page(
                StatusCode::OK,
                "Signed out",
                "<p>You are signed out here.</p>\n<p><a href=\"/\">Who is who here</a></p>\n",
            ),
        }
    }

    /// Tells the application that what `whom` names has ended.
    async fn tell(&self, whom: &Value) {
        let Some(client) = self.state().client.clone() else {
            return;
        };
        let now = seconds(self.now());
        let Ok(jti) = random() else { return };
        let mut claims = json!({
            "iss": self.issuer(),
            "aud": client.id,
            "iat": now,
            "exp": now + 120,
            "jti": jti,
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
        });
        if let (Some(claims), Some(whom)) = (claims.as_object_mut(), whom.as_object()) {
            claims.extend(whom.clone());
        }
        let Ok(token) = self.key().sign_body(&claims) else {
            return;
        };
        let form = with_query("", &[("logout_token", &token)]);
        let request = Request::post(client.backchannel_logout_uri.as_str())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.trim_start_matches('?').to_owned());
        let Ok(request) = request else { return };
        match self.web().ask(request).await {
            Ok(reply) if reply.status.is_success() => {}
            Ok(reply) => {
                tracing::warn!(status = %reply.status, said = reply.body, "the application takes no logout token");
            }
            Err(error) => tracing::warn!(%error, "the application cannot be told of a logout"),
        }
    }
}
