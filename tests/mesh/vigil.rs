//! How long a destination may take, and be silent.

use crate::caller::Caller;
use crate::endpoint::CONNECTED;
use crate::endpoint::Does;
use crate::endpoint::ENDED;
use crate::endpoint::Endpoint;
use crate::stage::Sidecar;
use crate::stage::Stage;
use crate::stage::eventually;

#[test]
fn whoever_does_not_answer_a_ping_is_given_up() {
    let stage = Stage::new();
    let endpoint = Endpoint::start(&stage, 1, 0);
    let web = web(&stage, &endpoint, "ping_interval_ms: 200");
    // Whoever only takes long answers pings.
    endpoint.does_in_turn(&[Does::Wait, Does::Hang, Does::Answer(200)]);
    let mut waiting = Caller::plain(web.outbound());
    waiting.send(POST);
    eventually(|| endpoint.requests() == 1);
    let mut caller = Caller::plain(web.outbound());
    // It hangs, and both are on one connection.
    caller.send(GET);
    let answer = waiting.answer();
    assert_eq!(answer.status(), 502);
    assert_eq!(answer.reason(), "upstream_unresponsive");
    // What may be repeated was sent again, on another.
    assert_eq!(caller.answer().status(), 200);
    let mut told = [(); 2].map(|()| {
        let record = web.records.next();
        record.says(["method", "status", "retries", "reason"])
    });
    told.sort();
    assert_eq!(told, ["GET 200 1 ", "POST 502  upstream_unresponsive"]);
    let seen = endpoint.all_seen();
    assert_eq!(seen[..4], [CONNECTED, "POST /a", "GET /a", CONNECTED]);
}

#[test]
fn whoever_answers_pings_may_take_long() {
    let stage = Stage::new();
    let endpoint = Endpoint::start(&stage, 1, 0);
    let more = "ping_interval_ms: 100, response_timeout_ms: 1500";
    let web = web(&stage, &endpoint, more);
    endpoint.does(Does::Wait);
    let mut caller = Caller::plain(web.outbound());
    caller.send(GET);
    let answer = caller.answer();
    assert_eq!(answer.status(), 504);
    assert_eq!(answer.reason(), "response_timeout");
    let record = web.records.next();
    assert_eq!(record.says(["reason", "retries"]), "response_timeout ");
    endpoint.does(Does::Answer(200));
    caller.send(GET);
    assert_eq!(caller.answer().status(), 200);
    assert_eq!(endpoint.all_seen(), [CONNECTED, "GET /a", "GET /a"]);
}

#[test]
fn a_connection_without_streams_is_not_kept_for_ever() {
    let stage = Stage::new();
    let endpoint = Endpoint::start(&stage, 1, 0);
    let web = web(&stage, &endpoint, "idle_timeout_ms: 300");
    let mut caller = Caller::plain(web.outbound());
    for _ in 0..2 {
        caller.send(GET);
        assert_eq!(caller.answer().status(), 200);
        eventually(|| endpoint.all_seen().last().unwrap() == ENDED);
    }
    // One with a stream is.
    endpoint.does(Does::Wait);
    let mut waiting = Caller::plain(web.outbound());
    waiting.send(GET);
    eventually(|| endpoint.requests() == 3);
    endpoint.does(Does::Answer(200));
    let before = endpoint.all_seen().len();
    for _ in 0..20 {
        caller.send(GET);
        assert_eq!(caller.answer().status(), 200);
    }
    let seen = endpoint.all_seen();
    assert!(
        seen[before..].iter().all(|line| line == "GET /a"),
        "{seen:?}"
    );
}

fn web(stage: &Stage, endpoint: &Endpoint, more: &str) -> Sidecar {
    stage.web_with(&endpoint.address().to_string(), [more, ""])
}

const GET: &str = "GET /a HTTP/1.1\r\nhost: orders\r\n\r\n";
const POST: &str = "POST /a HTTP/1.1\r\nhost: orders\r\ncontent-length: 0\r\n\r\n";
