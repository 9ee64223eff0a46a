//! Any bytes from a client: the guard says the same however they are cut up,
//! stays with what it said, and never panics.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve::http2::Flood;
use portreeve::http2::FloodGuard;
use tokio::time::Instant;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fuzz_target!(|input: &[u8]| {
    let Some(([size, times], frames)) = input.split_first_chunk() else {
        return;
    };
    let sent = [PREFACE, &frames.repeat(usize::from(*times).max(1))].concat();
    let now = Instant::now();
    let whole = FloodGuard::new(1, now).read(&sent, || now);
    let mut guard = FloodGuard::new(1, now);
    let mut last: Option<Flood> = None;
    for piece in sent.chunks(usize::from(*size).max(1)) {
        let verdict = guard.read(piece, || now);
        assert!(last.is_none() || verdict == last);
        last = verdict;
    }
    assert_eq!(last, whole);
});
