//! What is under way ends with the session.

use std::time::Duration;

use crate::application::Call;
use crate::caller::Caller;
use crate::edge::Edge;
use crate::edge::request;

/// A response that has begun and not ended, to whoever shows `cookie`.
pub(super) fn begun(edge: &Edge, cookie: &str) -> (Caller, Call) {
    let mut browser = edge.browser();
    browser.send(request("GET /stream", &[&format!("cookie: {cookie}")]));
    let mut call = edge.application.call();
    call.head();
    call.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n");
    assert_eq!(browser.head()[0], "HTTP/1.1 200 OK");
    assert_eq!(browser.exactly(8), b"3\r\none\r\n");
    (browser, call)
}

pub(super) const BOTH: &str = r#"
@id("both") permit (principal is User, action, resource in Service::"web");
"#;

#[test]
fn a_stream_is_cut_when_its_session_is_signed_out_and_others_go_on() {
    let edge = Edge::with_policy(BOTH);
    let (mut lost, mut lost_call) = begun(&edge, &edge.alice);
    let (mut kept, mut kept_call) = begun(&edge, &edge.mallory);
    let cookie = format!("cookie: {}", edge.alice);
    let out = edge.ask("POST /.portreeve/sign-out", &[&cookie, "content-length: 0"]);
    assert_eq!(out.status(), 200);
    assert_eq!(lost.rest(), "");
    assert_eq!(lost_call.rest(), "");
    let records = [edge.door.records.next(), edge.door.records.next()];
    let cut = records
        .iter()
        .find(|record| record.text("path") == "/stream")
        .unwrap();
    let said = cut.says(["caller", "decision", "reason", "withdrawn_reason"]);
    assert_eq!(
        said,
        "corp/alice permit permit_withdrawn session_signed_out"
    );
    kept_call.send("3\r\ntwo\r\n0\r\n\r\n");
    assert_eq!(kept.until("0\r\n\r\n"), "3\r\ntwo\r\n0\r\n\r\n");
    edge.door
        .shows(r#"portreeve_redecisions_total{cause="session",decision="deny"} 1"#);
}

#[test]
fn a_stream_is_cut_when_its_session_has_lasted_long_enough() {
    let edge = Edge::with_policy(BOTH);
    let (mut lost, _call) = begun(&edge, &edge.alice);
    edge.stage.calendar.pass(Duration::from_secs(12 * 3_600));
    assert_eq!(lost.rest(), "");
    let record = edge.door.records.next();
    assert_eq!(
        record.says(["reason", "withdrawn_reason"]),
        "permit_withdrawn session_expired"
    );
    let cookie = format!("cookie: {}", edge.alice);
    assert_eq!(edge.ask("GET /a", &[&cookie]).status(), 401);
}

#[test]
fn a_websocket_is_told_1008_when_its_session_ends() {
    let edge = Edge::with_policy(BOTH);
    let cookie = format!("cookie: {}", edge.alice);
    let mut browser = edge.browser();
    let lines = [
        cookie.as_str(),
        "connection: upgrade",
        "upgrade: websocket",
        "origin: https://apps.example",
    ];
    browser.send(request("GET /ws", &lines));
    let mut call = edge.application.call();
    call.head();
    call.send(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    );
    assert_eq!(browser.head()[0], "HTTP/1.1 101 Switching Protocols");
    call.send(b"\x81\x03one");
    assert_eq!(browser.exactly(5), b"\x81\x03one");
    let out = edge.ask("POST /.portreeve/sign-out", &[&cookie, "content-length: 0"]);
    assert_eq!(out.status(), 200);
    assert_eq!(browser.exactly(20), b"\x88\x12\x03\xf0permit_withdrawn");
}
