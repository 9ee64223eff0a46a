//! Connections that have left HTTP when the policy changes its mind, and what
//! ends with its connection.

use crate::application::Application;
use crate::caller::Caller;
use crate::redecided::ANYBODY;
use crate::redecided::NO_MORE;
use crate::redecided::Twins;
use crate::redecided::is_withdrawn;
use crate::redecided::rule;
use crate::redecided::trial;
use crate::stage::Stage;
use crate::trial::Trial;

#[test]
fn a_websocket_is_told_1008_between_two_frames() {
    let trial = trial();
    let mut twins = upgraded(&trial, "websocket");
    for (caller, call) in [&mut twins.kept, &mut twins.lost] {
        call.send(b"\x81\x03one");
        assert_eq!(caller.exactly(5), b"\x81\x03one");
    }
    rule(&trial, NO_MORE, 3);
    let (caller, call) = &mut twins.lost;
    assert_eq!(caller.exactly(20), b"\x88\x12\x03\xf0permit_withdrawn");
    assert_eq!(call.rest(), "");
    caller.finish();
    assert_eq!(caller.rest(), "");
    is_withdrawn(&trial.orders.records.next(), "101", "forbidden");
    let (caller, call) = &mut twins.kept;
    caller.send("ping;");
    assert_eq!(call.until(";"), "ping;");
    call.send(b"\x81\x03two");
    assert_eq!(caller.exactly(5), b"\x81\x03two");
    trial.orders.records.are_all_read();
}

#[test]
fn a_websocket_in_the_middle_of_a_frame_just_breaks_off() {
    let trial = trial();
    let mut twins = upgraded(&trial, "WebSocket");
    let (caller, call) = &mut twins.lost;
    call.send(b"\x81\x03on");
    assert_eq!(caller.exactly(4), b"\x81\x03on");
    rule(&trial, NO_MORE, 3);
    assert_eq!(caller.rest(), "");
    assert_eq!(call.rest(), "");
    is_withdrawn(&trial.orders.records.next(), "101", "forbidden");
}

#[test]
fn another_protocol_gets_no_word_of_ours() {
    let trial = trial();
    let mut twins = upgraded(&trial, "x");
    rule(&trial, NO_MORE, 3);
    let (caller, call) = &mut twins.lost;
    assert_eq!(caller.rest(), "");
    assert_eq!(call.rest(), "");
    is_withdrawn(&trial.orders.records.next(), "101", "forbidden");
    let (caller, call) = &mut twins.kept;
    caller.send("ping;");
    assert_eq!(call.until(";"), "ping;");
}

#[test]
fn what_ends_with_its_connection_ends_with_a_reset() {
    for asked in [
        "GET /lost HTTP/1.0\r\nhost: orders\r\n\r\n",
        "GET /lost HTTP/1.1\r\nhost: orders\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
    ] {
        let stage = Stage::new();
        stage.rule(ANYBODY);
        let application = Application::start();
        let orders = stage.orders(application.address(), "");
        let web = stage.web(orders.inbound(), "");
        let mut caller = Caller::plain(web.outbound());
        caller.send(asked);
        let mut call = application.call();
        let is_upgrade = call.head().contains("upgrade: x");
        call.send(if is_upgrade {
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\none"
        } else {
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n"
        });
        assert!(caller.until("one").ends_with("\r\n\r\none"));
        stage.rule(NO_MORE);
        web.running.reload();
        orders.running.reload();
        assert!(caller.is_reset(), "it looks whole: {asked}");
        assert_eq!(call.rest(), "");
    }
}

fn upgraded(trial: &Trial, protocol: &str) -> Twins {
    let mut twins = Twins::begin(trial, |path| {
        format!(
            "GET {path} HTTP/1.1\r\nhost: orders\r\nconnection: upgrade\r\nupgrade: {protocol}\r\n\r\n"
        )
    });
    for (caller, call) in [&mut twins.kept, &mut twins.lost] {
        call.send(format!(
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: {protocol}\r\n\r\n"
        ));
        caller.head();
    }
    twins
}
