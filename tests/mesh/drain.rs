//! Going home in good order.

use std::net::TcpStream;
use std::thread;

use crate::frames::END_STREAM;
use crate::frames::Framed;
use crate::frames::GOAWAY;
use crate::frames::Outcome;
use crate::frames::head;
use crate::http2_heads::TWIN;
use crate::pair::Pair;
use crate::trial::Trial;
use crate::trial::served;

const GET: &str = "GET /a HTTP/1.1\r\nhost: orders\r\n\r\n";

#[test]
fn what_is_under_way_ends_and_its_caller_is_told_to_go() {
    let trial = Trial::new("");
    let (mut busy, mut idle) = (trial.call(), trial.call());
    idle.send(GET);
    let mut kept = trial.application.call();
    served(&mut kept);
    assert_eq!(idle.answer().field("connection"), None);
    trial.orders.records.next();
    busy.send(GET);
    kept.head();

    trial.orders.running.drain();
    assert_eq!(idle.rest(), "");
    kept.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    let answer = busy.answer();
    assert_eq!(
        (answer.text(), answer.field("connection")),
        ("ok", Some("close"))
    );
    assert_eq!(busy.rest(), "");
    let door = trial.orders.inbound();
    let records = trial.orders.stop();
    assert_eq!(records.next().says(["status", "reason"]), "200 ");
    records.are_all_read();
    assert!(TcpStream::connect(door).is_err(), "the door is open");
}

#[test]
fn a_stream_that_is_under_way_ends_after_the_goaway() {
    let trial = Trial::new("");
    let mut framed = Framed::begin(trial.call_http2());
    framed.send(&head(1, END_STREAM, TWIN));
    let mut call = trial.application.call();
    call.head();
    trial.orders.running.drain();
    let goaway = framed.next(GOAWAY);
    assert_eq!(goaway.payload[4..8], [0; 4], "{goaway:?}");
    call.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert_eq!(
        framed.outcome(1),
        Outcome::Answer(Some(200), "ok".to_owned())
    );
    framed.ends();
    let records = trial.orders.stop();
    assert_eq!(records.next().says(["status", "reason"]), "200 ");
}

#[test]
fn a_pair_that_goes_home_together_loses_no_request() {
    let pair = Pair::new("");
    let (mut caller, mut call) = pair.begin();
    pair.orders.running.drain();
    pair.web.running.drain();
    call.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert_eq!(caller.answer().text(), "ok");
    for sidecar in [pair.web, pair.orders] {
        assert_eq!(sidecar.stop().next().says(["status", "reason"]), "200 ");
    }
}

#[test]
fn what_outlasts_the_deadline_is_cut_and_recorded() {
    cut("drain_deadline_ms: 200", |_| {});
}

#[test]
fn who_is_told_twice_does_not_wait_for_the_deadline() {
    cut("drain_deadline_ms: 600000", |cut| cut.drain());
}

/// A request that is never answered, and a sidecar that stops all the same.
fn cut(more: &str, again: fn(&portreeve::drain::Trigger)) {
    let trial = Trial::new(more);
    let (mut caller, mut call) = trial.begin();
    let cut = trial.orders.running.cut();
    let stopping = thread::spawn(move || trial.orders.stop());
    again(&cut);
    assert_eq!(caller.rest(), "");
    assert_eq!(call.rest(), "");
    let records = stopping.join().unwrap();
    assert_eq!(
        records.next().says(["decision", "status", "reason"]),
        "permit  drain_deadline"
    );
    records.are_all_read();
}
