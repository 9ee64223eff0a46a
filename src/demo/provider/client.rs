//! Whom the provider signs people in for.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use http::header;

use crate::demo::provider::wish::Wish;

/// An application, as it is registered.
#[derive(Clone)]
pub struct Client {
    /// What it is called.
    pub id: String,
    /// Where it is told that a session has ended.
    pub backchannel_logout_uri: String,
    /// Where people are sent back to when they have signed in.
    pub redirect_uri: String,
    /// Where they are sent back to when they have signed out.
    pub post_logout_redirect_uri: String,
    /// What it shows to be believed.
    pub secret: String,
}

impl Client {
    /// The edge at a port of `localhost`.
    pub(in crate::demo) fn edge(id: &str, port: u16, secret: String) -> Self {
        let place = format!("https://localhost:{port}/.portreeve");
        Self {
            backchannel_logout_uri: format!("{place}/backchannel-logout/dev"),
            id: id.to_owned(),
            post_logout_redirect_uri: format!("{place}/sign-out"),
            redirect_uri: format!("{place}/callback/dev"),
            secret,
        }
    }

    /// Whether a request to the token endpoint shows the secret, in its
    /// `authorization` field or in its form (OpenID Connect Core 9).
    pub(super) fn is_shown(&self, headers: &HeaderMap, form: &Wish) -> bool {
        let basic = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok()?.strip_prefix("Basic "))
            .and_then(|text| BASE64_STANDARD.decode(text).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let (id, secret) = match (&basic, form.get("client_secret")) {
            (Some(pair), None) => match pair.split_once(':') {
                Some((id, secret)) => (unescaped(id), unescaped(secret)),
                None => return false,
            },
            (None, Some(secret)) => (
                form.get("client_id").unwrap_or_default().to_owned(),
                secret.to_owned(),
            ),
            // Not at all, or twice, which RFC 6749 2.3 forbids.
            _ => return false,
        };
        id == self.id && verify_slices_are_equal(secret.as_bytes(), self.secret.as_bytes()).is_ok()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("id", &self.id)
            .field("redirect_uri", &self.redirect_uri)
            .finish_non_exhaustive()
    }
}

/// RFC 6749 2.3.1: each half is escaped as in a form.
fn unescaped(half: &str) -> String {
    let mut pairs = form_urlencoded::parse(half.as_bytes());
    pairs
        .next()
        .map_or_else(String::new, |(name, _)| name.into_owned())
}
