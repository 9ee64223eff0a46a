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

/// A connection of whoever shows `cookie` that has become one of `protocol`.
fn upgraded(edge: &Edge, cookie: &str, protocol: &str) -> (Caller, Call) {
    let (cookie, upgrade) = (format!("cookie: {cookie}"), format!("upgrade: {protocol}"));
    let mut browser = edge.browser();
    let lines = [
        cookie.as_str(),
        "connection: upgrade",
        &upgrade,
        "origin: https://apps.example",
    ];
    browser.send(request("GET /ws", &lines));
    let mut call = edge.application.call();
    call.head();
    call.send(format!(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n{upgrade}\r\n\r\n"
    ));
    assert_eq!(browser.head()[0], "HTTP/1.1 101 Switching Protocols");
    (browser, call)
}

/// Nobody has used their session for so long, and not for as long as it takes.
const NEARLY_IDLE: Duration = Duration::from_secs(3_000);

#[test]
fn who_says_something_on_a_websocket_uses_their_session_and_who_answers_pings_does_not() {
    let edge = Edge::with_policy(BOTH);
    let (mut kept, mut kept_call) = upgraded(&edge, &edge.alice, "websocket");
    let (mut lost, mut lost_call) = upgraded(&edge, &edge.mallory, "websocket");
    edge.stage.calendar.pass(NEARLY_IDLE);
    // Text, masked, and a pong: what a browser does by itself.
    kept.send(b"\x81\x83\0\0\0\0one");
    assert_eq!(kept_call.exactly(9), b"\x81\x83\0\0\0\0one");
    lost_call.send(b"\x89\x00");
    assert_eq!(lost.exactly(2), b"\x89\x00");
    lost.send(b"\x8a\x80\0\0\0\0");
    assert_eq!(lost_call.exactly(6), b"\x8a\x80\0\0\0\0");
    edge.stage.calendar.pass(NEARLY_IDLE);
    assert_eq!(lost.exactly(20), b"\x88\x12\x03\xf0permit_withdrawn");
    is_idle(&edge, "corp/mallory");
    kept_call.send(b"\x81\x03two");
    assert_eq!(kept.exactly(5), b"\x81\x03two");
    // And no longer than anybody's.
    edge.stage.calendar.pass(NEARLY_IDLE);
    assert_eq!(kept.exactly(20), b"\x88\x12\x03\xf0permit_withdrawn");
    is_idle(&edge, "corp/alice");
}

#[test]
fn who_sends_on_another_connection_uses_their_session_and_who_is_sent_to_does_not() {
    let edge = Edge::with_policy(BOTH);
    let (mut kept, mut kept_call) = upgraded(&edge, &edge.alice, "x");
    let (mut lost, mut lost_call) = begun(&edge, &edge.mallory);
    edge.stage.calendar.pass(NEARLY_IDLE);
    kept.send("typed;");
    assert_eq!(kept_call.until(";"), "typed;");
    lost_call.send("3\r\ntwo\r\n");
    assert_eq!(lost.exactly(8), b"3\r\ntwo\r\n");
    edge.stage.calendar.pass(NEARLY_IDLE);
    assert_eq!(lost.rest(), "");
    is_idle(&edge, "corp/mallory");
    kept_call.send("shown;");
    assert_eq!(kept.until(";"), "shown;");
}

#[test]
fn an_upload_that_goes_on_uses_its_session() {
    let edge = Edge::with_policy(BOTH);
    let cookie = format!("cookie: {}", edge.alice);
    let lines = [
        cookie.as_str(),
        "origin: https://apps.example",
        "content-length: 9",
    ];
    let mut browser = edge.browser();
    browser.send(request("POST /upload", &lines) + "one");
    let mut call = edge.application.call();
    call.head();
    assert_eq!(call.exactly(3), b"one");
    for part in ["two", "end"] {
        edge.stage.calendar.pass(NEARLY_IDLE);
        browser.send(part);
        assert_eq!(call.exactly(3), part.as_bytes());
    }
    call.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert_eq!(browser.answer().text(), "ok");
    drop(call);
    edge.passes("GET /a", &[&cookie]);
}

/// What is recorded next is the end of what `caller` had under way.
fn is_idle(edge: &Edge, caller: &str) {
    let record = edge.door.records.next();
    assert_eq!(
        record.says(["caller", "reason", "withdrawn_reason"]),
        format!("{caller} permit_withdrawn session_idle")
    );
}

#[test]
fn a_websocket_is_told_1008_when_its_session_ends() {
    let edge = Edge::with_policy(BOTH);
    let cookie = format!("cookie: {}", edge.alice);
    let (mut browser, mut call) = upgraded(&edge, &edge.alice, "websocket");
    call.send(b"\x81\x03one");
    assert_eq!(browser.exactly(5), b"\x81\x03one");
    let out = edge.ask("POST /.portreeve/sign-out", &[&cookie, "content-length: 0"]);
    assert_eq!(out.status(), 200);
    assert_eq!(browser.exactly(20), b"\x88\x12\x03\xf0permit_withdrawn");
}
