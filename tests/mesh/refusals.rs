//! Every refusal of `src/proxy/reply.rs`, provoked by real peers.

use std::collections::BTreeSet;
use std::net::TcpListener;

use crate::application::Application;
use crate::application::Call;
use crate::caller::Answer;
use crate::caller::Caller;
use crate::far_side;
use crate::stage::Stage;
use crate::trial::Passed;
use crate::trial::Refused;
use crate::trial::Trial;
use crate::trial::served;

#[test]
fn no_reason_is_without_a_test() {
    let reply = include_str!("../../src/proxy/reply.rs");
    let (_, verdicts) = reply.split_once("fn verdict(").unwrap();
    let decision = include_str!("../../src/policy/decision.rs");
    let (_, reasons) = decision.split_once("impl DenialReason {").unwrap();
    let (reasons, _) = reasons.split_once("impl PolicyName {").unwrap();
    let gates = include_str!("../../src/proxy/gates/mod.rs");
    let (_, shed) = gates.split_once("impl Shed {").unwrap();
    let known: BTreeSet<&str> = [verdicts, reasons, shed]
        .into_iter()
        .flat_map(|text| text.split('"').skip(1).step_by(2))
        .collect();
    let provoked: BTreeSet<&str> = BY_REQUESTS
        .iter()
        .map(|refused| refused.2)
        .chain(BY_PEERS.iter().map(|(reason, _)| *reason))
        .chain(far_side::PROVOKED.iter().map(|(reason, _)| *reason))
        .chain(OUT_OF_REACH.iter().copied())
        .collect();
    assert_eq!(provoked, known);
}

#[test]
fn what_a_request_says_provokes_its_refusal() {
    Trial::new("").refuse_all(&TWIN, BY_REQUESTS);
}

#[test]
fn a_full_log_refuses_whoever_is_next() {
    // Two connections hold a place each, and so does the first request.
    let trial = Trial::with_log(", queue_records: 3", "");
    let [mut first, mut second] = [(); 2].map(|()| {
        let mut caller = trial.call();
        caller.send("");
        caller
    });
    first.send("GET /a HTTP/1.1\r\nhost: orders\r\n\r\n");
    let mut call = trial.application.call();
    call.head();
    second.send("GET /b HTTP/1.1\r\nhost: orders\r\n\r\n");
    let answer = second.answer();
    assert_eq!(said(&answer), (503, "audit_log_full".to_owned()));
    assert_eq!(answer.field("retry-after"), Some("1"));
    assert!(
        !answer.text().contains("instance"),
        "there is no record of it"
    );
    trial.application.was_not_called();

    call.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert_eq!(first.answer().text(), "ok");
    assert_eq!(trial.orders.records.next().text("path"), "/a");
    trial.orders.shows("portreeve_audit_queue_records 2");
    second.send("GET /c HTTP/1.1\r\nhost: orders\r\n\r\n");
    assert!(served(&mut call).starts_with("GET /c "));
    assert_eq!(second.answer().text(), "ok");
    assert_eq!(trial.orders.records.next().text("path"), "/c");
}

#[test]
fn a_body_that_breaks_off_is_refused() {
    let trial = Trial::new("");
    let mut caller = trial.call();
    caller.send(format!("{UPLOAD}2\r\nabc"));
    let mut call = trial.application.call();
    assert!(!call.rest().contains("0\r\n"));
    assert_eq!(
        said(&caller.answer()),
        (400, "request_broke_off".to_owned())
    );
    passes(&trial, &mut trial.call());
}

#[test]
fn a_body_that_stands_still_is_given_up() {
    let trial = Trial::new("limits: { request_idle_timeout_ms: 200 }");
    let mut caller = trial.call();
    caller.send(format!("{UPLOAD}2\r\nab"));
    let mut call = trial.application.call();
    assert!(!call.rest().contains("0\r\n"));
    let answer = caller.answer();
    assert_eq!(said(&answer), (408, "request_stalled".to_owned()));
    assert_eq!(answer.field("connection"), Some("close"));
    assert_eq!(caller.rest(), "");
    passes(&trial, &mut trial.call());
}

#[test]
fn a_body_that_trickles_is_given_up_unless_it_is_a_stream_of_messages() {
    let pace = "limits: { request_min_bytes_per_s: 1000, request_min_grace_ms: 200 }";
    let trial = Trial::new(pace);
    let grpc = UPLOAD.replacen("\r\n", "\r\ncontent-type: application/grpc\r\n", 1);
    let mut stream = trial.call();
    stream.send(format!("{grpc}2\r\nab"));
    let mut messages = trial.application.call();
    messages.head();

    let mut caller = trial.call();
    caller.send(format!("{UPLOAD}2\r\nab"));
    let mut call = trial.application.call();
    assert!(!call.rest().contains("0\r\n"));
    // It has begun later, and would have been waited for for a minute.
    assert_eq!(said(&caller.answer()), (408, "request_stalled".to_owned()));
    assert_eq!(
        trial.orders.records.next().text("reason"),
        "request_stalled"
    );

    stream.send("\r\n0\r\n\r\n");
    messages.until("0\r\n\r\n");
    messages.send("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok");
    assert_eq!(stream.answer().text(), "ok");
}

#[test]
fn an_application_that_does_not_answer_is_given_up() {
    let trial = Trial::new("limits: { response_timeout_ms: 200 }");
    let (mut caller, mut call) = trial.begin();
    assert_eq!(said(&caller.answer()), (504, "response_timeout".to_owned()));
    assert_eq!(call.rest(), "", "the request is still awaited");
    passes(&trial, &mut caller);
}

#[test]
fn an_application_that_is_not_there_is_unreachable() {
    let stage = Stage::new();
    let place = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let orders = stage.orders(place, "");
    let mut caller = stage.web_at(orders.inbound());
    caller.send("GET /a HTTP/1.1\r\nhost: orders\r\n\r\n");
    assert_eq!(
        said(&caller.answer()),
        (503, "upstream_unreachable".to_owned())
    );
    let application = Application::start_at(place);
    caller.send("GET /a HTTP/1.1\r\nhost: orders\r\n\r\n");
    served(&mut application.call());
    assert_eq!(caller.answer().text(), "ok");
}

#[test]
fn an_application_that_hangs_up_has_failed() {
    behaves(Call::hang_up, 502, "upstream_failed");
}

#[test]
fn an_application_that_switches_unasked_is_not_understood() {
    let switch = |mut call: Call| call.send("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    behaves(switch, 502, "upstream_not_understood");
}

/// An application that, once it has a request, does `what`.
fn behaves(what: fn(Call), status: u16, reason: &str) {
    let trial = Trial::new("");
    let (mut caller, call) = trial.begin();
    what(call);
    assert_eq!(said(&caller.answer()), (status, reason.to_owned()));
    passes(&trial, &mut caller);
}

/// The record of what was refused is there, and the next request is answered.
fn passes(trial: &Trial, caller: &mut Caller) {
    assert_eq!(trial.orders.records.next().text("decision"), "permit");
    caller.send("GET /twin HTTP/1.1\r\nhost: orders\r\n\r\n");
    assert!(served(&mut trial.application.call()).starts_with("GET /twin "));
    assert_eq!(caller.answer().text(), "ok");
    let record = trial.orders.records.next();
    assert_eq!(record.says(["path", "status", "reason"]), "/twin 200 ");
}

fn said(answer: &Answer) -> (u16, String) {
    (answer.status(), answer.reason())
}

/// A test of this binary.
pub(crate) type Test = fn();

const UPLOAD: &str = "POST /a HTTP/1.1\r\nhost: orders\r\ntransfer-encoding: chunked\r\n\r\n";

const TWIN: Passed<'_> = Passed(
    b"GET /a HTTP/1.1\r\nHost: orders\r\n\r\n",
    "GET /a HTTP/1.1\r\nhost: orders\r\n\r\n",
);

const BY_REQUESTS: &[Refused<'_>] = &[
    Refused(b"GET /tickets HTTP/1.1\r\nHost: orders\r\nX-Ticket: 1\r\nX-Ticket: 2\r\n\r\n", 400, "ambiguous_header"),
    Refused(b"GET /queried?a;b HTTP/1.1\r\nHost: orders\r\n\r\n", 400, "ambiguous_query"),
    Refused(b"GET /overflow HTTP/1.1\r\nHost: orders\r\n\r\n", 403, "evaluation_error"),
    Refused(b"GET /admin HTTP/1.1\r\nHost: orders\r\n\r\n", 403, "forbidden"),
    Refused(b"GET /nobody HTTP/1.1\r\nHost: nobody\r\n\r\n", 403, "no_permit"),
    Refused(b"GET /a HTTP/1.1\r\nHost: orders\r\nHost: orders\r\n\r\n", 400, "ambiguous_host"),
    Refused(b"GET /a HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "bad_host"),
    Refused(b"POST /a HTTP/1.1\r\nHost: orders\r\nContent-Length: 00\r\n\r\n", 400, "bad_content_length"),
    Refused(b"GET /a HTTP/1.1\r\nHost: orders\r\nExpect: x\r\n\r\n", 417, "bad_expectation"),
    Refused(b"GET //a HTTP/1.1\r\nHost: orders\r\n\r\n", 400, "bad_path"),
    Refused(b"GET ftp://orders/a HTTP/1.1\r\nHost: orders\r\n\r\n", 400, "bad_target"),
    Refused(b"GET /a HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 400, "bad_transfer_coding"),
    Refused(b"TRACE /a HTTP/1.1\r\nHost: orders\r\n\r\n", 405, "method_not_allowed"),
    Refused(b"GET /a HTTP/1.1\r\n\r\n", 400, "no_host"),
    Refused(b"GET /a HTTP/1.1\r\nHost: orders\r\na_b: c\r\n\r\n", 400, "underscore_in_name"),
    Refused(b"get /a HTTP/1.1\r\nHost: orders\r\n\r\n", 501, "unknown_method"),
    Refused(b"GET /a HTTP/1.1\r\nHost: orders\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 1\r\n\r\na", 400, "upgrade_with_body"),
];

const BY_PEERS: &[(&str, Test)] = &[
    (
        "app_not_ready",
        crate::readiness::requests_get_503_at_once_until_the_application_says_that_it_is_ready,
    ),
    (
        "certificate_expired",
        crate::grace::nothing_begins_in_the_grace,
    ),
    (
        "overloaded",
        crate::gates::a_request_too_many_is_refused_until_one_has_ended,
    ),
    (
        "no_such_probe",
        crate::probes::nothing_but_a_plain_probe_gets_through,
    ),
    (
        "probe_by_other_method",
        crate::probes::nothing_but_a_plain_probe_gets_through,
    ),
    (
        "probe_with_more",
        crate::probes::nothing_but_a_plain_probe_gets_through,
    ),
    (
        "rate_limited",
        crate::gates::whoever_asks_too_often_is_refused_and_others_are_not,
    ),
    ("audit_log_full", a_full_log_refuses_whoever_is_next),
    (
        "identity_expired",
        crate::roots::a_sidecar_that_is_nobody_any_more_calls_nobody,
    ),
    ("request_broke_off", a_body_that_breaks_off_is_refused),
    ("request_stalled", a_body_that_stands_still_is_given_up),
    (
        "response_timeout",
        an_application_that_does_not_answer_is_given_up,
    ),
    (
        "head_too_large",
        crate::fields::a_head_that_is_too_large_is_refused,
    ),
    (
        "too_many_headers",
        crate::http2_heads::too_many_fields_are_refused,
    ),
    ("upstream_failed", an_application_that_hangs_up_has_failed),
    (
        "upstream_not_understood",
        an_application_that_switches_unasked_is_not_understood,
    ),
    (
        "upstream_unreachable",
        an_application_that_is_not_there_is_unreachable,
    ),
    (
        "uri_too_long",
        crate::fields::a_head_that_is_too_large_is_refused,
    ),
    (
        "body_too_large",
        crate::edge::own_places::more_than_a_place_of_ours_takes_is_refused,
    ),
    (
        "cross_origin",
        crate::edge::origins::what_changes_something_must_come_from_its_own_origin,
    ),
    (
        "no_such_host",
        crate::edge::forwarded::what_is_on_no_route_goes_nowhere,
    ),
    (
        "no_such_route",
        crate::edge::forwarded::what_is_on_no_route_goes_nowhere,
    ),
    (
        "sign_in_first",
        crate::edge::who::whoever_is_nobody_is_told_to_sign_in_and_nothing_is_forwarded,
    ),
];

/// An identity is put in force only if it makes a TLS configuration. A caller
/// that is believed no longer is cut; only a request that comes in the same turn
/// of the event loop as the news is answered instead. For `sign_in_busy` hundreds
/// would have to sign in at once: `edge/errand.rs` has a test of it.
const OUT_OF_REACH: &[&str] = &[
    "identity_not_usable",
    "no_longer_trusted",
    "revoked",
    "sign_in_busy",
];
