//! HTTP/2 connections that break the protocol, or overuse it.

use crate::frames::CONTINUATION;
use crate::frames::DATA;
use crate::frames::END_HEADERS;
use crate::frames::END_STREAM;
use crate::frames::Framed;
use crate::frames::HEADERS;
use crate::frames::PUSH_PROMISE;
use crate::frames::RST_STREAM;
use crate::frames::SETTINGS;
use crate::frames::WINDOW_UPDATE;
use crate::frames::block;
use crate::frames::data;
use crate::frames::frame;
use crate::frames::head;
use crate::http2_heads::ARRIVES;
use crate::http2_heads::TWIN;
use crate::http2_heads::pass;
use crate::trial::Trial;

#[test]
fn a_broken_frame_ends_its_connection_and_is_recorded() {
    let trial = Trial::new("");
    for (what, sent, outcome) in broken() {
        let mut framed = Framed::begin(trial.call_http2());
        framed.try_send(&sent);
        assert_eq!(framed.outcome(1).refusal(), outcome, "{what}");
        framed.ends();
        let record = trial.orders.records.next();
        assert_eq!(
            record.says(["decision", "reason"]),
            "refused http2_violation",
            "{what}"
        );
        let mut framed = Framed::begin(trial.call_http2());
        pass(&trial, &mut framed, 1, TWIN, ARRIVES);
        trial.application.was_not_called();
    }
}

#[test]
fn a_stream_is_never_used_twice() {
    let trial = Trial::new("");
    for again in [1, 3] {
        let mut framed = Framed::begin(trial.call_http2());
        pass(&trial, &mut framed, 5, TWIN, ARRIVES);
        framed.send(&head(again, END_STREAM, TWIN));
        framed.ends();
        let record = trial.orders.records.next();
        assert_eq!(record.text("reason"), "http2_violation");
        trial.application.was_not_called();
    }
}

#[test]
fn a_flood_ends_its_connection() {
    let mut continuations = frame(HEADERS, END_STREAM, 1, &block(TWIN));
    continuations.extend(frame(CONTINUATION, 0, 1, &[]).repeat(10_000));
    let mut long = frame(HEADERS, END_STREAM, 1, &block(TWIN));
    long.extend(frame(CONTINUATION, 0, 1, &block(&[("x", &"y".repeat(16_000))])).repeat(100));
    let resets = (0..10_000u32).flat_map(|nth| {
        let stream = nth * 2 + 1;
        [
            head(stream, END_STREAM, ADMIN),
            frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]),
        ]
    });
    let broken = (0..10_000u32).map(|nth| head(nth * 2 + 1, END_STREAM, &TWIN[1..]));
    let floods = [
        ("continuations", continuations),
        ("a head without end", long),
        ("resets", resets.collect::<Vec<_>>().concat()),
        ("malformed heads", broken.collect::<Vec<_>>().concat()),
    ];
    for (what, flood) in floods {
        let trial = Trial::new("");
        let mut framed = Framed::begin(trial.call_http2());
        framed.try_send(&flood);
        println!("{what}");
        framed.ends();
        trial.application.was_not_called();
        loop {
            let record = trial.orders.records.next();
            if record.text("reason") == "http2_violation" {
                break;
            }
        }
        let mut framed = Framed::begin(trial.call_http2());
        pass(&trial, &mut framed, 1, TWIN, ARRIVES);
    }
}

/// What breaks the protocol, and how the connection ends.
fn broken() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    vec![
        ("a head on stream 0", head(0, END_STREAM, TWIN), "goaway 1"),
        (
            "a head on an even stream",
            head(2, END_STREAM, TWIN),
            "goaway 1",
        ),
        ("data on stream 0", data(0, END_STREAM, b"a"), "goaway 1"),
        (
            "data on a stream that is not open",
            data(1, 0, b"a"),
            "goaway 1",
        ),
        (
            "a promise",
            frame(PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2]),
            "goaway 1",
        ),
        (
            "a continuation of nothing",
            frame(CONTINUATION, END_HEADERS, 1, &[]),
            "goaway 1",
        ),
        (
            "another frame within a head",
            [
                frame(HEADERS, END_STREAM, 1, &block(TWIN)),
                data(1, 0, b"a"),
            ]
            .concat(),
            "goaway 1",
        ),
        (
            "an index that is in no table",
            frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0xff, 0xff, 0x7f]),
            "goaway 1",
        ),
        (
            "a head that is cut short",
            frame(HEADERS, END_HEADERS | END_STREAM, 1, &[0, 5, b'x']),
            "goaway 1",
        ),
        (
            "a frame that is too large",
            frame(DATA, 0, 1, &[0; 16_385]),
            "goaway 6",
        ),
        (
            "settings of half a size",
            frame(SETTINGS, 0, 0, &[0; 5]),
            "goaway 1",
        ),
        (
            "a window beyond all measure",
            frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff]).repeat(2),
            "goaway 3",
        ),
    ]
}

const ADMIN: &[(&str, &str)] = &[
    (":method", "GET"),
    (":scheme", "https"),
    (":authority", "orders"),
    (":path", "/admin"),
];
