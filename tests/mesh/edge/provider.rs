//! A provider of people, which says what it is told to.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::thread;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
use aws_lc_rs::signature::EcdsaKeyPair;
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use portreeve::time::Clock as _;
use serde_json::Value;
use serde_json::json;

use crate::caller::Answer;
use crate::edge::Edge;
use crate::stage::Calendar;
use crate::stage::DEADLINE;

/// It is there until the test ends.
pub(super) struct Provider {
    pub(super) issuer: String,
    state: Arc<State>,
}

struct State {
    calendar: Arc<Calendar>,
    issuer: String,
    key: EcdsaKeyPair,
    script: Mutex<Script>,
}

/// What it says, and what it was asked.
#[derive(Default)]
pub(super) struct Script {
    /// Nonces by the codes that it gave out. A code is for one use.
    codes: BTreeMap<String, String>,
    /// What its ID tokens say besides.
    pub(super) claims: Value,
    /// Those who wait for an answer that never comes.
    pub(super) held: Vec<TcpStream>,
    /// Forms that its token endpoint was sent.
    pub(super) heard: Vec<String>,
    pub(super) mood: Mood,
}

/// How its token endpoint answers.
#[derive(Clone, Copy, Default)]
pub(super) enum Mood {
    #[default]
    Honest,
    /// With this status and error.
    Refuses(u16, &'static str),
    /// Not at all.
    Silent,
}

/// A sign-in that has begun.
pub(super) struct Begun {
    /// What the browser keeps of it.
    pub(super) cookie: String,
    pub(super) nonce: String,
    pub(super) state: String,
}

impl Provider {
    pub(super) fn start(calendar: &Arc<Calendar>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            calendar: Arc::clone(calendar),
            issuer: issuer.clone(),
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
            script: Mutex::default(),
        });
        let played = Arc::clone(&state);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let state = Arc::clone(&played);
                thread::spawn(move || state.serve(stream));
            }
        });
        Self { issuer, state }
    }

    /// What is configured of it.
    pub(super) fn settings(&self) -> String {
        format!(
            "{{ issuer: \"{}\", client_id: edge, insecure_loopback: true }}",
            self.issuer
        )
    }

    pub(super) fn script(&self) -> MutexGuard<'_, Script> {
        self.state.script()
    }

    /// A code for whoever began so.
    pub(super) fn code_for(&self, begun: &Begun) -> String {
        let mut script = self.script();
        let code = format!("code-{}-{}", script.codes.len(), begun.state);
        script.codes.insert(code.clone(), begun.nonce.clone());
        code
    }

    /// What is sent back with a code of its own to whoever began so.
    pub(super) fn answer_to(&self, begun: &Begun) -> String {
        let code = self.code_for(begun);
        format!("code={code}&state={}&iss={}", begun.state, self.issuer)
    }
}

impl Edge {
    /// Somebody begins to sign in with `provider`.
    pub(super) fn begins(&self, provider: &str) -> Begun {
        let target = format!("GET /.portreeve/sign-in?provider={provider}&return=/a");
        Begun::of(&self.ask(&target, &[]))
    }

    /// What is answered to whoever comes back to `provider`'s callback with `query`.
    pub(super) fn comes_back(&self, begun: &Begun, provider: &str, query: &str) -> Answer {
        let target = format!("GET /.portreeve/callback/{provider}?{query}");
        self.ask(&target, &[&format!("cookie: {}", begun.cookie)])
    }

    /// Whether `answer` is that to somebody who has signed in.
    pub(super) fn lets_in(answer: &Answer) -> bool {
        answer.status() == 303 && answer.field("location") == Some("/a")
    }
}

impl Begun {
    pub(super) fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status(), 303, "{}", answer.text());
        let place = answer.field("location").unwrap();
        let query = place.split_once('?').unwrap().1;
        let parameter = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs
                .find(|(found, _)| *found == name)
                .unwrap()
                .1
                .to_owned()
        };
        let cookie = answer.field("set-cookie").unwrap();
        Self {
            cookie: cookie.split(';').next().unwrap().to_owned(),
            nonce: parameter("nonce"),
            state: parameter("state"),
        }
    }
}

impl State {
    fn script(&self) -> MutexGuard<'_, Script> {
        // A test that failed has said so.
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, mut stream: TcpStream) {
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let Some((path, body)) = hear(&mut stream) else {
            return;
        };
        let (status, answer) = match path.as_str() {
            "/.well-known/openid-configuration" => (200, self.metadata()),
            "/jwks" => (200, self.keys()),
            "/token" => {
                let mut script = self.script();
                script.heard.push(body.clone());
                match script.mood {
                    Mood::Silent => return script.held.push(stream),
                    Mood::Refuses(status, error) => (status, json!({ "error": error })),
                    Mood::Honest => self.tokens(&mut script, &body),
                }
            }
            _ => (404, json!({})),
        };
        let answer = answer.to_string();
        // Whoever asked may have enough of it.
        let _either = stream.write_all(
            format!(
                "HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
                answer.len()
            )
            .as_bytes(),
        );
    }

    fn metadata(&self) -> Value {
        let issuer = &self.issuer;
        json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/jwks"),
            "authorization_response_iss_parameter_supported": true,
        })
    }

    fn keys(&self) -> Value {
        let point = self.key.public_key().as_ref();
        let number = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        json!({"keys": [{
            "kty": "EC", "crv": "P-256", "kid": "k", "alg": "ES256", "use": "sig",
            "x": number(&point[1..33]), "y": number(&point[33..]),
        }]})
    }

    fn tokens(&self, script: &mut Script, form: &str) -> (u16, Value) {
        let parameter = |name: &str| {
            let mut pairs = form.split('&').filter_map(|pair| pair.split_once('='));
            pairs
                .find(|(found, _)| *found == name)
                .map(|(_, value)| value)
        };
        let nonce = match parameter("grant_type") {
            Some("refresh_token") => None,
            _ => match script.codes.remove(parameter("code").unwrap_or_default()) {
                Some(nonce) => Some(nonce),
                None => return (400, json!({"error": "invalid_grant"})),
            },
        };
        let subject = parameter("refresh_token").unwrap_or("alice");
        let tokens = json!({
            "access_token": "an-access-token", "token_type": "Bearer", "expires_in": 300,
            "refresh_token": subject, "id_token": self.id_token(subject, nonce, &script.claims),
        });
        (200, tokens)
    }

    fn id_token(&self, subject: &str, nonce: Option<String>, more: &Value) -> String {
        let now = self.calendar.now().duration_since(std::time::UNIX_EPOCH);
        let now = now.unwrap().as_secs();
        let mut claims = json!({
            "iss": self.issuer, "sub": subject, "aud": "edge", "iat": now, "exp": now + 300,
        });
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        for (name, value) in more.as_object().into_iter().flatten() {
            claims[name] = value.clone();
        }
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({"alg": "ES256", "kid": "k"});
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes());
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature.unwrap());
        format!("{signed}.{signature}")
    }
}

/// A request's path and body.
fn hear(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8(bytes.clone()).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let mut lines = head.lines();
        let length = lines.find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return Some((head.split(' ').nth(1)?.to_owned(), body.to_owned()));
        }
    }
}
