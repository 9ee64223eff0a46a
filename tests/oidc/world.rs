//! A provider, its people, and us.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io::Read;
use std::io::Write as _;
use std::net::TcpListener;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::thread;
use std::time::Duration;
use std::time::SystemTime;

use portreeve::oidc::ClientAuthentication;
use portreeve::oidc::ClientSettings;
use portreeve::oidc::Issuer;
use portreeve::oidc::Nonce;
use portreeve::oidc::Places;
use portreeve::oidc::Provider;
use portreeve::oidc::Return;
use portreeve::oidc::Settings;
use portreeve::oidc::SignInError;
use portreeve::oidc::SignedIn;
use portreeve::oidc::Verifier;
use portreeve::policy::Person;
use portreeve::time::Clock;
use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::CertifiedIssuer;
use rcgen::IsCa;
use rcgen::KeyPair;
use rustls::ServerConfig;
use rustls::ServerConnection;
use rustls::StreamOwned;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls_pki_types::PrivateKeyDer;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use crate::keys::Keys;
use crate::keys::Signer;

/// The date, which does not move by itself.
pub(crate) const NOW: u64 = 1_893_456_000;

/// Who we are to the provider.
pub(crate) const CLIENT: &str = "portreeve";

/// What the provider gives out.
pub(crate) const ACCESS_TOKEN: &str = "an-access-token";

/// A provider and all that is around it.
pub(crate) struct World {
    pub(crate) clock: Arc<Stopped>,
    pub(crate) folder: TempDir,
    pub(crate) issuer: String,
    pub(crate) nonce: Nonce,
    pub(crate) verifier: Verifier,
    stage: Arc<Stage>,
}

struct Stage {
    heard: Mutex<Vec<Heard>>,
    keys: Keys,
    script: Mutex<Script>,
}

/// What the provider says; a test changes it to make it lie.
#[derive(Clone)]
pub(crate) struct Script {
    /// The claims of the ID token.
    pub(crate) claims: Value,
    /// The claims of the ID token as text, if no JSON value can say it.
    pub(crate) claims_text: Option<String>,
    /// The header of the ID token.
    pub(crate) header: Value,
    /// The same as text.
    pub(crate) header_text: Option<String>,
    /// What is said of itself.
    pub(crate) metadata: Value,
    /// The keys.
    pub(crate) published: Value,
    /// Whole answers instead, by path.
    pub(crate) raw: BTreeMap<&'static str, String>,
    /// Who signs the ID token.
    pub(crate) signer: Signer,
    /// What the token endpoint says; `id_token` is filled in where it is `true`.
    pub(crate) tokens: Value,
    /// What the userinfo endpoint says.
    pub(crate) userinfo: Value,
}

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) body: String,
    pub(crate) head: String,
    pub(crate) path: String,
}

/// A clock that a test moves.
#[derive(Debug)]
pub(crate) struct Stopped(Mutex<SystemTime>);

impl Clock for Stopped {
    fn now(&self) -> SystemTime {
        *self.0.lock().unwrap()
    }
}

impl Stopped {
    pub(crate) fn set(&self, seconds: u64) {
        *self.0.lock().unwrap() = at(seconds);
    }
}

/// The date as seconds since 1970.
pub(crate) fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

impl World {
    /// One in which everybody tells the truth.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(folder.path().join("ca.pem"), ca.pem()).unwrap();
        std::fs::write(folder.path().join("secret"), "s3cret: %\n").unwrap();
        let config = Arc::new(server(&ca));

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("https://{}", listener.local_addr().unwrap());
        let nonce = Nonce::generate().unwrap();
        let keys = Keys::new();
        let stage = Arc::new(Stage {
            heard: Mutex::default(),
            script: Mutex::new(Script::honest(&issuer, nonce.as_str(), &keys)),
            keys,
        });
        let played = Arc::clone(&stage);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let (config, stage) = (Arc::clone(&config), Arc::clone(&played));
                thread::spawn(move || stage.serve(stream, config));
            }
        });
        Self {
            clock: Arc::new(Stopped(Mutex::new(at(NOW)))),
            folder,
            issuer,
            nonce,
            verifier: Verifier::generate().unwrap(),
            stage,
        }
    }

    /// What is said.
    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.stage.script.lock().unwrap()
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.stage.keys
    }

    /// What was asked since.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        std::mem::take(&mut *self.stage.heard.lock().unwrap())
    }

    /// How often this was asked for since.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.heard()
            .iter()
            .filter(|heard| heard.path == path)
            .count()
    }

    /// Says the truth again.
    pub(crate) fn repent(&self) {
        *self.script() = Script::honest(&self.issuer, self.nonce.as_str(), self.keys());
    }

    pub(crate) fn settings(&self) -> Settings {
        let issuer = Issuer::parse(&self.issuer, Places::Https).unwrap();
        let mut settings = Settings::new("corp".parse().unwrap(), issuer);
        settings.roots = Some(self.folder.path().join("ca.pem"));
        settings.client = Some(ClientSettings {
            authentication: ClientAuthentication::Basic {
                secret_file: self.folder.path().join("secret"),
            },
            id: CLIENT.to_owned(),
        });
        settings.bearer_audiences = BTreeSet::from(["https://api.example".to_owned()]);
        settings
    }

    /// Us, who know nothing of the provider yet.
    pub(crate) fn provider(&self) -> Provider {
        self.provider_with(self.settings())
    }

    pub(crate) fn provider_with(&self, settings: Settings) -> Provider {
        Provider::open(settings, Arc::clone(&self.clock) as Arc<dyn Clock>).unwrap()
    }

    pub(crate) fn back(&self) -> Return<'_> {
        Return {
            code: "a-code",
            iss: Some(&self.issuer),
            max_age: None,
            nonce: &self.nonce,
            redirect_uri: "https://app.example/.portreeve/callback/corp",
            verifier: &self.verifier,
        }
    }

    /// Somebody comes back.
    pub(crate) async fn sign_in(&self) -> Result<SignedIn, SignInError> {
        self.provider().exchange(&self.back()).await
    }

    /// A token with these claims, well signed.
    pub(crate) fn token(&self, typ: Option<&str>, claims: &Value) -> String {
        let mut header = json!({"alg": "ES256", "kid": "p256"});
        if let Some(typ) = typ {
            header["typ"] = json!(typ);
        }
        let own = Signer::Own("ES256");
        self.keys().token(
            header.to_string().as_bytes(),
            claims.to_string().as_bytes(),
            &own,
        )
    }
}

/// Whom the honest provider names.
pub(crate) fn alice() -> Person {
    let texts = |names: &[&str]| names.iter().map(|name| (*name).into()).collect();
    Person {
        acr: Some("urn:example:gold".into()),
        amr: texts(&["otp", "pwd"]),
        authenticated_at: Some(at(NOW - 30)),
        claims: BTreeMap::new(),
        email: Some("alice@corp.example".into()),
        email_verified: true,
        groups: texts(&["eng", "oncall"]),
        name: Some("Alice".into()),
        provider: "corp".parse().unwrap(),
        roles: BTreeSet::new(),
        subject: "alice".parse().unwrap(),
    }
}

impl Script {
    fn honest(issuer: &str, nonce: &str, keys: &Keys) -> Self {
        let place = |path: &str| format!("{issuer}{path}");
        Self {
            claims: json!({
                "iss": issuer, "sub": "alice", "aud": CLIENT, "exp": NOW + 300, "iat": NOW,
                "nonce": nonce, "auth_time": NOW - 30, "sid": "session-1",
                "acr": "urn:example:gold", "amr": ["pwd", "otp"],
            }),
            claims_text: None,
            header: json!({"alg": "ES256", "kid": "p256", "typ": "JWT"}),
            header_text: None,
            metadata: json!({
                "issuer": issuer,
                "authorization_endpoint": place("/authorize?tenant=1"),
                "token_endpoint": place("/token"),
                "userinfo_endpoint": place("/userinfo"),
                "jwks_uri": place("/jwks"),
                "end_session_endpoint": place("/end"),
                "authorization_response_iss_parameter_supported": true,
                "id_token_signing_alg_values_supported": ["none", "HS256"],
            }),
            published: keys.published(),
            raw: BTreeMap::new(),
            signer: Signer::Own("ES256"),
            tokens: json!({
                "access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 600,
                "refresh_token": "a-refresh-token", "id_token": true,
            }),
            userinfo: json!({
                "sub": "alice", "name": "Alice", "email": "alice@corp.example",
                "email_verified": true, "groups": ["eng", "oncall"],
            }),
        }
    }

    fn id_token(&self, keys: &Keys) -> String {
        let text = |value: &Value, text: &Option<String>| {
            text.clone().unwrap_or_else(|| value.to_string())
        };
        let header = text(&self.header, &self.header_text);
        let claims = text(&self.claims, &self.claims_text);
        keys.token(header.as_bytes(), claims.as_bytes(), &self.signer)
    }

    fn answer(&self, path: &str, keys: &Keys) -> String {
        if let Some(raw) = self.raw.get(path) {
            return raw.clone();
        }
        match path {
            "/.well-known/openid-configuration" => good(&self.metadata.to_string()),
            "/jwks" => good(&self.published.to_string()),
            "/userinfo" => good(&self.userinfo.to_string()),
            "/token" => {
                let mut tokens = self.tokens.clone();
                if tokens.get("id_token") == Some(&Value::Bool(true)) {
                    tokens["id_token"] = json!(self.id_token(keys));
                }
                good(&tokens.to_string())
            }
            _ => answer("404 Not Found", "{}"),
        }
    }
}

/// An answer with this JSON.
pub(crate) fn good(json: &str) -> String {
    answer("200 OK", json)
}

/// An answer with this status and JSON.
pub(crate) fn answer(status: &str, json: &str) -> String {
    let length = json.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{json}"
    )
}

impl Stage {
    fn serve(&self, stream: TcpStream, config: Arc<ServerConfig>) {
        let session = ServerConnection::new(config).unwrap();
        let mut stream = StreamOwned::new(session, stream);
        let Some(heard) = hear(&mut stream) else {
            return;
        };
        let path = heard.path.clone();
        self.heard.lock().unwrap().push(heard);
        let script = self.script.lock().unwrap().clone();
        // Whoever asked may have enough of it.
        let _either = stream.write_all(script.answer(&path, &self.keys).as_bytes());
        stream.conn.send_close_notify();
        let _either = stream.flush();
    }
}

fn hear(stream: &mut impl Read) -> Option<Heard> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8(bytes.clone()).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return Some(Heard {
                body: body.to_owned(),
                head: head.to_owned(),
                path: head.split(' ').nth(1)?.to_owned(),
            });
        }
    }
}

fn server(ca: &CertifiedIssuer<'static, KeyPair>) -> ServerConfig {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, ca).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap()
}

/// A lie, and the word for it.
pub(crate) type Lie = (&'static str, fn(&mut Script), &'static str);

impl World {
    /// Each lie is refused with its word, and the truth before it is believed.
    pub(crate) async fn refuses(&self, lies: &[Lie]) {
        for (name, lie, reason) in lies {
            self.refuses_one(name, lie, reason).await;
        }
    }

    /// This lie is refused with this word, and the truth before it is believed.
    #[expect(clippy::print_stdout, reason = "so that they can be counted")]
    pub(crate) async fn refuses_one(&self, name: &str, lie: impl Fn(&mut Script), reason: &str) {
        self.repent();
        let true_one = self.sign_in().await;
        assert_eq!(true_one.unwrap().person, alice(), "the twin of: {name}");
        lie(&mut self.script());
        let refused = self.sign_in().await.map(|signed_in| signed_in.person);
        let refused = refused.expect_err(name);
        assert_eq!(refused.reason(), reason, "{name}: {refused:?}");
        // `cargo test --test oidc -- --nocapture | grep -c '^refused'` counts them.
        println!("refused, beside its twin: {name}");
        self.repent();
    }
}
