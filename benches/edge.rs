//! What a person's request costs at the edge, beside what a workload's costs inbound.
//!
//! Both doors are in this process, each with its worker; the caller keeps one
//! connection to each, and asks in turns. What is counted is the processor time
//! of the worker's own thread, so that neither the caller nor the application
//! matters. The ratio is what to look at: `cargo bench --bench edge`.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark may stop, and prints what it finds"
)]

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use portreeve::ca::Authority;
use portreeve::identity::Issuer as _;
use portreeve::policy::Person;
use portreeve::session;
use portreeve::session::Sessions;
use portreeve::session::Signed;
use portreeve::store::DatabaseSettings;
use portreeve::time::SystemClock;
use portreeve::x509::make_request;
use rcgen::CertificateParams;
use rcgen::KeyPair;
use rustls::ClientConfig;
use rustls::ClientConnection;
use rustls::StreamOwned;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::ServerName;

mod sidecar;
#[expect(dead_code, reason = "there are strangers who serve, too")]
#[path = "../tests/strangers/mod.rs"]
mod strangers;

use sidecar::application;

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 16\r\n\r\n0123456789abcdef";

const POLICY: &str = r#"
@id("web-reads")
permit (principal == Workload::"spiffe://bench.example/web", action == Action::"GET", resource in Route::"orders:/orders/{id}");

@id("engineers-read")
permit (principal in Group::"corp/eng", action == Action::"GET", resource in Route::"orders:/orders/{id}");
"#;

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    fs::create_dir(dir.join("policy")).unwrap();
    fs::write(dir.join("policy/bench.cedar"), POLICY).unwrap();
    let app = application(ANSWER.to_vec());
    let (inbound, workload) = started(|| {
        let doors =
            format!("inbound: {{ listen: \"127.0.0.1:0\", service: orders, app: \"{app}\" }}");
        sidecar::sidecar(dir, "orders", &doors)
    });
    let cookie = sign_in(dir);
    show(dir);
    let (edge, person) = started(|| sidecar::sidecar(dir, "edge", &edge_of(app)));
    let mut workload = Caller {
        head: request(""),
        stream: connect(inbound.addresses().inbound.unwrap(), svid(dir)),
        worker: workload,
    };
    let mut person = Caller {
        head: request(&format!("cookie: theme=dark; {cookie}\r\n")),
        stream: connect(
            edge.addresses().edge.unwrap(),
            strangers::client(None, &[b"http/1.1"]),
        ),
        worker: person,
    };
    for caller in [&mut workload, &mut person] {
        caller.costs(WARM_UP);
    }
    let mut ratios = Vec::new();
    for round in 1..=ROUNDS {
        let (inbound, edge) = (workload.costs(REQUESTS), person.costs(REQUESTS));
        let ratio = edge / inbound;
        println!(
            "round {round}: inbound {inbound:.2} us, edge {edge:.2} us of the worker, edge/inbound {ratio:.3}"
        );
        ratios.push(ratio);
    }
    ratios.sort_unstable_by(f64::total_cmp);
    println!("median edge/inbound {:.3}", ratios[ratios.len() / 2]);
    inbound.stop().unwrap();
    edge.stop().unwrap();
}

/// Somebody who asks again and again on one connection.
struct Caller {
    head: Vec<u8>,
    stream: StreamOwned<ClientConnection, TcpStream>,
    /// The thread that serves it.
    worker: String,
}

impl Caller {
    /// What one of so many requests costs the worker, in microseconds.
    fn costs(&mut self, requests: u32) -> f64 {
        let before = spent(&self.worker);
        for _ in 0..requests {
            self.ask();
        }
        (spent(&self.worker) - before).as_secs_f64() * 1e6 / f64::from(requests)
    }

    fn ask(&mut self) {
        self.stream.write_all(&self.head).unwrap();
        let mut answer = [0; 1024];
        let mut filled = 0;
        while !answer[..filled].ends_with(b"0123456789abcdef") {
            let read = self.stream.read(&mut answer[filled..]).unwrap();
            assert!(read > 0, "the connection ended");
            filled += read;
        }
        assert!(answer.starts_with(b"HTTP/1.1 200 "));
    }
}

fn request(more: &str) -> Vec<u8> {
    format!(
        "GET /orders/7 HTTP/1.1\r\nhost: orders\r\nuser-agent: bench\r\naccept: */*\r\n{more}\r\n"
    )
    .into()
}

fn connect(door: SocketAddr, config: ClientConfig) -> StreamOwned<ClientConnection, TcpStream> {
    let tcp = TcpStream::connect(door).unwrap();
    tcp.set_nodelay(true).unwrap();
    let name = ServerName::try_from("orders").unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), tcp)
}

/// What `start` starts, and the thread of its worker.
fn started<T>(start: impl FnOnce() -> T) -> (T, String) {
    let before = workers();
    let made = start();
    // A thread takes its name only when it runs.
    loop {
        if let Some(new) = workers().difference(&before).next() {
            return (made, new.clone());
        }
        thread::yield_now();
    }
}

/// The threads of all workers.
fn workers() -> BTreeSet<String> {
    let all = fs::read_dir("/proc/self/task").unwrap();
    let all = all.map(|task| task.unwrap().file_name().into_string().unwrap());
    all.filter(|task| {
        let name = fs::read_to_string(format!("/proc/self/task/{task}/comm"));
        name.is_ok_and(|name| name.starts_with("worker"))
    })
    .collect()
}

/// The processor time of a thread.
fn spent(thread: &str) -> Duration {
    let text = fs::read_to_string(format!("/proc/self/task/{thread}/schedstat")).unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

fn svid(dir: &Path) -> ClientConfig {
    let domain = "bench.example".parse().unwrap();
    let authority = Authority::open(&dir.join("ca"), domain, Arc::new(SystemClock)).unwrap();
    let pair = KeyPair::generate().unwrap();
    let id = "spiffe://bench.example/web".parse().unwrap();
    let request = make_request(&pair).unwrap();
    let chain = authority
        .issue(&request, &id, Authority::SVID_LIFETIME)
        .unwrap();
    let key = PrivateKeyDer::try_from(pair.serialize_der()).unwrap();
    strangers::client(Some((chain, key)), &[b"http/1.1"])
}

fn show(dir: &Path) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["orders".to_owned()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    fs::write(dir.join("web.crt"), certificate.pem()).unwrap();
    fs::write(dir.join("web.key"), key.serialize_pem()).unwrap();
}

fn edge_of(app: SocketAddr) -> String {
    format!(
        "edge:
  listen: \"127.0.0.1:0\"
  certificate: {{ certificate: web.crt, key: web.key }}
  providers: {{ corp: {{ issuer: \"https://127.0.0.1:9\", client_id: edge }} }}
  sessions: {{ store: {{ sqlite: sessions.db }}, key_file: sessions.key }}
  routes: [{{ host: orders, app: \"{app}\", service: orders }}]"
    )
}

/// What the browser of somebody shows who has signed in.
fn sign_in(dir: &Path) -> String {
    let settings = session::Settings {
        database: DatabaseSettings::Sqlite {
            path: dir.join("sessions.db"),
        },
        key_file: dir.join("sessions.key"),
        limits: session::Limits::default(),
    };
    let person = Person {
        acr: None,
        amr: BTreeSet::new(),
        authenticated_at: None,
        claims: [].into(),
        email: Some("alice@example.org".into()),
        email_verified: true,
        groups: ["eng", "ops"].into_iter().map(Into::into).collect(),
        name: None,
        provider: "corp".parse().unwrap(),
        roles: BTreeSet::new(),
        subject: "alice".parse().unwrap(),
    };
    let signed = Signed {
        good_until: None,
        host: "orders".to_owned(),
        id_token: None,
        person,
        refresh_token: None,
        sid: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let sessions = Sessions::open(settings, Arc::new(SystemClock))
            .await
            .unwrap();
        let id = sessions.create(signed, None).await.unwrap();
        format!("__Host-portreeve-session={}", *id.cookie())
    })
}

const ROUNDS: u32 = 9;
const REQUESTS: u32 = 10_000;
const WARM_UP: u32 = 5_000;
