//! Requests that are permitted, and yet come too often or at a bad time.

use portreeve::ca::Authority;

use crate::application::Application;
use crate::caller::Answer;
use crate::caller::Caller;
use crate::frames::END_STREAM;
use crate::frames::Framed;
use crate::frames::head;
use crate::http2_heads::TWIN;
use crate::stage::Stage;
use crate::strangers;
use crate::trial::Trial;
use crate::trial::served;

#[test]
pub(crate) fn whoever_asks_too_often_is_refused_and_others_are_not() {
    let stage = Stage::new();
    stage.rule(ANYBODY);
    let application = Application::start();
    let limit = ", rate_limits: [{ callers: spiffe://mesh.example/web, requests: 1, period_s: 3600, burst: 3 }]";
    let orders = stage.orders_with(application.address(), [limit, ""], "");
    let by = |name: &str| {
        let shown = stage.svid(name, Authority::SVID_LIFETIME);
        Caller::secure(
            orders.inbound(),
            strangers::client(Some(shown), &[b"http/1.1"]),
        )
    };
    // What is denied, or has no reading, counts as well.
    let mut web = by("web");
    web.send(GET);
    let mut call = application.call();
    served(&mut call);
    assert_eq!(web.answer().text(), "ok");
    web.send("GET /admin HTTP/1.1\r\nhost: orders\r\n\r\n");
    assert_eq!(said(&web.answer()), (403, "forbidden".to_owned()));
    web.send("GET //a HTTP/1.1\r\nhost: orders\r\n\r\n");
    assert_eq!(said(&web.answer()), (400, "bad_path".to_owned()));
    for _ in 0..3 {
        orders.records.next();
    }
    // Nor does another connection help.
    let mut web = by("web");
    for _ in 0..2 {
        web.send(GET);
        let answer = web.answer();
        assert_eq!(said(&answer), (429, "rate_limited".to_owned()));
        let wait: u64 = answer.field("retry-after").unwrap().parse().unwrap();
        assert!((1..=3600).contains(&wait), "{wait}");
        let record = orders.records.next();
        assert_eq!(
            record.says(["decision", "reason", "status", "caller", "path"]),
            "refused rate_limited 429 spiffe://mesh.example/web /a"
        );
    }
    orders.shows(
        r#"portreeve_shed_requests_total{door="inbound",service="orders",reason="rate_limited"} 2"#,
    );
    for _ in 0..5 {
        let mut cron = by("cron");
        cron.send(GET);
        served(&mut call);
        assert_eq!(cron.answer().text(), "ok");
    }
    application.was_not_called();
}

#[test]
pub(crate) fn a_request_too_many_is_refused_until_one_has_ended() {
    let trial = Trial::with(", concurrent_requests: 1", "");
    let (mut first, mut call) = trial.begin();
    is_refused(&trial, &mut trial.call(), "overloaded");
    trial.orders.shows(
        r#"portreeve_shed_requests_total{door="inbound",service="orders",reason="overloaded"} 1"#,
    );
    let mut framed = Framed::begin(trial.call_http2());
    framed.send(&head(1, END_STREAM, TWIN));
    assert_eq!(framed.outcome(1).refusal(), "503 overloaded");
    trial.orders.records.next();
    // It has a place until its response has ended.
    call.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n");
    first.until("a\r\n");
    is_refused(&trial, &mut trial.call(), "overloaded");
    call.send("0\r\n\r\n");
    first.until("0\r\n\r\n");
    trial.orders.records.next();
    is_served(&trial, &mut first);
}

#[test]
fn whoever_goes_away_leaves_a_place_behind() {
    let trial = Trial::with(", concurrent_requests: 1", "");
    let (first, _call) = trial.begin();
    first.hang_up();
    assert_eq!(trial.orders.records.next().text("reason"), "caller_gone");
    is_served(&trial, &mut trial.call());
    // As does whoever is let down by the application.
    let (mut second, call) = trial.begin();
    call.hang_up();
    assert_eq!(second.answer().status(), 502);
    trial.orders.records.next();
    is_served(&trial, &mut second);
}

#[test]
fn an_upgraded_connection_has_a_place_until_it_ends() {
    let trial = Trial::with(", concurrent_requests: 1", "");
    let mut caller = trial.call();
    caller.send("GET /a HTTP/1.1\r\nhost: orders\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
    let mut call = trial.application.call();
    call.head();
    call.send("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nhello");
    caller.until("hello");
    is_refused(&trial, &mut trial.call(), "overloaded");
    drop(call);
    caller.hang_up();
    trial.orders.records.next();
    is_served(&trial, &mut trial.call());
}

/// The next request of `caller` gets 503 for `reason`, and the application nothing.
pub(crate) fn is_refused(trial: &Trial, caller: &mut Caller, reason: &str) {
    caller.send(ALONE);
    let answer = caller.answer();
    assert_eq!(said(&answer), (503, reason.to_owned()));
    assert_eq!(answer.field("retry-after"), Some("1"));
    let record = trial.orders.records.next();
    let said = record.says(["decision", "reason", "status"]);
    assert_eq!(said, format!("permit {reason} 503"));
    trial.application.was_not_called();
}

fn is_served(trial: &Trial, caller: &mut Caller) {
    caller.send(ALONE);
    let mut call = trial.application.call();
    assert!(call.head().starts_with("GET /twin "));
    call.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert_eq!(caller.answer().text(), "ok");
    assert_eq!(
        trial.orders.records.next().says(["path", "status"]),
        "/twin 200"
    );
}

fn said(answer: &Answer) -> (u16, String) {
    (answer.status(), answer.reason())
}

/// What has a connection to the application of its own, so that it cannot be missed.
const ALONE: &str =
    "GET /twin HTTP/1.1\r\nhost: orders\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n";

const GET: &str = "GET /a HTTP/1.1\r\nhost: orders\r\n\r\n";

const ANYBODY: &str = r#"
@id("anybody")
permit (principal, action in Action::"http", resource in Service::"orders");

@id("nobody-administrates")
forbid (principal, action in Action::"http", resource in Route::"orders:/admin/**");
"#;
