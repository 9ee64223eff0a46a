//! Responses of an application that speaks HTTP/2 by hand, at a caller that speaks HTTP/1.

use crate::application::Call;
use crate::frames::END_STREAM;
use crate::frames::GOAWAY;
use crate::frames::HEADERS;
use crate::frames::PREFACE;
use crate::frames::RST_STREAM;
use crate::frames::SETTINGS;
use crate::frames::data;
use crate::frames::frame;
use crate::frames::head;
use crate::trial::Trial;

#[test]
fn a_response_that_is_not_plain_http_2_is_refused() {
    for (what, sent) in broken() {
        let trial = Trial::with(", app_protocol: http2", "");
        let mut caller = trial.call();
        caller.send("GET /a HTTP/1.1\r\nhost: orders\r\n\r\n");
        let mut call = begin(trial.application.call());
        call.send(&sent);
        let answer = caller.answer();
        assert_eq!(answer.status(), 502, "{what}");
        assert_eq!(answer.reason(), "upstream_failed", "{what}");
        let record = trial.orders.records.next();
        assert_eq!(record.text("reason"), "upstream_failed", "{what}");
    }
}

#[test]
fn a_response_is_as_long_as_was_announced_or_never_looks_complete() {
    let ok = |length| head(1, 0, &[OK, ("content-length", length)]);
    let answers = [
        ("5", data(1, END_STREAM, b"ok")),
        ("2", data(1, END_STREAM, b"okHTTP/1.1 200 OK\r\n\r\n")),
        (
            "5",
            [data(1, 0, b"ok"), frame(RST_STREAM, 0, 1, &[0; 4])].concat(),
        ),
    ];
    for (length, body) in answers {
        let trial = Trial::with(", app_protocol: http2", "");
        let mut caller = trial.call();
        caller.send("GET /a HTTP/1.1\r\nhost: orders\r\n\r\n");
        let mut call = begin(trial.application.call());
        call.send([ok(length), body].concat());
        let answer = caller.rest();
        assert!(
            answer.matches("HTTP/1.1").count() <= 1,
            "{length}: {answer:?}"
        );
        assert!(
            !answer.ends_with("\r\n\r\nok") || length == "5",
            "{length}: {answer:?}"
        );
        assert_eq!(
            trial.orders.records.next().text("reason"),
            "response_broke_off",
            "{length}"
        );
    }
}

#[test]
fn a_plain_response_arrives_after_interim_ones() {
    let trial = Trial::with(", app_protocol: http2", "");
    let mut caller = trial.call();
    caller.send("GET /a HTTP/1.1\r\nhost: orders\r\n\r\n");
    let mut call = begin(trial.application.call());
    let early = head(1, 0, &[(":status", "103"), ("link", "</a>")]);
    let fields = [
        OK,
        ("keep", "1"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
    ];
    call.send([early, head(1, 0, &fields), data(1, END_STREAM, b"ok")].concat());
    let answer = caller.answer();
    assert_eq!(answer.text(), "ok");
    let mut head = answer.head;
    head.sort();
    assert_eq!(
        head,
        [
            "HTTP/1.1 200 OK",
            "keep: 1",
            "set-cookie: a=1",
            "set-cookie: b=2",
            "transfer-encoding: chunked"
        ]
    );
}

/// The application's end of HTTP/2, with the head of the request on `stream` there.
fn begin(mut call: Call) -> Call {
    assert_eq!(call.until(PREFACE), PREFACE);
    call.send(frame(SETTINGS, 0, 0, &[]));
    loop {
        let head = call.exactly(9);
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        call.exactly(length as usize);
        if head[3] == HEADERS {
            return call;
        }
    }
}

/// What is no response.
fn broken() -> Vec<(&'static str, Vec<u8>)> {
    let only = |fields: &[(&str, &str)]| head(1, END_STREAM, fields);
    let two = [OK, ("content-length", "2"), ("content-length", "3")];
    vec![
        ("no status", only(&[("x", "y")])),
        ("a status that is none", only(&[(":status", "abc")])),
        ("a switch", only(&[(":status", "101")])),
        ("a line's end", only(&[OK, ("x", "y\r\nz: a")])),
        ("a connection field", only(&[OK, ("connection", "close")])),
        (
            "a transfer coding",
            only(&[OK, ("transfer-encoding", "chunked")]),
        ),
        (
            "a length that is none",
            only(&[OK, ("content-length", "+0")]),
        ),
        (
            "a length without data",
            only(&[OK, ("content-length", "2")]),
        ),
        (
            "two lengths",
            [head(1, 0, &two), data(1, END_STREAM, b"ok")].concat(),
        ),
        ("data without a head", data(1, END_STREAM, b"ok")),
        ("a reset", frame(RST_STREAM, 0, 1, &[0, 0, 0, 2])),
        ("a farewell", frame(GOAWAY, 0, 0, &[0; 8])),
    ]
}

const OK: (&str, &str) = (":status", "200");
