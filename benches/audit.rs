//! What it costs the writer of records that they are a chain.
//!
//! `copied`: lines of a usual length go from one buffer into another, as they did before there was a chain. `sealed`: the
//! same, each with its number and its hash. The difference is what the chain costs a record; a request does not wait for it.
//! `verified`: what an auditor needs for a record. `signed`: one checkpoint.

#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot be set up has failed"
)]

use std::hint::black_box;

use criterion::Criterion;
use criterion::Throughput;
use criterion::criterion_group;
use criterion::criterion_main;
use portreeve::audit::Chain;
use portreeve::audit::SigningKey;
use portreeve::audit::Verifier;

/// As the door for workloads writes it of a permitted request: 561 bytes.
const LINE: &str = r#"{"time":"2027-01-15T12:00:00.000000Z","id":"0123456789abcdef00000000000000ff","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","door":"inbound","caller":"spiffe://example.org/ns/shop/sa/web","source":"10.42.0.17:49152","method":"GET","host":"orders.shop.svc","path":"/orders/7","route":"orders:/orders/{id}","decision":"permit","policies":["web-reads-orders"],"revision":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","status":200,"bytes_in":0,"bytes_out":2048,"duration_us":431,"protocol":"HTTP/2","app_protocol":"HTTP/1.1"}"#;

/// So many at once: what a busy sidecar has after 5 ms.
const LINES: usize = 100;

fn audit(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("audit");
    group.throughput(Throughput::Elements(1));
    let (mut out, mut nth) = (Vec::with_capacity(LINES * 1024), 0);
    let mut next = |out: &mut Vec<u8>| {
        nth = (nth + 1) % LINES;
        if nth == 0 {
            out.clear();
        }
    };
    group.bench_function("copied", |bencher| {
        bencher.iter(|| {
            next(&mut out);
            out.extend_from_slice(black_box(LINE.as_bytes()));
            out.push(b'\n');
        });
    });
    let mut chain = Chain::default();
    group.bench_function("sealed", |bencher| {
        bencher.iter(|| {
            next(&mut out);
            chain.seal(black_box(LINE.as_bytes()), &mut out);
        });
    });
    let (mut chain, mut log) = (Chain::default(), Vec::new());
    (0..LINES).for_each(|_| chain.seal(LINE.as_bytes(), &mut log));
    group.throughput(Throughput::Elements(u64::try_from(LINES).unwrap()));
    group.bench_function("verified", |bencher| {
        bencher.iter(|| {
            let mut verifier = Verifier::new(None);
            verifier.read("log", black_box(log.as_slice())).unwrap();
            verifier.finish()
        });
    });
    let key = SigningKey::generate("orders.example.org").unwrap();
    let text =
        "orders.example.org\n100\nn4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=\nlog 0\ntime 2027\n";
    group.throughput(Throughput::Elements(1));
    group.bench_function("signed", |bencher| {
        bencher.iter(|| key.sign(black_box(text)));
    });
    group.finish();
}

criterion_group!(benches, audit);
criterion_main!(benches);
