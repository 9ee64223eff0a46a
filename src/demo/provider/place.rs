//! Where what is asked for is found.

use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::SystemTime;

use http::HeaderMap;
use http::Method;
use http::StatusCode;
use http::header;
use serde_json::json;

use crate::demo::provider::html;
use crate::demo::provider::html::Page;
use crate::demo::provider::state::SignedIn;
use crate::demo::provider::state::State;
use crate::demo::provider::wish::Wish;
use crate::demo::web::Web;
use crate::jwt::SigningKey;
use crate::time::Clock;

/// The provider, apart from its socket.
#[derive(Debug)]
pub(super) struct Place {
    clock: Arc<dyn Clock>,
    issuer: String,
    key: SigningKey,
    lifetime: Duration,
    port: u16,
    state: Mutex<State>,
    web: Web,
}

/// A request that has been read.
#[derive(Debug)]
pub(super) struct Asked {
    /// The host that it names, with its port.
    pub(super) authority: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) method: Method,
    pub(super) path: String,
    /// Its form, or else its query. Nothing: it cannot be understood.
    pub(super) wish: Option<Wish>,
}

impl Place {
    /// One that browsers find at `port`; what it says holds for `lifetime`.
    pub(super) fn new(
        port: u16,
        lifetime: Duration,
        (clock, web): (Arc<dyn Clock>, Web),
    ) -> io::Result<Self> {
        Ok(Self {
            clock,
            issuer: format!("https://localhost:{port}"),
            key: SigningKey::generate().map_err(io::Error::other)?,
            lifetime,
            port,
            state: Mutex::new(State::new()),
            web,
        })
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(super) const fn key(&self) -> &SigningKey {
        &self.key
    }

    /// How long what is said of people holds.
    pub(super) const fn lifetime(&self) -> Duration {
        self.lifetime
    }

    pub(super) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// Never across an `.await`.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) const fn web(&self) -> &Web {
        &self.web
    }

    /// The answer to `asked`.
    pub(super) async fn answer(&self, asked: &Asked) -> Page {
        if !self.is_named(asked) {
            // A page elsewhere may give a name of its own the address of this machine.
            return html::mistake(StatusCode::MISDIRECTED_REQUEST, "This is no name of ours.");
        }
        let path: Vec<_> = asked.path.split('/').skip(1).collect();
        let is_post = asked.method == Method::POST;
        if !is_post && asked.method != Method::GET && asked.method != Method::HEAD {
            return html::mistake(StatusCode::METHOD_NOT_ALLOWED, "Ask with GET or POST.");
        }
        match (path.as_slice(), is_post) {
            ([""], false) => self.people(),
            (["style.css"], false) => html::style(),
            ([".well-known", "openid-configuration"], false) => self.metadata(),
            (["jwks.json"], false) => self.keys(),
            (["authorize"], _) => self.authorize(asked),
            (["token"], true) => self.token(asked),
            (["device-authorization"], true) => self.device_authorization(asked),
            (["device"], _) => self.device(asked),
            (["userinfo"], _) => self.userinfo(asked),
            (["end-session"], _) => self.end_session(asked).await,
            (["people", subject, "groups", group], true) => self.regroup(subject, group, asked),
            (["people", subject, "sign-out"], true) => self.sign_out(subject, asked).await,
            _ => html::mistake(StatusCode::NOT_FOUND, "There is nothing here."),
        }
    }

    /// Who is signed in with the browser that asks.
    pub(super) fn signed_in(&self, asked: &Asked) -> Option<SignedIn> {
        let name = cookie(&asked.headers)?;
        self.state().sessions.find(name, self.now()).cloned()
    }

    /// Whether one of our own pages asks, or no browser.
    pub(super) fn is_ours(&self, asked: &Asked) -> bool {
        let origin = asked.headers.get(header::ORIGIN);
        origin.is_none_or(|origin| origin.as_bytes() == self.issuer.as_bytes())
    }

    fn is_named(&self, asked: &Asked) -> bool {
        let name = asked
            .authority
            .as_deref()
            .and_then(|name| name.rsplit_once(':'));
        name.is_some_and(|(host, port)| {
            matches!(host, "localhost" | "127.0.0.1") && port.parse() == Ok(self.port)
        })
    }

    /// OpenID Connect Discovery 3.
    fn metadata(&self) -> Page {
        let issuer = &self.issuer;
        html::json(
            StatusCode::OK,
            &json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{issuer}/authorize"),
                "token_endpoint": format!("{issuer}/token"),
                "device_authorization_endpoint": format!("{issuer}/device-authorization"),
                "userinfo_endpoint": format!("{issuer}/userinfo"),
                "end_session_endpoint": format!("{issuer}/end-session"),
                "jwks_uri": format!("{issuer}/jwks.json"),
                "authorization_response_iss_parameter_supported": true,
                "backchannel_logout_session_supported": true,
                "backchannel_logout_supported": true,
                "claims_supported": ["auth_time", "email", "email_verified", "groups", "name", "sid", "sub"],
                "code_challenge_methods_supported": ["S256"],
                "grant_types_supported": ["authorization_code", "refresh_token", DEVICE_GRANT],
                "id_token_signing_alg_values_supported": ["ES256"],
                "prompt_values_supported": ["login", "none", "select_account"],
                "request_uri_parameter_supported": false,
                "response_modes_supported": ["query"],
                "response_types_supported": ["code"],
                "scopes_supported": ["openid", "email", "groups", "offline_access", "profile"],
                "subject_types_supported": ["public"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            }),
        )
    }

    fn keys(&self) -> Page {
        let mut key = self.key.public_key().to_jwk();
        for (name, value) in [("alg", "ES256"), ("kid", self.key.kid()), ("use", "sig")] {
            key.insert(name.to_owned(), value.into());
        }
        html::json(StatusCode::OK, &json!({ "keys": [key] }))
    }
}

/// What a browser has of us.
pub(super) fn cookie(headers: &HeaderMap) -> Option<&str> {
    let fields = headers.get_all(header::COOKIE).into_iter();
    let all = fields.filter_map(|field| field.to_str().ok());
    let mut pairs = all.flat_map(|field| field.split("; "));
    pairs.find_map(|pair| pair.strip_prefix(COOKIE)?.strip_prefix('='))
}

/// RFC 8628 3.4.
pub(super) const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// The name of the browser's cookie.
pub(super) const COOKIE: &str = "__Host-development-provider";
