//! What a mesh stands on: a folder, a CA, a calendar, and sidecars built from YAML.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc;
use std::time::Duration;
use std::time::SystemTime;

use portreeve::app::App;
use portreeve::app::Running;
use portreeve::ca::Authority;
use portreeve::config::Config;
use portreeve::identity::Issuer as _;
use portreeve::time::Clock;
use portreeve::x509::certificates_to_pem;
use portreeve::x509::make_request;
use rcgen::KeyPair;
use rustls_pki_types::PrivateKeyDer;
use tempfile::TempDir;

use crate::caller::Caller;
use crate::records::Records;
use crate::strangers;
use crate::strangers::Shown;

/// How long anything may take that must happen. Nothing is expected to take it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);

/// A calendar that stands still until it is moved.
#[derive(Debug)]
pub(crate) struct Calendar(Mutex<SystemTime>);

impl Calendar {
    pub(crate) const fn new(start: SystemTime) -> Self {
        Self(Mutex::new(start))
    }

    /// Makes it earlier, and returns what it was.
    pub(crate) fn set_back(&self, seconds: u64) -> SystemTime {
        let mut now = self.0.lock().unwrap();
        let before = *now;
        *now -= Duration::from_secs(seconds);
        before
    }

    pub(crate) fn set(&self, now: SystemTime) {
        *self.0.lock().unwrap() = now;
    }

    pub(crate) fn pass(&self, time: Duration) {
        *self.0.lock().unwrap() += time;
    }
}

impl Clock for Calendar {
    fn now(&self) -> SystemTime {
        *self.0.lock().unwrap()
    }
}

/// A trust domain in a folder of its own.
pub(crate) struct Stage {
    authority: Authority,
    pub(crate) calendar: Arc<Calendar>,
    folder: TempDir,
    /// How long the sidecars' own SVIDs last, in seconds.
    svid_ttl_s: u64,
    /// How many workers each sidecar has.
    workers: usize,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with_svids_of(3600)
    }

    /// With sidecars that have so many `workers`.
    pub(crate) fn with_workers(workers: usize) -> Self {
        Self {
            workers,
            ..Self::new()
        }
    }

    /// With sidecars whose SVIDs last for `svid_ttl_s` seconds.
    pub(crate) fn with_svids_of(svid_ttl_s: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_893_456_000);
        let calendar = Arc::new(Calendar::new(start));
        let clock: Arc<Calendar> = Arc::clone(&calendar);
        let domain = "mesh.example".parse().unwrap();
        let authority = Authority::open(&folder.path().join("ca"), domain, clock).unwrap();
        fs::create_dir(folder.path().join("policy")).unwrap();
        for file in ["groups.yaml", "signals.yaml"] {
            fs::write(folder.path().join(file), "{}").unwrap();
        }
        let stage = Self {
            authority,
            calendar,
            folder,
            svid_ttl_s,
            workers: 1,
        };
        stage.rule(POLICY);
        stage
    }

    /// Where the sidecar beside `name` writes its records.
    pub(crate) fn log_of(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}.jsonl"))
    }

    /// Puts `policy` in force, or will once it is looked at.
    pub(crate) fn rule(&self, policy: &str) {
        let folder = self.folder.path().join("policy");
        fs::write(folder.join("next"), policy).unwrap();
        fs::rename(folder.join("next"), folder.join("mesh.cedar")).unwrap();
    }

    /// Puts other words into `file`, which are in force once it is looked at.
    pub(crate) fn say(&self, file: &str, words: &str) {
        let folder = self.folder.path();
        fs::write(folder.join("next"), words).unwrap();
        fs::rename(folder.join("next"), folder.join(file)).unwrap();
    }

    /// An SVID for the workload `name`.
    pub(crate) fn svid(&self, name: &str, lifetime: Duration) -> Shown {
        svid_of(&self.authority, name, lifetime)
    }

    /// Another authority of the same trust domain, which nobody believes yet.
    pub(crate) fn other_authority(&self) -> Authority {
        let clock: Arc<Calendar> = Arc::clone(&self.calendar);
        let domain = self.authority.trust_domain().clone();
        Authority::open(&self.folder.path().join("other"), domain, clock).unwrap()
    }

    /// The sidecar beside `name` has its identity in files: `shown`, and the
    /// roots of `believed`.
    pub(crate) fn keep(&self, name: &str, (chain, key): &Shown, believed: &[&Authority]) {
        let key = KeyPair::try_from(key).unwrap().serialize_pem();
        let roots: Vec<_> = believed.iter().map(|authority| authority.root()).collect();
        let files = [
            ("roots", certificates_to_pem(roots)),
            ("key", key),
            ("crt", certificates_to_pem(chain)),
        ];
        for (ending, text) in files {
            let file = self.folder.path().join(format!("{name}.{ending}"));
            // What is written anew and fits the rest is an identity of its own: roots
            // that stay would make two of one, if a sidecar looks in between.
            if fs::read_to_string(&file).is_ok_and(|there| there == text) {
                continue;
            }
            fs::write(self.folder.path().join("next"), text).unwrap();
            fs::rename(self.folder.path().join("next"), file).unwrap();
        }
    }

    pub(crate) const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The sidecar beside `orders`, whose application is at `app`.
    pub(crate) fn orders(&self, app: SocketAddr, more: &str) -> Sidecar {
        self.orders_with(app, [""; 2], more)
    }

    /// The same, with `inbound` added to the door's settings and `audit` to the log's.
    pub(crate) fn orders_with(
        &self,
        app: SocketAddr,
        [inbound, audit]: [&str; 2],
        more: &str,
    ) -> Sidecar {
        let door = format!(
            "inbound: {{ listen: \"127.0.0.1:0\", service: orders, app: \"{app}\"{inbound} }}"
        );
        self.sidecar("orders", [&door, audit], more)
    }

    /// `web`, calling the inbound door at `door` in HTTP/1.
    pub(crate) fn web_at(&self, door: SocketAddr) -> Caller {
        let shown = self.svid("web", Authority::SVID_LIFETIME);
        Caller::secure(door, strangers::client(Some(shown), &[b"http/1.1"]))
    }

    /// The sidecar beside `web`, which calls `orders` at `to`.
    pub(crate) fn web(&self, to: SocketAddr, more: &str) -> Sidecar {
        self.web_with(&to.to_string(), ["", more])
    }

    /// The same, with `door` added to the door's settings and `more` to all.
    pub(crate) fn web_with(&self, to: &str, [door, more]: [&str; 2]) -> Sidecar {
        let comma = if door.is_empty() { "" } else { ", " };
        let door = format!(
            "outbound: [{{ listen: \"127.0.0.1:0\", to: \"{to}\", expect: \"spiffe://mesh.example/orders\", service: orders{comma}{door} }}]"
        );
        self.sidecar("web", [&door, ""], more)
    }

    pub(crate) fn sidecar(&self, name: &str, door_audit: [&str; 2], more: &str) -> Sidecar {
        let pipe = Records::make_pipe(&self.log_of(name));
        let running = self.start(name, door_audit, more);
        Sidecar {
            records: Records::read(pipe),
            running,
        }
    }

    /// A sidecar whose records, wherever they go, are not looked at.
    pub(crate) fn start(&self, name: &str, [door, audit]: [&str; 2], more: &str) -> Running {
        let (identity, workers) = (self.identity_of(name), self.workers);
        let window = "admin: { listen: \"127.0.0.1:0\" }";
        let window = if more.contains("admin:") { "" } else { window };
        let text = format!(
            "trust_domain: mesh.example
identity: {{ {identity} }}
workers: {workers}
{door}
policy: {{ dir: policy, headers: [x-ticket], workload_groups_file: groups.yaml, signals: {{ risk: long }}, signals_file: signals.yaml }}
audit: {{ file: {name}.jsonl{audit} }}
{window}
{more}
"
        );
        let config = Config::parse(&text, self.folder.path()).unwrap();
        let clock: Arc<Calendar> = Arc::clone(&self.calendar);
        App::build(config, clock).unwrap().start().unwrap()
    }

    fn identity_of(&self, name: &str) -> String {
        if self.folder.path().join(format!("{name}.crt")).exists() {
            return format!(
                "files: {{ certificate: {name}.crt, key: {name}.key, bundle: {name}.roots }}"
            );
        }
        let ttl = self.svid_ttl_s;
        format!("embedded: {{ dir: ca, id: \"spiffe://mesh.example/{name}\", svid_ttl_s: {ttl} }}")
    }
}

/// An SVID for the workload `name` from `authority`.
pub(crate) fn svid_of(authority: &Authority, name: &str, lifetime: Duration) -> Shown {
    let pair = KeyPair::generate().unwrap();
    let request = make_request(&pair).unwrap();
    let id = format!("spiffe://mesh.example/{name}").parse().unwrap();
    let chain = authority.issue(&request, &id, lifetime).unwrap();
    let key = PrivateKeyDer::try_from(pair.serialize_der()).unwrap();
    (chain, key)
}

/// A sidecar that serves, with its records.
pub(crate) struct Sidecar {
    pub(crate) records: Records,
    pub(crate) running: Running,
}

impl Sidecar {
    /// Drains, and returns what was recorded.
    pub(crate) fn stop(self) -> Records {
        self.running.stop().unwrap();
        self.records
    }

    pub(crate) fn inbound(&self) -> SocketAddr {
        self.running.addresses().inbound.unwrap()
    }

    pub(crate) fn outbound(&self) -> SocketAddr {
        self.running.addresses().outbound[0]
    }

    /// Waits until the metrics have `line`.
    pub(crate) fn shows(&self, line: &str) {
        let mut metrics = String::new();
        for _ in 0..LOOKS {
            metrics = self.window("/metrics");
            if metrics.lines().any(|found| found == line) {
                return;
            }
        }
        panic!("there is no `{line}` in {metrics}");
    }

    /// Waits until the window shows `word` at `path`.
    pub(crate) fn says(&self, path: &str, word: &str) {
        let mut looks = (0..LOOKS).map(|_| self.window(path));
        assert!(looks.any(|text| text.contains(word)), "{path}: no `{word}`");
    }

    /// What the operator's window shows at `path`.
    pub(crate) fn window(&self, path: &str) -> String {
        window(self.running.addresses().admin.unwrap(), path)
    }
}

/// What the operator's window at `admin` shows at `path`.
pub(crate) fn window(admin: SocketAddr, path: &str) -> String {
    let mut operator = Caller::plain(admin);
    operator.send(format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    ));
    String::from_utf8(operator.answer().body).unwrap()
}

/// Waits until `is_so`.
pub(crate) fn eventually(mut is_so: impl FnMut() -> bool) {
    let (_silent, pause) = mpsc::sync_channel::<()>(0);
    for _ in 0..DEADLINE.as_millis() {
        if is_so() {
            return;
        }
        assert!(pause.recv_timeout(Duration::from_millis(1)).is_err());
    }
    panic!("it does not come to pass");
}

/// How often the metrics are looked at for what must happen: some seconds long.
const LOOKS: usize = 50_000;

/// `web` may call `orders`, except for what is under `/admin`.
const POLICY: &str = r#"
@id("web-calls-orders")
permit (
  principal == Workload::"spiffe://mesh.example/web",
  action in Action::"http",
  resource in Service::"orders"
)
when { context.host != "nobody" };

@id("nobody-administrates")
forbid (principal, action, resource in Route::"orders:/admin/**");

@id("closed-without-a-ticket")
forbid (principal, action, resource in Route::"orders:/tickets")
unless { context.headers has "x-ticket" && context.headers["x-ticket"] like "OPS-*" };

@id("nobody-debugs")
forbid (principal, action in Action::"http", resource in Route::"orders:/queried")
when { context.query.contains("debug") };

@id("safe-from-quantum-computers")
forbid (principal, action in Action::"http", resource in Route::"orders:/safe")
unless { context has tls && context.tls.group == "X25519MLKEM768" };

@id("young-certificates")
forbid (principal, action in Action::"http", resource in Route::"orders:/young")
unless { context has tls && context.tls.notAfter.durationSince(context.tls.notBefore) <= duration("1s") };

@id("fails")
forbid (principal, action, resource in Route::"orders:/overflow")
when { context.utc.date + 9223372036854775807 > 0 };
"#;
