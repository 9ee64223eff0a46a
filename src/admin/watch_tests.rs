//! What is told as it happens, through a real socket.

use crate::admin::Settings;
use crate::admin::tests::Steady;
use crate::admin::tests::ask;
use crate::admin::tests::get;
use crate::admin::tests::gist;
use crate::admin::tests::here;
use crate::admin::tests::log;
use crate::admin::tests::window_of;
use crate::audit::Decision;
use crate::audit::Door;
use crate::audit::End;
use crate::audit::Origin;
use crate::audit::Ruling;
use crate::audit::Shard;
use crate::audit::Start;
use http::StatusCode;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// Somebody who watches.
struct Eye {
    stream: TcpStream,
    seen: String,
}

impl Eye {
    async fn open(at: SocketAddr, path: &str) -> Self {
        let mut stream = TcpStream::connect(at).await.unwrap();
        stream.write_all(get(path).as_bytes()).await.unwrap();
        let seen = String::new();
        let mut eye = Self { stream, seen };
        eye.see("\r\n\r\n").await;
        eye
    }

    /// Reads until it has seen `text`.
    async fn see(&mut self, text: &str) {
        while !self.seen.contains(text) {
            let mut some = [0; 4_096];
            let read = self.stream.read(&mut some).await.unwrap();
            assert!(read > 0, "no {text} in {}", self.seen);
            self.seen
                .push_str(std::str::from_utf8(&some[..read]).unwrap());
        }
    }
}

/// Records one request for `path`.
fn record(shard: &Shard, path: &str, decision: Decision) {
    let mut start = Start::of(Origin::at(Door::Inbound));
    start.path = Some(path.to_owned().into());
    let mut entry = shard.begin().unwrap().entry(start);
    entry.ruled(Ruling::of(decision));
    entry.end(End {
        status: Some(StatusCode::OK),
        bytes_in: 0,
        bytes_out: 0,
        reason: None,
    });
}

/// Has `talk` with a window that ends when it does, over a log that is written.
async fn with_window(
    settings: Settings,
    talk: impl AsyncFnOnce(SocketAddr, Shard, oneshot::Sender<()>),
) {
    let dir = tempfile::tempdir().unwrap();
    let (log, writer) = log(dir.path().join("log"));
    let shard = log.shard(0).unwrap();
    let writing = std::thread::spawn(|| writer.run());
    let report = Arc::new(Steady { log: log.clone() });
    let (window, _readiness) = window_of(settings, report).await;
    let at = window.address();
    let (stop, stopped) = oneshot::channel();
    let served = window.serve(async {
        let _either = stopped.await;
    });
    tokio::join!(served, talk(at, shard, stop));
    log.stop();
    writing.join().unwrap().unwrap();
}

#[tokio::test]
async fn records_that_are_wanted_are_told_when_they_are_written_and_then_the_end() {
    with_window(here(), async |at, shard, stop| {
        let mut eye = Eye::open(at, "/records?path=/one*&decision=permit").await;
        eye.see(":\n\n").await;
        assert!(eye.seen.contains("\r\ncontent-type: text/event-stream\r\n"));
        assert!(!eye.seen.contains("access-control"), "{}", eye.seen);
        record(&shard, "/two", Decision::Permit);
        record(&shard, "/one/no", Decision::Deny);
        record(&shard, "/one/yes", Decision::Permit);
        eye.see("/one/yes").await;
        assert!(!eye.seen.contains("/two") && !eye.seen.contains("/one/no"));
        stop.send(()).unwrap();
        eye.see("event: end\ndata: {}\n\n\r\n0\r\n\r\n").await;
    })
    .await;
}

#[tokio::test]
async fn traffic_tells_who_calls_whom_and_how_we_are() {
    with_window(here(), async |at, shard, stop| {
        let mut eye = Eye::open(at, "/traffic").await;
        eye.see("data: {\"seconds\":1,\"missed\":0,\"pairs\":[],\"status\":{\"version\"").await;
        record(&shard, "/one", Decision::Deny);
        eye.see("\"door\":\"inbound\",\"requests\":1,\"denied\":1,\"refused\":0,\"errors\":0,\"p50_us\":").await;
        drop(stop);
        eye.see("event: end").await;
    })
    .await;
}

#[tokio::test]
async fn as_many_watch_as_may_and_the_next_when_one_has_gone() {
    let settings = Settings {
        most_watchers: 1,
        ..here()
    };
    with_window(settings, async |at, _shard, stop| {
        let mut first = Eye::open(at, "/records").await;
        first.see(":\n\n").await;
        let refused = ask(at, &get("/traffic")).await;
        let (status, advice) = gist(&refused);
        assert_eq!(status, "HTTP/1.1 503 Service Unavailable");
        assert!(advice.contains("close another"), "{advice}");
        // Others than watchers are answered.
        assert_eq!(gist(&ask(at, &get("/livez")).await).0, "HTTP/1.1 200 OK");
        drop(first);
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        loop {
            let mut next = Eye::open(at, "/records").await;
            if next.seen.starts_with("HTTP/1.1 200 OK") {
                next.see(":\n\n").await;
                break;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "the place stays taken"
            );
        }
        drop(stop);
    })
    .await;
}

#[tokio::test]
async fn whoever_watches_may_do_so_for_longer_than_an_answer_may_take() {
    let settings = Settings {
        timeout: Duration::from_millis(50),
        most_connections: NonZeroUsize::MIN.saturating_add(1),
        ..here()
    };
    with_window(settings, async |at, shard, stop| {
        let mut eye = Eye::open(at, "/records").await;
        // Somebody who came later and says nothing is closed before.
        let mut silent = TcpStream::connect(at).await.unwrap();
        silent.write_all(b"GET /li").await.unwrap();
        let mut rest = Vec::new();
        silent.read_to_end(&mut rest).await.unwrap();
        record(&shard, "/late", Decision::Permit);
        eye.see("/late").await;
        drop(stop);
    })
    .await;
}
