//! A provider on a stage, and a browser that asks it.

mod authorize_tests;
mod device_tests;
mod end_session_tests;
mod token_tests;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use http::Method;
use http::Response;
use http::StatusCode;
use http::header;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::Validation;
use serde_json::Value;
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::demo::WebCa;
use crate::demo::provider::Client;
use crate::demo::provider::Provider;
use crate::demo::provider::grant::challenge;
use crate::demo::provider::place::Asked;
use crate::demo::provider::place::Place;
use crate::demo::provider::server;
use crate::demo::provider::wish::Wish;
use crate::demo::provider::wish::with_query;
use crate::demo::web::Web;
use crate::time::Clock;

/// A provider that is asked without a socket, and a browser's cookie.
struct Stage {
    ca: WebCa,
    clock: Arc<Dial>,
    cookie: Option<String>,
    origin: String,
    place: Place,
}

/// A clock that is turned by hand, in seconds.
#[derive(Debug)]
struct Dial(AtomicU64);

impl Clock for Dial {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

const START: u64 = 1_795_860_000;
const BACK: &str = "https://localhost:9/.portreeve/callback/dev";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

impl Stage {
    fn new() -> Self {
        let clock = Arc::new(Dial(AtomicU64::new(START)));
        let ca = WebCa::new(&*clock).unwrap();
        let web = Web::new(ca.root()).unwrap();
        let parts = (Arc::clone(&clock) as Arc<dyn Clock>, web);
        let place = Place::new(4711, Duration::from_secs(60), parts).unwrap();
        place.state().client = Some(client("https://localhost:9"));
        Self {
            ca,
            clock,
            cookie: None,
            origin: place.issuer().to_owned(),
            place,
        }
    }

    async fn ask(&self, method: Method, path: &str, query: &str) -> Response<String> {
        let mut headers = http::HeaderMap::new();
        if let Some(cookie) = &self.cookie {
            headers.insert(header::COOKIE, cookie.parse().unwrap());
        }
        if method == Method::POST {
            headers.insert(header::ORIGIN, self.origin.parse().unwrap());
        }
        let asked = Asked {
            authority: Some("localhost:4711".to_owned()),
            headers,
            method,
            path: path.to_owned(),
            wish: Wish::parse(query),
        };
        self.place.answer(&asked).await.into_response()
    }

    /// Clicks on `person`, and comes back with what the application is told.
    async fn click(&mut self, person: &str, more: &[(&str, &str)]) -> Wish {
        let wish = request(&[&[("person", person)], more].concat());
        let response = self.ask(Method::POST, "/authorize", &wish).await;
        if let Some(cookie) = response.headers().get(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            self.cookie = Some(cookie.split(';').next().unwrap().to_owned());
        }
        told(&response)
    }

    async fn token(&self, form: &[(&str, &str)]) -> (StatusCode, Value) {
        let form = [&[("client_id", "edge"), ("client_secret", "s3cret")], form].concat();
        let query = with_query("", &form);
        let response = self
            .ask(Method::POST, "/token", query.trim_start_matches('?'))
            .await;
        (
            response.status(),
            serde_json::from_str(response.body()).unwrap(),
        )
    }

    async fn exchange(&self, code: &str) -> (StatusCode, Value) {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", BACK),
            ("code_verifier", VERIFIER),
        ])
        .await
    }

    async fn refresh(&self, tokens: &Value) -> (StatusCode, Value) {
        let token = tokens["refresh_token"].as_str().unwrap();
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)])
            .await
    }

    /// What an ID token says, as somebody else's library reads it.
    async fn read(&self, tokens: &Value) -> Value {
        let keys = self.ask(Method::GET, "/jwks.json", "").await;
        let keys: jsonwebtoken::jwk::JwkSet = serde_json::from_str(keys.body()).unwrap();
        let key = DecodingKey::from_jwk(&keys.keys[0]).unwrap();
        let mut rules = Validation::new(jsonwebtoken::Algorithm::ES256);
        rules.set_audience(&["edge"]);
        rules.set_issuer(&[self.place.issuer()]);
        rules.validate_exp = false;
        let token = tokens["id_token"].as_str().unwrap();
        jsonwebtoken::decode::<Value>(token, &key, &rules)
            .unwrap()
            .claims
    }

    fn turn(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

fn client(origin: &str) -> Client {
    Client {
        backchannel_logout_uri: format!("{origin}/.portreeve/backchannel-logout/dev"),
        id: "edge".to_owned(),
        post_logout_redirect_uri: format!("{origin}/.portreeve/sign-out"),
        redirect_uri: format!("{origin}/.portreeve/callback/dev"),
        secret: "s3cret".to_owned(),
    }
}

/// What an application asks, with `more` in place of what is of the same name.
fn request(more: &[(&str, &str)]) -> String {
    let challenge = challenge(VERIFIER);
    let mut all = std::collections::BTreeMap::from([
        ("client_id", "edge"),
        ("code_challenge", &*challenge),
        ("code_challenge_method", "S256"),
        ("nonce", "n-1"),
        ("redirect_uri", BACK),
        ("response_type", "code"),
        ("scope", "openid groups"),
        ("state", "s-1"),
    ]);
    all.extend(more.iter().copied());
    let pairs: Vec<_> = all.into_iter().collect();
    with_query("", &pairs).trim_start_matches('?').to_owned()
}

/// What a redirect to the application says.
fn told(response: &Response<String>) -> Wish {
    assert_eq!(response.status(), StatusCode::SEE_OTHER, "{response:?}");
    let place = response.headers()[header::LOCATION].to_str().unwrap();
    let query = place.strip_prefix(BACK).unwrap().strip_prefix('?').unwrap();
    Wish::parse(query).unwrap()
}
