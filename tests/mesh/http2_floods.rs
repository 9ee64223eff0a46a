//! HTTP/2 connections that are kept busy with what is no request.

use crate::frames::DATA;
use crate::frames::END_STREAM;
use crate::frames::Framed;
use crate::frames::HEADERS;
use crate::frames::PING;
use crate::frames::PRIORITY;
use crate::frames::RST_STREAM;
use crate::frames::SETTINGS;
use crate::frames::WINDOW_UPDATE;
use crate::frames::frame;
use crate::frames::head;
use crate::http2_heads::ARRIVES;
use crate::http2_heads::TWIN;
use crate::http2_heads::pass;
use crate::trial::Trial;
use crate::trial::served;

#[test]
fn a_flood_of_any_kind_is_told_to_calm_down_and_recorded() {
    let trial = Trial::new("");
    for (kind, sent) in floods() {
        println!("{kind}");
        let mut framed = Framed::begin(trial.call_http2());
        pass(&trial, &mut framed, 1, TWIN, ARRIVES);
        framed.send(&sent.repeat(MANY));
        pass(&trial, &mut framed, 3, TWIN, ARRIVES);
        framed.try_send(&sent.repeat(TOO_MANY));
        // ENHANCE_YOUR_CALM.
        assert_eq!(framed.outcome(5).refusal(), "goaway 11", "{kind}");
        framed.ends();
        let record = trial.orders.records.next();
        assert_eq!(
            record.says(["decision", "reason", "caller"]),
            format!("refused http2_flood:{kind} spiffe://mesh.example/web")
        );
        trial.orders.shows(&format!(
            "portreeve_offences_total{{door=\"inbound\",reason=\"http2_flood:{kind}\"}} 1"
        ));
    }
    trial.application.was_not_called();
    let mut framed = Framed::begin(trial.call_http2());
    pass(&trial, &mut framed, 1, TWIN, ARRIVES);
    trial.orders.records.are_all_read();
}

#[test]
fn what_is_under_way_ends_with_a_connection_that_is_flooded() {
    let trial = Trial::new("");
    let mut framed = Framed::begin(trial.call_http2());
    framed.send(&head(1, END_STREAM, TWIN));
    let mut call = trial.application.call();
    call.head();
    framed.try_send(&frame(PING, 0, 0, &[7; 8]).repeat(TOO_MANY));
    assert_eq!(call.rest(), "");
    framed.ends();
    let reasons = [(); 2].map(|()| trial.orders.records.next().text("reason"));
    assert_eq!(reasons, ["http2_flood", "http2_flood:ping"]);
}

#[test]
fn whoever_gets_data_may_open_its_windows_in_small_steps() {
    let trial = Trial::new("");
    let mut framed = Framed::begin(trial.call_http2());
    framed.send(&head(1, END_STREAM, TWIN));
    let mut call = trial.application.call();
    call.head();
    let sending = std::thread::spawn(move || {
        call.send(format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {LARGE}\r\n\r\n"
        ));
        call.send(vec![b'a'; LARGE]);
        call
    });
    let (mut got, mut steps) = (0, 0);
    while got < LARGE {
        let part = framed.read();
        if part.kind == DATA {
            got += part.payload.len();
            let by_step = part.payload.len().div_ceil(2 * 1024);
            for stream in [0, 1] {
                let step = frame(WINDOW_UPDATE, 0, stream, &[0, 0, 8, 0]);
                framed.send(&step.repeat(by_step));
                steps += by_step;
            }
        }
    }
    assert!(steps > 2 * TOO_MANY, "{steps} steps prove nothing");
    drop(sending.join().unwrap());
    assert_eq!(
        trial.orders.records.next().says(["status", "reason"]),
        "200 "
    );
    framed.send(&head(3, END_STREAM, TWIN));
    served(&mut trial.application.call());
    framed.next(HEADERS);
}

/// Each kind, and a frame that HTTP/2 allows at any time after stream 1.
fn floods() -> [(&'static str, Vec<u8>); 6] {
    [
        ("ping", frame(PING, 0, 0, &[7; 8])),
        ("priority", frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 1])),
        ("reset", frame(RST_STREAM, 0, 1, &[0, 0, 0, 8])),
        ("settings", frame(SETTINGS, 0, 0, &[])),
        ("unknown", frame(0xee, 0, 0, b"?")),
        ("window_update", frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])),
    ]
}

/// More than anybody has reason to send at once.
const MANY: usize = 800;
/// More than that, also for whoever waits a second.
const TOO_MANY: usize = 6_000;
/// Bytes of a response.
const LARGE: usize = 16 * 1024 * 1024;
