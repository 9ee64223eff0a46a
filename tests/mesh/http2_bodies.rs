//! Bodies in HTTP/2 that are not what was announced.

use crate::frames::END_STREAM;
use crate::frames::Framed;
use crate::frames::Outcome;
use crate::frames::RST_STREAM;
use crate::frames::data;
use crate::frames::frame;
use crate::frames::head;
use crate::trial::Trial;
use crate::trial::anonymous;

#[test]
fn a_body_is_as_long_as_was_announced_or_never_looks_complete() {
    let trial = Trial::new("");
    for (length, body) in [
        ("5", data(1, END_STREAM, b"abc")),
        ("5", [data(1, 0, b"abc"), data(1, END_STREAM, b"")].concat()),
        (
            "5",
            [data(1, 0, b"abc"), head(1, END_STREAM, &[("x", "y")])].concat(),
        ),
        ("2", data(1, END_STREAM, b"abc")),
        ("2", [data(1, 0, b"ab"), data(1, END_STREAM, b"c")].concat()),
        ("5", frame(RST_STREAM, 0, 1, &[0, 0, 0, 8])),
    ] {
        let mut framed = Framed::begin(trial.call_http2());
        framed.send(&head(1, 0, &post(length)));
        let mut call = trial.application.call();
        assert!(
            call.head()
                .contains(&format!("\r\ncontent-length: {length}\r\n"))
        );
        framed.send(&body);
        let arrived = call.rest();
        assert!(arrived.len() < 5, "{length}: {arrived:?}");
        let record = trial.orders.records.next();
        assert_eq!(record.says(["decision", "reason"]), "permit caller_gone");

        framed.send(&[head(3, 0, &post("3")), data(3, END_STREAM, b"abc")].concat());
        let mut call = trial.application.call();
        call.head();
        assert_eq!(call.until("abc"), "abc");
        call.send("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok");
        assert_eq!(call.rest(), "");
        assert_eq!(
            framed.outcome(3),
            Outcome::Answer(Some(200), "ok".to_owned())
        );
        assert_eq!(trial.orders.records.next().text("status"), "200");
    }
}

#[test]
fn trailers_of_a_request_go_nowhere() {
    let trial = Trial::new("");
    for trailers in [
        &[("x", "y")][..],
        &[("x-portreeve-caller", "me"), ("host", "evil")],
        &[("content-length", "1"), ("authorization", "x")],
        &[("grpc-status", "0")],
        // A library that reads no pseudo-header fields here.
        &[(":path", "/admin")],
    ] {
        let mut framed = Framed::begin(trial.call_http2());
        let request = [
            head(1, 0, POST),
            data(1, 0, b"abc"),
            head(1, END_STREAM, trailers),
        ];
        framed.send(&request.concat());
        let mut call = trial.application.call();
        let arrived = call.until("\r\n0\r\n\r\n");
        call.send("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok");
        assert_eq!(
            anonymous(&(arrived + &call.rest())),
            "POST /a HTTP/1.1\r\nhost: orders\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            "{trailers:?}"
        );
        assert_eq!(
            framed.outcome(1),
            Outcome::Answer(Some(200), "ok".to_owned())
        );
        assert_eq!(
            trial.orders.records.next().says(["status", "bytes_in"]),
            "200 3"
        );
    }
    for (trailers, outcome) in [
        (("connection", "close"), "reset 1"),
        (("X", "y"), "goaway 1"),
        (("x", "y\r\nz"), "goaway 1"),
    ] {
        let mut framed = Framed::begin(trial.call_http2());
        framed.send(&[head(1, 0, POST), data(1, 0, b"abc")].concat());
        let mut call = trial.application.call();
        call.until("abc\r\n");
        framed.send(&head(1, END_STREAM, &[trailers]));
        assert_eq!(framed.outcome(1).refusal(), outcome, "{trailers:?}");
        assert_eq!(call.rest(), "", "it looks complete");
        let record = trial.orders.records.next();
        assert_eq!(record.text("decision"), "permit", "{trailers:?}");
        if outcome == "goaway 1" {
            let record = trial.orders.records.next();
            assert_eq!(record.text("reason"), "http2_violation");
        }
    }
}

const POST: &[(&str, &str)] = &[
    (":method", "POST"),
    (":scheme", "https"),
    (":authority", "orders"),
    (":path", "/a"),
];

fn post(length: &str) -> Vec<(&str, &str)> {
    vec![
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", "orders"),
        (":path", "/a"),
        ("content-length", length),
    ]
}
