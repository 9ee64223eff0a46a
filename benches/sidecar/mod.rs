//! A sidecar in this process, and an application, for benchmarks.

use std::io::Read as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use portreeve::app::App;
use portreeve::app::Running;
use portreeve::config::Config;
use portreeve::time::SystemClock;

/// One worker with `doors`, a part of its configuration in YAML. Its policies are in `dir/policy`, and the CA that all share in `dir/ca`.
pub(crate) fn sidecar(dir: &Path, name: &str, doors: &str) -> Running {
    let text = format!(
        "trust_domain: bench.example
identity: {{ embedded: {{ dir: ca, id: \"spiffe://bench.example/{name}\" }} }}
workers: 1
{doors}
policy: {{ dir: policy }}
audit: {{ file: {name}.jsonl }}
"
    );
    let config = Config::parse(&text, dir).unwrap();
    App::build(config, Arc::new(SystemClock))
        .unwrap()
        .start()
        .unwrap()
}

/// Answers every head of a request with `answer`, a thread for each connection.
pub(crate) fn application(answer: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.set_nodelay(true).unwrap();
            let answer = answer.clone();
            thread::spawn(move || {
                let mut head = [0; 4096];
                while let Ok(read @ 1..) = stream.read(&mut head) {
                    assert!(head[..read].ends_with(b"\r\n\r\n"));
                    stream.write_all(&answer).unwrap();
                }
            });
        }
    });
    address
}
