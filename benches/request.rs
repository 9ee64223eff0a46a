//! One request at a time through a pair of sidecars, and without them.
//!
//! Both sidecars, the caller and the application are in this process and share
//! its cores, so the figures are latencies of a quiet pair, not throughput:
//! for what a request costs a loaded pair, beside other programs, there is
//! `make bench-pair`.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::significant_drop_tightening,
    reason = "a benchmark may stop"
)]

use std::fs;
use std::hint::black_box;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpStream;

use criterion::Criterion;
use criterion::criterion_group;
use criterion::criterion_main;

mod sidecar;

use sidecar::application;
use sidecar::sidecar;

const REQUEST: &[u8] =
    b"GET /orders/7 HTTP/1.1\r\nhost: orders\r\nuser-agent: bench\r\naccept: */*\r\n\r\n";
const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 16\r\n\r\n0123456789abcdef";

const POLICY: &str = r#"@id("web-reads")
permit (
  principal == Workload::"spiffe://bench.example/web",
  action == Action::"GET",
  resource in Route::"orders:/orders/{id}"
);
"#;

fn requests(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("policy")).unwrap();
    fs::write(dir.path().join("policy/bench.cedar"), POLICY).unwrap();
    let app = application(ANSWER.to_vec());
    let orders = sidecar(
        dir.path(),
        "orders",
        &format!("inbound: {{ listen: \"127.0.0.1:0\", service: orders, app: \"{app}\" }}"),
    );
    let to = orders.addresses().inbound.unwrap();
    let web = sidecar(
        dir.path(),
        "web",
        &format!(
            "outbound: [{{ listen: \"127.0.0.1:0\", to: \"{to}\", service: orders, expect: \"spiffe://bench.example/orders\" }}]"
        ),
    );
    let door = web.addresses().outbound[0];

    let mut group = criterion.benchmark_group("request");
    for (name, address) in [("direct", app), ("through-a-pair", door)] {
        let mut caller = TcpStream::connect(address).unwrap();
        caller.set_nodelay(true).unwrap();
        group.bench_function(name, |bencher| bencher.iter(|| ask(&mut caller)));
    }
    group.finish();
    web.stop().unwrap();
    orders.stop().unwrap();
}

/// One request, answered with a 200.
fn ask(caller: &mut TcpStream) {
    caller.write_all(REQUEST).unwrap();
    let mut answer = [0; 1024];
    let mut filled = 0;
    while !answer[..filled].ends_with(b"0123456789abcdef") {
        let read = caller.read(&mut answer[filled..]).unwrap();
        assert!(read > 0, "the connection ended");
        filled += read;
    }
    assert!(black_box(&answer).starts_with(b"HTTP/1.1 200 "));
}

criterion_group!(benches, requests);
criterion_main!(benches);
