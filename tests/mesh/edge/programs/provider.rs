//! A provider that lets programs in, or says whatever a test wants to hear.

use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::thread;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use portreeve::jwt::PublicKey;
use portreeve::jwt::SigningKey;
use portreeve::time::Clock as _;
use portreeve::time::seconds;
use serde_json::Value;
use serde_json::json;

use crate::stage::Calendar;

/// A provider on loopback, in the clear.
pub(in crate::edge) struct Provider {
    pub(super) issuer: String,
    stage: Arc<Stage>,
}

struct Stage {
    calendar: Arc<Calendar>,
    issuer: String,
    key: SigningKey,
    said: Mutex<Said>,
}

/// What it says. A test changes it.
pub(super) struct Said {
    /// What is asked for at the device endpoint; nothing: it has none.
    pub(super) device: Option<Value>,
    /// The words for no of the token endpoint; nothing: yes.
    pub(super) no: Option<&'static str>,
    /// The words for no to whoever asks again about somebody who was let in.
    pub(super) no_more: Option<&'static str>,
    /// How often the token endpoint was asked about a program that waits.
    pub(super) polls: usize,
    /// The status of a no.
    pub(super) status: u16,
    /// Whom it lets in, and what else it claims.
    pub(super) claims: Value,
}

impl Provider {
    pub(super) fn start(calendar: &Arc<Calendar>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let device = json!({
            "device_code": "the-providers-code",
            "user_code": "WDJB-MJHT",
            "verification_uri": format!("{issuer}/device"),
            "verification_uri_complete": format!("{issuer}/device?user_code=WDJB-MJHT"),
            "expires_in": 1800,
            "interval": 1,
        });
        let stage = Arc::new(Stage {
            calendar: Arc::clone(calendar),
            issuer: issuer.clone(),
            key: SigningKey::generate().unwrap(),
            said: Mutex::new(Said {
                device: Some(device),
                no: Some("authorization_pending"),
                no_more: None,
                polls: 0,
                status: 400,
                claims: json!({}),
            }),
        });
        let played = Arc::clone(&stage);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let stage = Arc::clone(&played);
                thread::spawn(move || stage.serve(stream));
            }
        });
        Self { issuer, stage }
    }

    pub(super) fn says(&self) -> MutexGuard<'_, Said> {
        self.stage.said.lock().unwrap()
    }

    /// What it posts when it signs `subject` out everywhere.
    pub(super) fn logout_token(&self, subject: &str) -> String {
        let now = seconds(self.stage.calendar.now());
        let claims = json!({
            "iss": self.issuer, "aud": "edge", "iat": now, "exp": now + 120, "jti": "one",
            "sub": subject, "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
        });
        self.stage.key.sign_body(&claims).unwrap()
    }

    /// The person says yes, in the name of `subject`.
    pub(super) fn lets_in(&self, subject: &str) {
        let mut said = self.says();
        said.no = None;
        said.claims = json!({
            "sub": subject, "groups": ["eng"], "email": format!("{subject}@example.org"),
        });
    }
}

impl Stage {
    fn serve(&self, mut stream: TcpStream) {
        let mut bytes = Vec::new();
        let mut buffer = [0; 4096];
        let (path, body) = loop {
            let Ok(read @ 1..) = stream.read(&mut buffer) else {
                return;
            };
            bytes.extend_from_slice(&buffer[..read]);
            let text = String::from_utf8_lossy(&bytes);
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                let path = head.split(' ').nth(1).unwrap();
                break (path.to_owned(), body.to_owned());
            }
        };
        let (status, answer) = self.answer(&path, &body);
        let text = answer.to_string();
        let answer = format!(
            "HTTP/1.1 {status} So\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
            text.len()
        );
        // Whoever asked may have enough of it.
        let _either = stream.write_all(answer.as_bytes());
    }

    fn answer(&self, path: &str, body: &str) -> (u16, Value) {
        let mut said = self.said.lock().unwrap();
        let issuer = &self.issuer;
        match path {
            "/.well-known/openid-configuration" => {
                let mut metadata = json!({
                    "issuer": issuer,
                    "authorization_endpoint": format!("{issuer}/authorize"),
                    "token_endpoint": format!("{issuer}/token"),
                    "jwks_uri": format!("{issuer}/jwks"),
                });
                if said.device.is_some() {
                    metadata["device_authorization_endpoint"] = json!(format!("{issuer}/begin"));
                }
                (200, metadata)
            }
            "/jwks" => {
                let PublicKey::Ec { point, .. } = self.key.public_key() else {
                    panic!("the key is on no curve");
                };
                // An uncompressed point: a byte that says so, then its two coordinates.
                let [x, y] = [&point[1..33], &point[33..]];
                let [x, y] = [x, y].map(|half| BASE64_URL_SAFE_NO_PAD.encode(half));
                let key = json!({
                    "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig",
                    "kid": self.key.kid(), "x": x, "y": y,
                });
                (200, json!({ "keys": [key] }))
            }
            "/begin" => match said.device.clone() {
                Some(no) if no.get("error").is_some() => (400, no),
                Some(device) => (200, device),
                None => (404, json!({})),
            },
            "/token" if body.contains("refresh_token=for-more") => match said.no_more {
                Some(no) => (400, json!({ "error": no })),
                // What it said of the person stands.
                None => {
                    let more =
                        json!({ "access_token": "x", "token_type": "Bearer", "expires_in": 300 });
                    (200, more)
                }
            },
            "/token" => {
                assert!(body.contains("device_code=the-providers-code"), "{body}");
                said.polls += 1;
                match said.no {
                    Some(no) => (said.status, json!({ "error": no })),
                    None => (200, self.tokens(&said.claims)),
                }
            }
            _ => (404, json!({})),
        }
    }

    fn tokens(&self, more: &Value) -> Value {
        let now = seconds(self.calendar.now());
        let mut claims = json!({
            "iss": self.issuer, "aud": "edge", "iat": now, "exp": now + 300,
            "auth_time": now - 5, "sid": "one",
        });
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        json!({
            "access_token": "for-userinfo", "token_type": "Bearer",
            "refresh_token": "for-more", "id_token": self.key.sign_body(&claims).unwrap(),
        })
    }
}
