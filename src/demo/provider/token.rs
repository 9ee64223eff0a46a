//! The token endpoint: a code, or a refresh token, becomes tokens (RFC 6749 3.2).

use std::io;

use http::StatusCode;
use http::header;
use serde_json::json;

use crate::demo::provider::authorize::SESSION;
use crate::demo::provider::client::Client;
use crate::demo::provider::device::Waiting;
use crate::demo::provider::grant;
use crate::demo::provider::html;
use crate::demo::provider::html::Page;
use crate::demo::provider::place::Asked;
use crate::demo::provider::place::DEVICE_GRANT;
use crate::demo::provider::place::Place;
use crate::demo::provider::state::Grant;
use crate::demo::provider::state::Refresh;
use crate::demo::provider::wish::Wish;
use crate::time::seconds;

impl Place {
    pub(super) fn token(&self, asked: &Asked) -> Page {
        let (form, client) = match self.believed(asked) {
            Ok(believed) => believed,
            Err(refused) => return *refused,
        };
        let granted = match form.get("grant_type") {
            Some("authorization_code") => self.state().spend_code(form, self.now()),
            Some("refresh_token") => self.state().spend_refresh(form, self.now()),
            Some(DEVICE_GRANT) => match self.ask_again(form) {
                Waiting::LetIn(granted) => Some(granted),
                Waiting::Not(error) => return no(StatusCode::BAD_REQUEST, error),
            },
            Some(_) => return no(StatusCode::BAD_REQUEST, "unsupported_grant_type"),
            None => return no(StatusCode::BAD_REQUEST, "invalid_request"),
        };
        let Some(granted) = granted else {
            return no(StatusCode::BAD_REQUEST, "invalid_grant");
        };
        self.make_tokens(granted, &client.id)
            .unwrap_or_else(|_no_random_numbers| {
                no(StatusCode::INTERNAL_SERVER_ERROR, "server_error")
            })
    }

    /// The form of an application that shows its secret, and which it is.
    pub(super) fn believed<'a>(&self, asked: &'a Asked) -> Result<(&'a Wish, Client), Box<Page>> {
        let Some(form) = &asked.wish else {
            return Err(no(StatusCode::BAD_REQUEST, "invalid_request").into());
        };
        let client = self.state().client.clone();
        match client.filter(|client| client.is_shown(&asked.headers, form)) {
            Some(client) => Ok((form, client)),
            None => Err(no(StatusCode::UNAUTHORIZED, "invalid_client")
                .with(header::WWW_AUTHENTICATE, "Basic realm=\"development\"")
                .into()),
        }
    }

    fn make_tokens(&self, granted: Grant, client: &str) -> io::Result<Page> {
        let (now, signed_in) = (self.now(), granted.signed_in);
        let mut state = self.state();
        let access = state.access.put(signed_in.clone(), now + self.lifetime())?;
        let Some(person) = state.person(signed_in.subject) else {
            return Ok(no(StatusCode::BAD_REQUEST, "invalid_grant"));
        };
        let mut claims = grant::claims(person);
        let said = [
            ("iss", json!(self.issuer())),
            ("aud", json!(client)),
            ("iat", json!(seconds(now))),
            ("exp", json!(seconds(now + self.lifetime()))),
            ("auth_time", json!(signed_in.auth_time)),
            ("sid", json!(signed_in.sid)),
            ("at_hash", json!(grant::left_half(&access))),
        ];
        claims.extend(said.map(|(name, value)| (name.to_owned(), value)));
        if let Some(nonce) = granted.nonce {
            claims.insert("nonce".to_owned(), nonce.into());
        }
        let refresh = Refresh {
            family: granted.family,
            is_spent: false,
            signed_in,
        };
        let refresh = state.refresh.put(refresh, now + SESSION)?;
        drop(state);
        let id_token = self.key().sign_body(&claims.into());
        Ok(html::json(
            StatusCode::OK,
            &json!({
                "access_token": access,
                "expires_in": self.lifetime().as_secs(),
                "id_token": id_token.map_err(io::Error::other)?,
                "refresh_token": refresh,
                "token_type": "Bearer",
            }),
        ))
    }

    /// OpenID Connect Core 5.3.
    pub(super) fn userinfo(&self, asked: &Asked) -> Page {
        let token = asked.headers.get(header::AUTHORIZATION);
        let token = token.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let mut state = self.state();
        let signed_in = token.and_then(|token| state.access.find(token, self.now()).cloned());
        let person = signed_in.and_then(|signed_in| state.person(signed_in.subject));
        match person {
            Some(person) => html::json(StatusCode::OK, &grant::claims(person).into()),
            None => no(StatusCode::UNAUTHORIZED, "invalid_token")
                .with(header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""),
        }
    }
}

pub(super) fn no(status: StatusCode, error: &str) -> Page {
    html::json(status, &json!({ "error": error }))
}
