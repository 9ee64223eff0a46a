//! A request's way through two sidecars, and back.

use crate::pair::Pair;
use crate::trial::anonymous;
use crate::trial::served;

#[test]
fn a_request_crosses_two_sidecars_and_both_record_it() {
    let pair = Pair::new("");
    let mut caller = pair.call();
    caller.send(format!(
        "POST /a?secret=1 HTTP/1.1\r\nHost: Orders\r\nTraceparent: 00-{TRACE}-00f067aa0ba902b7-01\r\n\
         X-Portreeve-Caller: somebody\r\nContent-Length: 3\r\n\r\nabc"
    ));
    let mut call = pair.application.call();
    assert_eq!(
        anonymous(&call.head()),
        format!(
            "POST /a?secret=1 HTTP/1.1\r\ncontent-length: 3\r\nhost: orders\r\n\
             traceparent: 00-{TRACE}-00f067aa0ba902b7-01\r\n\r\n"
        )
    );
    assert_eq!(call.at_least(3), "abc");
    call.send("HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello");
    let answer = caller.answer();
    assert_eq!(answer.head, ["HTTP/1.1 201 Created", "content-length: 5"]);
    assert_eq!(answer.text(), "hello");

    let [web, orders] = [&pair.web, &pair.orders].map(|sidecar| sidecar.records.next());
    let said = [
        "door",
        "caller",
        "method",
        "host",
        "path",
        "decision",
        "policies",
        "reason",
        "status",
        "bytes_in",
        "bytes_out",
        "protocol",
        "app_protocol",
        "trace_id",
    ];
    let common = "spiffe://mesh.example/web POST orders /a permit [\"web-calls-orders\"]  201 3 5";
    assert_eq!(
        web.says(said),
        format!("outbound {common} HTTP/1.1 HTTP/2 {TRACE}")
    );
    assert_eq!(
        orders.says(said),
        format!("inbound {common} HTTP/2 HTTP/1.1 {TRACE}")
    );
    assert_eq!(web.text("revision"), orders.text("revision"));
    assert_eq!(web.text("revision").len(), 64);
    assert_ne!(web.text("id"), orders.text("id"));
    assert_eq!(orders.text("time"), "2030-01-01T00:00:00.000000Z");
}

#[test]
fn what_is_denied_never_leaves() {
    let pair = Pair::new("");
    let mut caller = pair.call();
    caller.send("GET /admin/x HTTP/1.1\r\nhost: orders\r\n\r\n");
    let answer = caller.answer();
    assert_eq!(
        (answer.status(), answer.reason()),
        (403, "forbidden".to_owned())
    );
    let record = pair.web.records.next();
    assert_eq!(
        record.says(["decision", "policies", "route", "app_protocol"]),
        "deny [\"nobody-administrates\"] /admin/** "
    );

    caller.send("GET /a HTTP/1.1\r\nhost: orders\r\n\r\n");
    assert!(served(&mut pair.application.call()).starts_with("GET /a "));
    assert_eq!(caller.answer().text(), "ok");
    assert_eq!(pair.record(["path"]), ["/a", "/a"]);
    pair.orders.records.are_all_read();
}

#[test]
fn a_response_keeps_nothing_that_was_meant_for_one_connection() {
    let pair = Pair::new("");
    let (mut caller, mut call) = pair.begin();
    call.send(
        "HTTP/1.1 200 OK\r\nConnection: X-Secret, Content-Length, Set-Cookie, keep-alive\r\nX-Secret: 1\r\n\
         Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTrailer: x\r\nTE: trailers\r\nUpgrade: h2c\r\n\
         Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nok",
    );
    let mut answer = caller.answer();
    answer.head.sort();
    assert_eq!(
        answer.head,
        [
            "HTTP/1.1 200 OK",
            "content-length: 2",
            "set-cookie: a=1",
            "set-cookie: b=2"
        ]
    );
    assert_eq!(answer.text(), "ok");
}

#[test]
fn a_response_without_a_body_leaves_the_connection_usable() {
    let pair = Pair::new("");
    let mut caller = pair.call();
    let mut call = None;
    for (method, sent, received) in [
        (
            "HEAD",
            "200 OK\r\ncontent-length: 5",
            "HTTP/1.1 200 OK content-length: 5",
        ),
        (
            "HEAD",
            "200 OK\r\ntransfer-encoding: chunked",
            "HTTP/1.1 200 OK",
        ),
        ("GET", "204 No Content", "HTTP/1.1 204 No Content"),
        (
            "GET",
            "304 Not Modified\r\ncontent-length: 5",
            "HTTP/1.1 304 Not Modified content-length: 5",
        ),
        (
            "GET",
            "200 OK\r\ncontent-length: 0",
            "HTTP/1.1 200 OK content-length: 0",
        ),
    ] {
        caller.send(format!("{method} /a HTTP/1.1\r\nhost: orders\r\n\r\n"));
        let call = call.get_or_insert_with(|| pair.application.call());
        assert!(call.head().starts_with(method), "{sent}");
        call.send(format!("HTTP/1.1 {sent}\r\n\r\n"));
        assert_eq!(caller.head().join(" "), received);
        assert_eq!(pair.record(["bytes_out"]), ["0", "0"], "{sent}");
    }
    pair.application.was_not_called();
}

#[test]
fn a_connection_to_the_application_is_used_again_until_it_is_stale() {
    let pair = Pair::new("");
    let mut caller = pair.call();
    let mut call = None;
    for path in ["/a", "/b", "/c"] {
        caller.send(format!("GET {path} HTTP/1.1\r\nhost: orders\r\n\r\n"));
        let call = call.get_or_insert_with(|| pair.application.call());
        assert!(served(call).starts_with(&format!("GET {path} ")));
        assert_eq!(caller.answer().text(), "ok");
    }
    pair.application.was_not_called();
    // The application closes what is idle; whoever is next does not notice.
    drop(call);
    caller.send("GET /d HTTP/1.1\r\nhost: orders\r\n\r\n");
    assert!(served(&mut pair.application.call()).starts_with("GET /d "));
    assert_eq!(caller.answer().text(), "ok");
    pair.application.was_not_called();
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
