//! Connections that leave HTTP.

use crate::pair::Pair;
use crate::trial::Trial;
use crate::trial::anonymous;
use crate::trial::served;

#[test]
fn an_upgraded_connection_carries_bytes_both_ways_through_the_pair() {
    let pair = Pair::new("");
    let mut caller = pair.call();
    caller.send(UPGRADE);
    let mut call = pair.application.call();
    assert_eq!(
        anonymous(&call.head()),
        "GET /chat HTTP/1.1\r\nconnection: upgrade\r\nhost: orders\r\nsec-websocket-key: x\r\nupgrade: websocket\r\n\r\n"
    );
    call.send(format!("{SWITCHED}hello"));
    let mut head = caller.head();
    head.sort();
    assert_eq!(
        head,
        [
            "HTTP/1.1 101 Switching Protocols",
            "connection: upgrade",
            "sec-websocket-accept: y",
            "upgrade: websocket"
        ]
    );
    assert_eq!(caller.until("hello"), "hello");
    for round in 0..10 {
        caller.send(format!("ping {round};"));
        assert_eq!(call.until(";"), format!("ping {round};"));
        call.send(format!("pong {round};"));
        assert_eq!(caller.until(";"), format!("pong {round};"));
    }
    caller.finish();
    assert_eq!(call.rest(), "");
    call.send("bye");
    drop(call);
    assert_eq!(caller.rest(), "bye");
    let said = "permit 101  websocket 70 78";
    assert_eq!(
        pair.record([
            "decision",
            "status",
            "reason",
            "upgrade",
            "bytes_in",
            "bytes_out"
        ]),
        [said, said]
    );
}

#[test]
fn what_is_sent_before_the_switch_is_held_back() {
    let trial = Trial::new("");
    let early = "GET /admin HTTP/1.1\r\nhost: orders\r\n\r\n";
    let mut caller = trial.call();
    caller.send(format!("{UPGRADE}{early}"));
    let mut call = trial.application.call();
    call.head();
    call.send(SWITCHED);
    assert_eq!(call.until("\r\n\r\n"), early);
    caller.hang_up();
    assert_eq!(
        trial.orders.records.next().says(["status", "upgrade"]),
        "101 websocket"
    );

    // An application that does not agree never sees it.
    let mut caller = trial.call();
    caller.send(format!("{UPGRADE}{early}"));
    let mut call = trial.application.call();
    call.head();
    call.send("HTTP/1.1 426 Upgrade Required\r\nupgrade: websocket\r\ncontent-length: 2\r\n\r\nno");
    let answer = caller.answer();
    assert_eq!((answer.status(), answer.text()), (426, "no"));
    assert_eq!(call.rest(), "");
    // It was a request, and is decided as one.
    assert_eq!(caller.answer().reason(), "forbidden");
    assert_eq!(
        trial
            .orders
            .records
            .next()
            .says(["path", "status", "upgrade"]),
        "/chat 426 "
    );
    assert_eq!(
        trial.orders.records.next().says(["path", "decision"]),
        "/admin deny"
    );

    // Nor is its connection used for anybody else.
    caller.send("GET /a HTTP/1.1\r\nhost: orders\r\n\r\n");
    assert!(served(&mut trial.application.call()).starts_with("GET /a "));
    assert_eq!(caller.answer().text(), "ok");
}

#[test]
fn what_is_sent_before_the_switch_is_held_back_through_the_pair() {
    let pair = Pair::new("");
    let early = "GET /b HTTP/1.1\r\nhost: orders\r\n\r\n";
    let mut caller = pair.call();
    caller.send(format!("{UPGRADE}{early}"));
    let mut call = pair.application.call();
    call.head();
    call.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno");
    assert_eq!(caller.answer().text(), "no");
    assert_eq!(call.rest(), "");
    assert!(served(&mut pair.application.call()).starts_with("GET /b "));
    assert_eq!(caller.answer().text(), "ok");
    assert_eq!(pair.record(["path"]), ["/chat", "/chat"]);
    assert_eq!(pair.record(["path"]), ["/b", "/b"]);
}

const UPGRADE: &str = "GET /chat HTTP/1.1\r\nHost: orders\r\nConnection: keep-alive, Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n";
const SWITCHED: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Keep-Alive: x\r\nSec-WebSocket-Accept: y\r\n\r\n";
