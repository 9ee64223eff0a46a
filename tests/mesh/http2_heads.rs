//! Requests that two servers could read differently, in HTTP/2.

use crate::frames::END_STREAM;
use crate::frames::Framed;
use crate::frames::Outcome;
use crate::frames::head;
use crate::trial::Trial;
use crate::trial::anonymous;

type Fields<'a> = &'a [(&'a str, &'a str)];

#[test]
fn a_head_that_breaks_the_protocol_resets_its_stream() {
    let trial = Trial::new("");
    for fields in BROKEN {
        refuse(&trial, fields, "reset 1", "malformed_message");
    }
}

#[test]
fn a_field_that_is_none_ends_its_connection() {
    let trial = Trial::new("");
    for fields in UNREADABLE {
        let mut framed = Framed::begin(trial.call_http2());
        framed.send(&head(1, END_STREAM, fields));
        assert_eq!(framed.outcome(1).refusal(), "goaway 1", "{fields:?}");
        framed.ends();
        let record = trial.orders.records.next();
        assert_eq!(record.text("reason"), "http2_violation", "{fields:?}");
        let mut framed = Framed::begin(trial.call_http2());
        pass(&trial, &mut framed, 1, TWIN, ARRIVES);
        trial.application.was_not_called();
    }
}

#[test]
fn a_head_with_two_readings_is_refused() {
    let trial = Trial::new("");
    for (fields, refusal) in REFUSED {
        let (_, reason) = refusal.split_once(' ').unwrap();
        refuse(&trial, fields, refusal, reason);
    }
}

#[test]
fn a_head_with_one_reading_arrives_in_one_form() {
    let trial = Trial::new("");
    let mut framed = Framed::begin(trial.call_http2());
    for (stream, (fields, arrives)) in (1..).step_by(2).zip(PASSED) {
        pass(&trial, &mut framed, stream, fields, arrives);
    }
}

#[test]
pub(crate) fn too_many_fields_are_refused() {
    let trial = Trial::new("limits: { headers: 10, uri_bytes: 100, header_bytes: 8192 }");
    let mut fields = TWIN.to_vec();
    fields.extend([("x", "y"); 10]);
    let arrives = format!(
        "GET /a HTTP/1.1\r\nhost: orders\r\n{}\r\n",
        "x: y\r\n".repeat(10)
    );
    let mut framed = Framed::begin(trial.call_http2());
    pass(&trial, &mut framed, 1, &fields, &arrives);
    fields.push(("x", "y"));
    refuse(&trial, &fields, "431 too_many_headers", "too_many_headers");

    let path = format!("/{}", "a".repeat(100));
    let fields = with_path(&path);
    refuse(&trial, &fields, "414 uri_too_long", "uri_too_long");

    // More than was ever announced is refused by the protocol layer: the
    // stream's end, and nobody else's.
    for (length, refusal) in [(9000, "431 head_too_large"), (17_000, "null ")] {
        let value = "y".repeat(length);
        let mut fields = TWIN.to_vec();
        fields.push(("x", &value));
        refuse(&trial, &fields, refusal, "head_too_large");
    }
}

fn with_path(path: &str) -> Vec<(&str, &str)> {
    vec![
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "orders"),
        (":path", path),
    ]
}

/// `fields` are refused and recorded, and the next request on the connection
/// is answered.
pub(crate) fn refuse(trial: &Trial, fields: Fields<'_>, refusal: &str, reason: &str) {
    println!("{fields:?}");
    let mut framed = Framed::begin(trial.call_http2());
    framed.send(&head(1, END_STREAM, fields));
    assert_eq!(framed.outcome(1).refusal(), refusal, "{fields:?}");
    let record = trial.orders.records.next();
    let is_denied = refusal.starts_with("403 ");
    let decision = if is_denied { "deny" } else { "refused" };
    assert_eq!(
        record.says(["decision", "reason", "caller"]),
        format!("{decision} {reason} spiffe://mesh.example/web"),
        "{fields:?}"
    );
    pass(trial, &mut framed, 3, TWIN, ARRIVES);
    trial.application.was_not_called();
    trial.orders.records.are_all_read();
}

pub(crate) fn pass(
    trial: &Trial,
    framed: &mut Framed,
    stream: u32,
    fields: Fields<'_>,
    arrives: &str,
) {
    framed.send(&head(stream, END_STREAM, fields));
    let mut call = trial.application.call();
    let arrived = call.head();
    call.send("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok");
    assert_eq!(anonymous(&(arrived + &call.rest())), arrives, "{fields:?}");
    let answer = Outcome::Answer(Some(200), "ok".to_owned());
    assert_eq!(framed.outcome(stream), answer, "{fields:?}");
    let record = trial.orders.records.next();
    assert_eq!(
        record.says(["decision", "status", "protocol"]),
        "permit 200 HTTP/2"
    );
}

const M: (&str, &str) = (":method", "GET");
const S: (&str, &str) = (":scheme", "https");
const A: (&str, &str) = (":authority", "orders");
const P: (&str, &str) = (":path", "/a");

pub(crate) const TWIN: Fields<'_> = &[M, S, A, P];
pub(crate) const ARRIVES: &str = "GET /a HTTP/1.1\r\nhost: orders\r\n\r\n";

/// RFC 9113 8: malformed.
const BROKEN: &[Fields<'_>] = &[
    &[S, A, P],
    &[M, A, P],
    &[M, S, A],
    &[M, M, S, A, P],
    &[M, (":method", "POST"), S, A, P],
    &[M, S, S, A, P],
    &[M, S, A, A, P],
    &[M, S, A, P, (":path", "/b")],
    &[M, S, A, ("x", "y"), P],
    &[("x", "y"), M, S, A, P],
    &[M, S, A, P, (":status", "200")],
    &[M, S, A, P, ("connection", "close")],
    &[M, S, A, P, ("keep-alive", "timeout=5")],
    &[M, S, A, P, ("proxy-connection", "keep-alive")],
    &[M, S, A, P, ("transfer-encoding", "chunked")],
    &[M, S, A, P, ("upgrade", "websocket")],
    &[M, S, A, P, ("te", "gzip")],
    &[M, S, A, P, ("te", "trailers, gzip")],
    &[M, S, A, (":path", "")],
    &[M, S, A, (":path", "/a b")],
    &[M, S, A, (":path", "/a HTTP/1.1\r\nhost: evil")],
    &[M, S, A, (":path", "/a\n")],
    &[M, S, A, (":path", "/a\0")],
    &[M, S, (":authority", "a b"), P],
    &[M, S, (":authority", "orders\r\nx: y"), P],
    &[M, S, (":authority", "orders/admin"), P],
    &[M, (":scheme", "ht tp"), A, P],
    &[(":method", "CONNECT"), S, A, P, (":protocol", "websocket")],
    &[M, S, A, P, (":protocol", "websocket")],
    &[M, S, A, P, ("content-length", "4")],
    &[M, S, A, P, ("content-length", "-1")],
];

/// No field at all, by RFC 9113 8.2.1.
const UNREADABLE: &[Fields<'_>] = &[
    &[(":method", "GET /admin HTTP/1.1\r\n"), S, A, P],
    &[(":method", "G T"), S, A, P],
    &[(":method", ""), S, A, P],
    &[M, S, A, P, (":x", "y")],
    &[M, S, A, P, (":", "y")],
    &[M, S, A, P, ("", "y")],
    &[M, S, A, P, ("X", "y")],
    &[M, S, A, P, ("x y", "z")],
    &[M, S, A, P, ("x:", "z")],
    &[M, S, A, P, ("x\r\nhost", "z")],
    &[M, S, A, P, ("x\0", "z")],
    &[M, S, A, P, ("x", "y\r\nhost: evil")],
    &[M, S, A, P, ("x", "y\nz")],
    &[M, S, A, P, ("x", "y\rz")],
    &[M, S, A, P, ("x", "y\0z")],
    &[
        M,
        S,
        A,
        P,
        ("cookie", "a=1"),
        ("cookie", "b=2\r\nhost: evil"),
    ],
];

const REFUSED: &[(Fields<'_>, &str)] = &[
    (&[M, S, P], "400 no_host"),
    (&[M, S, A, P, ("host", "evil")], "400 ambiguous_host"),
    (
        &[M, S, A, P, ("host", "orders"), ("host", "orders")],
        "400 ambiguous_host",
    ),
    (
        &[M, S, P, ("host", "orders"), ("host", "evil")],
        "400 ambiguous_host",
    ),
    (&[M, S, (":authority", "user@orders"), P], "400 bad_host"),
    (&[M, S, (":authority", "orders:0"), P], "400 bad_host"),
    (&[M, S, A, P, ("host", "a b")], "400 bad_host"),
    (&[(":method", "get"), S, A, P], "501 unknown_method"),
    (&[(":method", "TRACE"), S, A, P], "405 method_not_allowed"),
    (&[(":method", "CONNECT"), A], "405 method_not_allowed"),
    (&[M, (":scheme", "ftp"), A, P], "400 bad_target"),
    (&[M, (":scheme", ""), A, P], "400 bad_target"),
    (&[M, S, A, (":path", "*")], "400 bad_path"),
    (&[M, S, A, (":path", "//admin")], "400 bad_path"),
    (&[M, S, A, (":path", "/public/../admin")], "400 bad_path"),
    (
        &[M, S, A, (":path", "/public/%2e%2e/admin")],
        "400 bad_path",
    ),
    (
        &[M, S, A, (":path", "/public%2f..%2fadmin")],
        "400 bad_path",
    ),
    (&[M, S, A, (":path", "/public\\..\\admin")], "400 bad_path"),
    (&[M, S, A, (":path", "/admin;x")], "400 bad_path"),
    (&[M, S, A, (":path", "/\u{e9}")], "400 bad_path"),
    (&[M, S, A, (":path", "/admin")], "403 forbidden"),
    (&[M, S, A, (":path", "/%61dmin?x")], "403 forbidden"),
    (
        &[M, S, A, P, ("content-length", "00")],
        "400 bad_content_length",
    ),
    (&[M, S, A, P, ("expect", "foo")], "417 bad_expectation"),
    (&[M, S, A, P, ("a_b", "c")], "400 underscore_in_name"),
    (
        &[M, S, A, P, ("x-portreeve_caller", "c")],
        "400 underscore_in_name",
    ),
];

const PASSED: &[(Fields<'_>, &str)] = &[
    (TWIN, ARRIVES),
    (&[M, S, P, ("host", "orders")], ARRIVES),
    (&[M, S, A, P, ("host", "Orders")], ARRIVES),
    (&[M, (":scheme", "http"), A, P], ARRIVES),
    (&[P, A, S, M], ARRIVES),
    (&[M, S, A, P, ("te", "trailers")], ARRIVES),
    (&[M, S, A, P, ("content-length", "0")], ARRIVES),
    (
        &[
            M,
            S,
            A,
            P,
            ("x-portreeve-caller", "me"),
            ("x-forwarded-client-cert", "me"),
        ],
        ARRIVES,
    ),
    (
        &[
            M,
            S,
            A,
            P,
            ("x.portreeve.caller", "me"),
            ("forwarded", "host=evil"),
        ],
        ARRIVES,
    ),
    (
        &[M, S, A, P, ("cookie", "a=1"), ("x", "y"), ("cookie", "b=2")],
        "GET /a HTTP/1.1\r\ncookie: a=1; b=2\r\nhost: orders\r\nx: y\r\n\r\n",
    ),
    (
        &[M, S, A, P, ("x", "1"), ("x", "2")],
        "GET /a HTTP/1.1\r\nhost: orders\r\nx: 1\r\nx: 2\r\n\r\n",
    ),
    (
        &[M, S, A, (":path", "/%7ea#/admin")],
        "GET /~a HTTP/1.1\r\nhost: orders\r\n\r\n",
    ),
];
