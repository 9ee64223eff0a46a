//! Responses that could be cut in two places: the caller gets one of them, or a refusal.

use crate::trial::Trial;
use crate::trial::served;

#[test]
fn a_response_that_is_not_plain_http_is_refused() {
    let trial = Trial::new("");
    for (sent, reason) in NOT_UNDERSTOOD {
        let (mut caller, mut call) = trial.begin();
        println!("{sent:?}");
        call.send(format!("{sent}{SMUGGLED}"));
        let answer = caller.answer();
        assert_eq!(answer.status(), 502, "{sent:?}");
        assert_eq!(answer.reason(), *reason, "{sent:?}");
        assert_eq!(
            trial.orders.records.next().text("reason"),
            *reason,
            "{sent:?}"
        );
        next_is_genuine(&trial, &mut caller, sent);
    }
}

#[test]
fn what_follows_a_response_is_never_taken_for_the_next() {
    let trial = Trial::new("");
    for (sent, body) in FOLLOWED {
        let (mut caller, mut call) = trial.begin();
        println!("{sent:?}");
        call.send(format!("{sent}{SMUGGLED}"));
        let answer = caller.answer();
        assert_eq!(answer.text(), *body, "{sent:?}");
        assert_eq!(trial.orders.records.next().text("decision"), "permit");
        next_is_genuine(&trial, &mut caller, sent);
    }
}

#[test]
fn a_chunked_response_that_is_not_plain_never_looks_complete() {
    let trial = Trial::new("");
    for chunks in [
        "-1\r\na\r\n0\r\n\r\n",
        "g\r\n",
        "1\r\nabc\r\n0\r\n\r\n",
        "1;x\n\r\na\r\n0\r\n\r\n",
        "1\r\na\r\n0\r\nbad name: x\r\n\r\n",
        "1\r\na\r\n00000000000000001ffffffffffffffff\r\n",
    ] {
        let (mut caller, mut call) = trial.begin();
        call.send(format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunks}"
        ));
        let answer = caller.rest();
        assert!(
            !answer.ends_with("0\r\n\r\n"),
            "{chunks:?} arrived as {answer:?}"
        );
        assert!(answer.matches("HTTP/1.1").count() <= 1, "{answer:?}");
        let record = trial.orders.records.next();
        assert_eq!(
            record.says(["status", "reason"]),
            "200 response_broke_off",
            "{chunks:?}"
        );
        assert_eq!(call.rest(), "");
    }
}

/// The next request gets its own answer, over another connection.
fn next_is_genuine(trial: &Trial, caller: &mut crate::caller::Caller, after: &str) {
    caller.send("GET /b HTTP/1.1\r\nhost: orders\r\n\r\n");
    assert!(served(&mut trial.application.call()).starts_with("GET /b "));
    assert_eq!(caller.answer().text(), "ok", "after {after:?}");
    assert_eq!(
        trial.orders.records.next().says(["path", "status"]),
        "/b 200"
    );
}

const SMUGGLED: &str = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhacked";

const NOT_UNDERSTOOD: &[(&str, &str)] = &[
    (
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok",
        "upstream_not_understood",
    ),
    (
        "HTTP/1.1 200 OK\r\ncontent-length: 2, 3\r\n\r\nok",
        "upstream_not_understood",
    ),
    (
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nok",
        "upstream_not_understood",
    ),
    (
        "HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nok",
        "upstream_not_understood",
    ),
    (
        "HTTP/1.1 200 OK\r\ncontent-length : 2\r\n\r\nok",
        "upstream_failed",
    ),
    (
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "upstream_not_understood",
    ),
    (
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "upstream_not_understood",
    ),
    (
        "HTTP/1.1 200 OK\r\ntransfer-encoding: xchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "upstream_not_understood",
    ),
    (
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, identity\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "upstream_not_understood",
    ),
    (
        "HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 2\r\n\r\nok",
        "upstream_failed",
    ),
    (
        "HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 2\r\n\r\nok",
        "upstream_failed",
    ),
    (
        "HTTP/1.1 200 OK\r\nx y: a\r\ncontent-length: 2\r\n\r\nok",
        "upstream_failed",
    ),
    (
        "HTTP/1.1 200 OK\r\nx: a\rb\r\ncontent-length: 2\r\n\r\nok",
        "upstream_failed",
    ),
    (
        "HTTP/1.1 2000 OK\r\ncontent-length: 2\r\n\r\nok",
        "upstream_failed",
    ),
    (
        "HTTP/1.1 099 OK\r\ncontent-length: 2\r\n\r\nok",
        "upstream_failed",
    ),
    (
        "HTTP/2.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
        "upstream_failed",
    ),
    ("hello", "upstream_failed"),
    ("\0\0\0\x04\0\0\0\0\0", "upstream_failed"),
    (
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        "upstream_not_understood",
    ),
];

const FOLLOWED: &[(&str, &str)] = &[
    ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", "ok"),
    ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", ""),
    ("HTTP/1.1 204 No Content\r\n\r\n", ""),
    ("HTTP/1.1 204 No Content\r\ncontent-length: 2\r\n\r\nok", ""),
    ("HTTP/1.1 304 Not Modified\r\n\r\n", ""),
];
