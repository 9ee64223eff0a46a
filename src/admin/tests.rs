//! The window, through a real socket.

use crate::admin::AuditState;
use crate::admin::Identity;
use crate::admin::Listener;
use crate::admin::Live;
use crate::admin::Policy;
use crate::admin::Readiness;
use crate::admin::Report;
use crate::admin::Settings;
use crate::admin::Status;
use crate::admin::Trouble;
use crate::admin::Window;
use crate::admin::page;
use crate::audit::Log;
use crate::audit::Sink;
use crate::audit::Watcher;
use crate::audit::Writer;
use crate::metrics::Exposition;
use crate::time::Clock;
use crate::time::SystemClock;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// Things are as they are.
#[derive(Debug)]
pub(super) struct Steady {
    pub(super) log: Log,
}

impl Report for Steady {
    fn checkpoint(&self) -> Option<Arc<str>> {
        Some("a checkpoint\n".into())
    }

    fn status(&self) -> Status {
        let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_014_400);
        Status {
            identity: Some(Identity {
                spiffe_id: "spiffe://example.org/ns/default/sa/orders".parse().unwrap(),
                not_before: noon,
                not_after: noon + Duration::from_secs(3_600),
                last_error: None,
            }),
            policy: Some(Policy {
                version: None,
                revision: "abc".to_owned(),
                loaded_at: noon,
                last_error: Some(Trouble {
                    reason: "a.cedar:1:1: no".to_owned(),
                    since: noon,
                }),
            }),
            listeners: vec![Listener {
                door: "inbound",
                address: "127.0.0.1:15006".parse().unwrap(),
                to: Some("127.0.0.1:8080".to_owned()),
            }],
            live: Live {
                connections: 2,
                streams: 3,
            },
            audit: AuditState {
                taken_records: 1,
                room_records: 9,
                written_records: 4,
                failure: None,
                reopen_failure: None,
            },
        }
    }

    fn watch(&self) -> Watcher {
        self.log.watch()
    }
}

/// A log that nobody writes yet.
pub(super) fn log(file: PathBuf) -> (Log, Writer) {
    let settings = crate::audit::Settings::new(Sink::File(file));
    Log::open(&settings, NonZeroUsize::MIN, Arc::new(SystemClock)).unwrap()
}

fn steady() -> Arc<Steady> {
    let (log, _writer) = log("/dev/null".into());
    Arc::new(Steady { log })
}

async fn window(settings: Settings) -> (Window, Readiness) {
    window_of(settings, steady()).await
}

pub(super) async fn window_of(settings: Settings, report: Arc<Steady>) -> (Window, Readiness) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let readiness = Readiness::default();
    let exposition = Exposition::new(&clock).unwrap();
    let window = Window::bind(settings, exposition, readiness.clone(), report);
    (window.await.unwrap(), readiness)
}

pub(super) fn here() -> Settings {
    Settings {
        listen: "127.0.0.1:0".parse().unwrap(),
        ..Settings::default()
    }
}

/// Sends `request` and answers all that comes back.
pub(super) async fn ask(at: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(at).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

pub(super) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n")
}

/// The status line and the body.
pub(super) fn gist(answer: &str) -> (&str, &str) {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap(), body)
}

#[tokio::test]
async fn is_alive_and_ready_unless_something_is_missing() {
    let (window, readiness) = window(here()).await;
    let at = window.address();
    let talk = async {
        assert_eq!(
            gist(&ask(at, &get("/livez")).await),
            ("HTTP/1.1 200 OK", "ok\n")
        );
        let ready = ask(at, &get("/readyz")).await;
        assert_eq!(gist(&ready), ("HTTP/1.1 200 OK", "{\"ready\":true}\n"));
        let block = readiness.block("policy", "no policy is loaded");
        readiness.watch("identity", || Some("the SVID has expired".to_owned()));
        let expected = concat!(
            r#"{"ready":false,"not_ready":[{"condition":"policy","detail":"no policy is loaded"},"#,
            r#"{"condition":"identity","detail":"the SVID has expired"}]}"#,
            "\n",
        );
        let unready = ask(at, &get("/readyz")).await;
        assert_eq!(
            gist(&unready),
            ("HTTP/1.1 503 Service Unavailable", expected)
        );
        assert_eq!(gist(&ask(at, &get("/livez")).await).0, "HTTP/1.1 200 OK");
        drop(block);
    };
    window.serve(talk).await;
}

#[tokio::test]
async fn says_how_we_are() {
    let (window, readiness) = window(here()).await;
    let at = window.address();
    let talk = async {
        let _draining = readiness.block("draining", "told to stop");
        let expected = [
            concat!(
                r#"{"version":""#,
                env!("CARGO_PKG_VERSION"),
                r#"","ready":false"#
            ),
            r#""not_ready":[{"condition":"draining","detail":"told to stop"}]"#,
            r#""identity":{"spiffe_id":"spiffe://example.org/ns/default/sa/orders""#,
            r#""not_before":"2027-01-15T12:00:00Z","not_after":"2027-01-15T13:00:00Z"}"#,
            r#""policy":{"revision":"abc","loaded_at":"2027-01-15T12:00:00Z""#,
            r#""last_error":{"reason":"a.cedar:1:1: no","since":"2027-01-15T12:00:00Z"}}"#,
            r#""listeners":[{"door":"inbound","address":"127.0.0.1:15006","to":"127.0.0.1:8080"}]"#,
            r#""live":{"connections":2,"streams":3}"#,
            r#""audit":{"taken_records":1,"room_records":9,"written_records":4}}"#,
        ];
        let answer = ask(at, &get("/status")).await;
        assert_eq!(
            gist(&answer),
            ("HTTP/1.1 200 OK", (expected.join(",") + "\n").as_str())
        );
        for header in [
            "content-type: application/json",
            "cache-control: no-store",
            "connection: close",
        ] {
            assert!(answer.contains(&format!("\r\n{header}\r\n")), "{answer}");
        }
    };
    window.serve(talk).await;
}

#[tokio::test]
async fn shows_what_is_counted() {
    let (window, _readiness) = window(here()).await;
    let at = window.address();
    let talk = async {
        let checkpoint = ask(at, &get("/audit/checkpoint")).await;
        assert_eq!(gist(&checkpoint), ("HTTP/1.1 200 OK", "a checkpoint\n"));
        assert!(checkpoint.contains("\r\ncontent-type: text/plain; charset=utf-8\r\n"));
        let answer = ask(at, &get("/metrics?since=ever")).await;
        assert!(answer.contains("\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8\r\n"));
        assert!(
            gist(&answer)
                .1
                .contains("\n# TYPE portreeve_build_info gauge\n"),
            "{answer}"
        );
        let head = ask(at, "HEAD /metrics HTTP/1.1\r\nhost: [::1]:1\r\n\r\n").await;
        assert_eq!(gist(&head), ("HTTP/1.1 200 OK", ""));
    };
    window.serve(talk).await;
}

/// What is asked, and what is said.
const STRANGE: &[(&str, &str)] = &[
    (
        "GET /window HTTP/1.1\r\nhost: localhost",
        "HTTP/1.1 404 Not Found",
    ),
    (
        "GET / HTTP/1.1\r\nhost: evil.example",
        "HTTP/1.1 403 Forbidden",
    ),
    ("GET / HTTP/1.1\r\nhost: localhost", "HTTP/1.1 200 OK"),
    (
        "GET /records HTTP/1.1\r\nhost: evil.example",
        "HTTP/1.1 403 Forbidden",
    ),
    (
        "POST /records HTTP/1.1\r\nhost: localhost",
        "HTTP/1.1 405 Method Not Allowed",
    ),
    (
        "GET /traffic HTTP/1.1\r\nhost: localhost\r\nsec-fetch-site: cross-site",
        "HTTP/1.1 403 Forbidden",
    ),
    (
        "GET /records HTTP/1.1\r\nhost: localhost\r\norigin: http://localhost:3000",
        "HTTP/1.1 403 Forbidden",
    ),
    (
        "GET /records?callre=x HTTP/1.1\r\nhost: localhost",
        "HTTP/1.1 400 Bad Request",
    ),
    (
        "GET /livez/ HTTP/1.1\r\nhost: localhost",
        "HTTP/1.1 404 Not Found",
    ),
    (
        "GET /status/key HTTP/1.1\r\nhost: localhost",
        "HTTP/1.1 404 Not Found",
    ),
    (
        "POST /status HTTP/1.1\r\nhost: localhost",
        "HTTP/1.1 405 Method Not Allowed",
    ),
    (
        "DELETE /livez HTTP/1.1\r\nhost: localhost",
        "HTTP/1.1 405 Method Not Allowed",
    ),
    (
        "GET /status HTTP/1.1\r\nhost: evil.example",
        "HTTP/1.1 403 Forbidden",
    ),
    (
        "GET /metrics HTTP/1.1\r\nhost: evil.example",
        "HTTP/1.1 403 Forbidden",
    ),
    (
        "GET /audit/checkpoint HTTP/1.1\r\nhost: evil.example",
        "HTTP/1.1 403 Forbidden",
    ),
    ("GET /status HTTP/1.1\r\nhost: 10.0.0.1", "HTTP/1.1 200 OK"),
    (
        "GET /livez HTTP/1.1\r\nhost: evil.example",
        "HTTP/1.1 200 OK",
    ),
    ("GET /status HTTP/1.1", "HTTP/1.1 403 Forbidden"),
    ("GET /status", "HTTP/1.1 400 Bad Request"),
];

#[tokio::test]
async fn refuses_what_is_not_to_be_looked_at() {
    let (window, _readiness) = window(here()).await;
    let at = window.address();
    let talk = async {
        for (request, status) in STRANGE {
            let answer = ask(at, &format!("{request}\r\n\r\n")).await;
            assert_eq!(gist(&answer).0, *status, "{request}");
        }
        let refusal = ask(at, "PUT /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        assert!(refusal.contains("\r\nallow: GET, HEAD\r\n"), "{refusal}");
    };
    window.serve(talk).await;
}

#[tokio::test]
async fn a_silent_connection_is_closed_and_makes_room_for_the_next() {
    let settings = Settings {
        timeout: Duration::from_millis(50),
        most_connections: NonZeroUsize::MIN,
        ..here()
    };
    let (window, _readiness) = window(settings).await;
    let at = window.address();
    let talk = async {
        let mut silent = TcpStream::connect(at).await.unwrap();
        silent.write_all(b"GET /li").await.unwrap();
        // There is room for one: this is answered when the other is closed.
        assert_eq!(
            gist(&ask(at, &get("/livez")).await),
            ("HTTP/1.1 200 OK", "ok\n")
        );
        let mut rest = Vec::new();
        silent.read_to_end(&mut rest).await.unwrap();
    };
    window.serve(talk).await;
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let (first, _readiness) = window(here()).await;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let exposition = Exposition::new(&clock).unwrap();
    let settings = Settings {
        listen: first.address(),
        ..here()
    };
    let second = Window::bind(settings, exposition, Readiness::default(), steady());
    let error = second.await.unwrap_err();
    let text = format!("cannot listen on `{}` for the operator", first.address());
    assert_eq!(
        (error.to_string(), error.cause.kind()),
        (text, std::io::ErrorKind::AddrInUse)
    );
}

#[test]
fn the_page_asks_nobody_else_for_anything() {
    for path in [
        "/",
        "/window.css",
        "/window.js",
        "/records.js",
        "/graph.js",
        "/status.js",
    ] {
        let answer = page::answer(page::file(path).unwrap());
        let policy = answer.headers()["content-security-policy"]
            .to_str()
            .unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"));
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
    }
}
