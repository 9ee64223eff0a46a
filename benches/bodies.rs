//! A megabyte through a pair of sidecars, by their doors for HTTP and for TCP, and
//! through a bare pair of relays.
//!
//! The bare pair is what one would write in an afternoon: rustls, and tokio's
//! own `copy_bidirectional` with as much buffer. It has no policy, no record and
//! no end. All are asked in turns, in this process, and what counts beside the
//! time is the processor time of the threads that relay: it does not mind what
//! else the machine does.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a benchmark may stop, spawns for itself, and tells what it found"
)]

use std::fs;
use std::io::Read as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use portreeve::ca::Authority;
use portreeve::identity::Issuer as _;
use portreeve::time::SystemClock;
use portreeve::x509::make_request;
use rcgen::KeyPair;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::ServerName;
use tokio::io::copy_bidirectional_with_sizes;
use tokio::time::Instant;

mod sidecar;
#[path = "../tests/strangers/mod.rs"]
mod strangers;

use sidecar::application;
use sidecar::sidecar;

const BODY: usize = 1_000_000;
const BODIES: usize = 200;
const ROUNDS: usize = 11;
const BUFFER: usize = 64 * 1024;

const POLICY: &str = r#"@id("web-connects")
permit (principal, action == Action::"connect", resource in Service::"db");
@id("web-reads")
permit (principal, action == Action::"GET", resource in Service::"db");
"#;

/// What the application answers with its body to.
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: db\r\n\r\n";
/// What Portreeve may add to the head.
const MORE_HEAD: usize = 1024;
const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n";

fn main() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("policy")).unwrap();
    fs::write(dir.path().join("policy/bench.cedar"), POLICY).unwrap();
    let app = application(answer());
    let to = format!("{{ listen: \"127.0.0.1:0\", service: db, app: \"{app}\" }}");
    let db = format!("inbound: {to}\ntcp: {{ inbound: [{to}] }}");
    let db = sidecar(dir.path(), "db", &db);
    let way = |to: SocketAddr| {
        format!(
            "[{{ listen: \"127.0.0.1:0\", to: \"{to}\", service: db, expect: \"spiffe://bench.example/db\" }}]"
        )
    };
    let [http, tcp] = [
        db.addresses().inbound.unwrap(),
        db.addresses().tcp_inbound[0],
    ]
    .map(way);
    let web = format!("outbound: {http}\ntcp: {{ outbound: {tcp} }}");
    let web = sidecar(dir.path(), "web", &web);
    let bare = bare_pair(dir.path(), app);
    let doors = [
        ("portreeve, HTTP", web.addresses().outbound[0], "worker"),
        ("portreeve, TCP", web.addresses().tcp_outbound[0], "worker"),
        ("bare", bare, "bare"),
    ];
    let mut figures = [const { Vec::new() }; 3];
    for _round in 0..ROUNDS {
        for (at, (_, door, thread)) in doors.iter().enumerate() {
            figures[at].push(measure(*door, thread));
        }
    }
    let medians = figures.map(|mut of| {
        let mut by = |key: fn(&Figure) -> Duration| {
            of.sort_by_key(key);
            key(&of[of.len() / 2])
        };
        (by(|figure| figure.time), by(|figure| figure.processor))
    });
    for ((name, ..), (time, processor)) in doors.iter().zip(medians) {
        let rate = (BODY * BODIES) as f64 / 1e6 / time.as_secs_f64();
        let each = processor / u32::try_from(BODIES).unwrap();
        println!("{name}: {rate:.0} MB/s, {each:?} of processor for each MB");
    }
    let [.., (bare, bare_cost)] = medians;
    for ((name, ..), (ours, cost)) in doors.iter().zip(medians).take(2) {
        println!(
            "{name}: rate {:.2} of the bare pair's, work per processor time {:.2}",
            bare.as_secs_f64() / ours.as_secs_f64(),
            bare_cost.as_secs_f64() / cost.as_secs_f64()
        );
    }
    web.stop().unwrap();
    db.stop().unwrap();
}

/// What a round took.
struct Figure {
    time: Duration,
    processor: Duration,
}

fn measure(door: SocketAddr, thread: &str) -> Figure {
    let mut caller = TcpStream::connect(door).unwrap();
    caller.set_nodelay(true).unwrap();
    let mut body = vec![0; HEAD.len() + BODY + MORE_HEAD];
    // The handshake is not what is measured.
    ask(&mut caller, &mut body);
    let (processor, began) = (processor_time(thread), Instant::now());
    for _ in 0..BODIES {
        ask(&mut caller, &mut body);
    }
    Figure {
        time: began.elapsed(),
        processor: processor_time(thread).checked_sub(processor).unwrap(),
    }
}

fn ask(caller: &mut TcpStream, body: &mut [u8]) {
    caller.write_all(REQUEST).unwrap();
    let mut filled = 0;
    // Portreeve adds to the head: the body's last byte tells the end.
    while filled < BODY || !body[..filled].ends_with(b".") {
        let read = caller.read(&mut body[filled..]).unwrap();
        assert!(read > 0, "the connection ended");
        filled += read;
    }
}

/// Of all threads whose name begins so.
fn processor_time(name: &str) -> Duration {
    let mut total = 0;
    for task in fs::read_dir("/proc/self/task").unwrap() {
        let task = task.unwrap().path();
        if fs::read_to_string(task.join("comm"))
            .unwrap()
            .starts_with(name)
        {
            let told = fs::read_to_string(task.join("schedstat")).unwrap();
            total += told.split(' ').next().unwrap().parse::<u64>().unwrap();
        }
    }
    Duration::from_nanos(total)
}

/// What the application answers each request with.
fn answer() -> Vec<u8> {
    let mut answer = HEAD.as_bytes().to_vec();
    answer.resize(HEAD.len() + BODY - 1, b'x');
    answer.push(b'.');
    answer
}

/// Both relays without a sidecar around them, each on a thread of its own.
fn bare_pair(dir: &Path, app: SocketAddr) -> SocketAddr {
    let domain = "bench.example".parse().unwrap();
    let authority = Authority::open(&dir.join("ca"), domain, Arc::new(SystemClock)).unwrap();
    let shown = |name: &str| {
        let pair = KeyPair::generate().unwrap();
        let id = format!("spiffe://bench.example/{name}").parse().unwrap();
        let request = make_request(&pair).unwrap();
        let chain = authority
            .issue(&request, &id, Authority::SVID_LIFETIME)
            .unwrap();
        (
            chain,
            PrivateKeyDer::try_from(pair.serialize_der()).unwrap(),
        )
    };
    let server = strangers::server(shown("db"), &[b"bare"]);
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(server));
    let inner = relay_thread("bare-in", move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let mut caller = acceptor.accept(stream).await.unwrap();
            let mut far = tokio::net::TcpStream::connect(app).await.unwrap();
            far.set_nodelay(true).unwrap();
            copy_bidirectional_with_sizes(&mut caller, &mut far, BUFFER, BUFFER).await
        }
    });
    let client = strangers::client(Some(shown("web")), &[b"bare"]);
    let connector = tokio_rustls::TlsConnector::from(Arc::new(client));
    relay_thread("bare-out", move |mut caller| {
        let connector = connector.clone();
        async move {
            let far = tokio::net::TcpStream::connect(inner).await.unwrap();
            far.set_nodelay(true).unwrap();
            let name = ServerName::try_from("db.bench.example").unwrap();
            let mut far = connector.connect(name, far).await.unwrap();
            copy_bidirectional_with_sizes(&mut caller, &mut far, BUFFER, BUFFER).await
        }
    })
}

/// A thread that relays each connection it gets.
fn relay_thread<F, R>(name: &str, relay: F) -> SocketAddr
where
    F: Fn(tokio::net::TcpStream) -> R + Send + 'static,
    R: Future<Output = std::io::Result<(u64, u64)>> + Send + 'static,
{
    let (told, address) = mpsc::sync_channel(1);
    let body = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            told.send(listener.local_addr().unwrap()).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).unwrap();
                tokio::spawn(relay(stream));
            }
        });
    };
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .unwrap();
    address.recv().unwrap()
}
