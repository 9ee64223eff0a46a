//! The door for our own application: it is read as strictly as anybody.

use std::time::Duration;

use crate::frames::END_STREAM;
use crate::frames::Framed;
use crate::frames::Outcome;
use crate::frames::head;
use crate::http2_heads::ARRIVES;
use crate::http2_heads::TWIN;
use crate::pair::Pair;
use crate::stage::Stage;
use crate::trial::anonymous;
use crate::trial::served;

#[test]
fn what_has_two_readings_never_leaves() {
    let pair = Pair::new("");
    for (sent, status, reason) in REFUSED {
        let mut caller = pair.call();
        caller.send(sent);
        let answer = caller.answer();
        assert_eq!(answer.status(), *status, "{sent:?}");
        let record = pair.web.records.next();
        assert_eq!(
            record.says(["door", "reason"]),
            format!("outbound {reason}"),
            "{sent:?}"
        );

        let mut caller = pair.call();
        caller.send("GET /a HTTP/1.1\r\nhost: orders\r\nx-forwarded-client-cert: me\r\n\r\n");
        let mut call = pair.application.call();
        assert_eq!(anonymous(&call.head()), ARRIVES, "after {sent:?}");
        call.send("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok");
        assert_eq!(caller.answer().text(), "ok");
        assert_eq!(pair.record(["path", "status"]), ["/a 200", "/a 200"]);
        pair.orders.records.are_all_read();
    }
}

#[test]
fn http_2_in_the_clear_is_known_by_its_preface() {
    let pair = Pair::new("");
    let mut framed = Framed::begin(pair.call());
    framed.send(&head(1, END_STREAM, TWIN));
    assert_eq!(anonymous(&served(&mut pair.application.call())), ARRIVES);
    assert_eq!(
        framed.outcome(1),
        Outcome::Answer(Some(200), "ok".to_owned())
    );
    assert_eq!(pair.record(["protocol"]), ["HTTP/2", "HTTP/2"]);
    framed.send(&head(
        3,
        END_STREAM,
        &[TWIN[0], TWIN[1], TWIN[2], (":path", "//a")],
    ));
    assert_eq!(framed.outcome(3).refusal(), "400 bad_path");
}

#[test]
fn identities_are_renewed_without_losing_a_request() {
    let pair = Pair::on(Stage::with_svids_of(2), "");
    let mut caller = pair.call();
    caller.send(GET);
    let mut streaming = pair.application.call();
    streaming.head();
    streaming.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n");
    caller.until("1\r\na\r\n");

    pair.calendar().pass(Duration::from_millis(1500));
    for sidecar in [&pair.web, &pair.orders] {
        sidecar.shows("portreeve_identity_generation 1");
    }
    // The next request shows the new identity; the one under way has the old.
    let mut other = pair.call();
    for _ in 0..100 {
        other.send(GET);
        let mut call = pair.application.call();
        call.head();
        call.send("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok");
        assert_eq!(other.answer().text(), "ok");
        assert_eq!(pair.record(["status"]), ["200", "200"]);
    }
    pair.web
        .shows(r#"portreeve_handshakes_total{door="outbound",result="ok"} 2"#);
    streaming.send("1\r\nb\r\n0\r\n\r\n");
    assert_eq!(caller.until("0\r\n\r\n"), "1\r\nb\r\n0\r\n\r\n");
    let said = pair.record(["path", "bytes_out", "reason"]);
    assert_eq!(said, ["/a 2 ", "/a 2 "]);

    // The old certificates end.
    pair.calendar().pass(Duration::from_millis(600));
    other.send(GET);
    served(&mut streaming);
    assert_eq!(other.answer().text(), "ok");
}

const GET: &str = "GET /a HTTP/1.1\r\nhost: orders\r\n\r\n";

const REFUSED: &[(&str, u16, &str)] = &[
    (
        "GET /public/../admin HTTP/1.1\r\nhost: orders\r\n\r\n",
        400,
        "bad_path",
    ),
    (
        "GET /%25%32%65 HTTP/1.1\r\nhost: orders\r\n\r\n",
        400,
        "bad_path",
    ),
    (
        "GET /admin HTTP/1.1\r\nhost: orders\r\n\r\n",
        403,
        "forbidden",
    ),
    ("GET /a HTTP/1.1\r\n\r\n", 400, "no_host"),
    (
        "GET http://evil/a HTTP/1.1\r\nhost: orders\r\n\r\n",
        400,
        "ambiguous_host",
    ),
    (
        "GET /a HTTP/1.1\r\nhost: orders\r\na_b: c\r\n\r\n",
        400,
        "underscore_in_name",
    ),
    (
        "CONNECT orders:443 HTTP/1.1\r\nhost: orders\r\n\r\n",
        405,
        "method_not_allowed",
    ),
    (
        "POST /a HTTP/1.1\r\nhost: orders\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        400,
        "malformed_message",
    ),
    (
        "POST /a HTTP/1.1\r\nhost: orders\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        400,
        "bad_transfer_coding",
    ),
    (
        "GET /a HTTP/1.1\r\nhost: orders\r\nx: a\r\n b\r\n\r\n",
        400,
        "malformed_message",
    ),
];
