//! What is sent again, and what never is.

use crate::caller::Caller;
use crate::endpoint::CONNECTED;
use crate::endpoint::Does;
use crate::endpoint::Endpoint;
use crate::stage::Sidecar;
use crate::stage::Stage;

#[test]
fn what_was_refused_unread_is_sent_again_unless_it_had_a_body() {
    let stage = Stage::new();
    let endpoint = Endpoint::start(&stage, 1, 0);
    let web = web(&stage, &endpoint, "");
    for sent in [GET, POST_WITHOUT_BODY] {
        endpoint.does_in_turn(&[Does::Refuse, Does::Answer(200)]);
        assert_eq!(ask(&web, sent), (200, String::new()));
        let record = web.records.next();
        assert_eq!(record.says(["status", "retries", "reason"]), "200 1 ");
    }
    assert_eq!(endpoint.requests(), 4);
    web.shows(r#"portreeve_retries_total{service="orders",reason="refused"} 2"#);
    endpoint.does_in_turn(&[Does::Refuse, Does::Answer(200)]);
    assert_eq!(ask(&web, POST), (502, "upstream_failed".to_owned()));
    let record = web.records.next();
    assert_eq!(
        record.says(["status", "retries", "reason"]),
        "502  upstream_failed"
    );
    assert_eq!(endpoint.requests(), 5);
}

#[test]
fn what_broke_off_is_sent_again_only_if_it_may_be_repeated() {
    let stage = Stage::new();
    let endpoint = Endpoint::start(&stage, 1, 0);
    let web = web(&stage, &endpoint, "");
    for method in ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"] {
        let before = endpoint.requests();
        endpoint.does_in_turn(&[Does::HangUp, Does::Answer(200)]);
        let sent = format!("{method} /a HTTP/1.1\r\nhost: orders\r\ncontent-length: 0\r\n\r\n");
        let mut caller = Caller::plain(web.outbound());
        caller.send(&sent);
        assert!(caller.until("\r\n").contains(" 200 "), "{method}");
        let record = web.records.next();
        assert_eq!(record.says(["method", "retries"]), format!("{method} 1"));
        assert_eq!(endpoint.requests() - before, 2, "{method}");
    }
    web.shows(r#"portreeve_retries_total{service="orders",reason="broken"} 5"#);
    for sent in [POST_WITHOUT_BODY, POST] {
        let before = endpoint.requests();
        endpoint.does_in_turn(&[Does::HangUp, Does::Answer(200)]);
        assert_eq!(ask(&web, sent).0, 502, "{sent}");
        assert_eq!(web.records.next().says(["retries"]), "");
        assert_eq!(endpoint.requests() - before, 1, "{sent}");
        endpoint.does(Does::Answer(200));
    }
}

#[test]
fn an_answer_is_an_answer() {
    let stage = Stage::new();
    let endpoint = Endpoint::start(&stage, 1, 0);
    let web = web(&stage, &endpoint, "");
    for status in [500, 502, 503, 504] {
        endpoint.does_in_turn(&[Does::Answer(status), Does::Answer(200)]);
        assert_eq!(ask(&web, GET).0, status);
        assert_eq!(ask(&web, GET).0, 200);
    }
    assert_eq!(endpoint.requests(), 8);
}

#[test]
fn retries_have_a_budget() {
    let stage = Stage::new();
    let endpoint = Endpoint::start(&stage, 1, 0);
    let more = "retries: { most: 10, budget_percent: 0, budget_floor: 7 }";
    let few = web(&stage, &endpoint, more);
    endpoint.does(Does::Refuse);
    assert_eq!(ask(&few, GET), (502, "upstream_failed".to_owned()));
    assert_eq!(few.records.next().says(["retries"]), "7");
    assert_eq!(ask(&few, GET).0, 502);
    assert_eq!(few.records.next().says(["retries"]), "");
    assert_eq!(endpoint.requests(), 9);
    few.running.stop().unwrap();
}

#[test]
fn retries_can_be_turned_off() {
    let stage = Stage::new();
    let endpoint = Endpoint::start(&stage, 1, 0);
    let web = web(&stage, &endpoint, "retries: { most: 0 }");
    endpoint.does_in_turn(&[Does::Refuse, Does::Answer(200)]);
    assert_eq!(ask(&web, GET).0, 502);
    assert_eq!(ask(&web, GET).0, 200);
    let seen = endpoint.all_seen();
    assert_eq!(seen, [CONNECTED, "GET /a", "GET /a"]);
}

fn web(stage: &Stage, endpoint: &Endpoint, more: &str) -> Sidecar {
    stage.web_with(&endpoint.address().to_string(), [more, ""])
}

/// The status and the reason that came back.
fn ask(web: &Sidecar, sent: &str) -> (u16, String) {
    let mut caller = Caller::plain(web.outbound());
    caller.send(sent);
    let answer = caller.answer();
    (answer.status(), answer.reason())
}

const GET: &str = "GET /a HTTP/1.1\r\nhost: orders\r\n\r\n";
const POST: &str = "POST /a HTTP/1.1\r\nhost: orders\r\ncontent-length: 4\r\n\r\nbody";
const POST_WITHOUT_BODY: &str = "POST /a HTTP/1.1\r\nhost: orders\r\ncontent-length: 0\r\n\r\n";
