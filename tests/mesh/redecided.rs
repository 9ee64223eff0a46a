//! What is in flight when the policy changes its mind: one of two loses its
//! permit and is cut, and its twin goes on as if nothing had been.

use std::time::Duration;

use crate::application::Call;
use crate::caller::Caller;
use crate::frames::DATA;
use crate::frames::Framed;
use crate::frames::Outcome;
use crate::frames::data;
use crate::frames::head;
use crate::records::Record;
use crate::trial::Trial;

#[test]
fn a_response_breaks_off_and_its_twin_goes_on() {
    for (framing, [piece, last]) in [
        ("transfer-encoding: chunked", ["3\r\none\r\n", "0\r\n\r\n"]),
        ("content-length: 4", ["one", "!"]),
    ] {
        let trial = trial();
        let mut twins = Twins::begin(&trial, |path| {
            format!("GET {path} HTTP/1.1\r\nhost: orders\r\n\r\n")
        });
        let answer = format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n{piece}");
        for (caller, call) in [&mut twins.kept, &mut twins.lost] {
            call.send(&answer);
            assert_eq!(caller.head(), ["HTTP/1.1 200 OK", framing]);
            assert_eq!(caller.until(piece), piece);
        }
        rule(&trial, NO_MORE, 3);
        let (caller, call) = &mut twins.lost;
        assert_eq!(caller.rest(), "", "the answer looks whole");
        assert_eq!(call.rest(), "");
        is_withdrawn(&trial.orders.records.next(), "200", "forbidden");
        let (caller, call) = &mut twins.kept;
        call.send(last);
        assert_eq!(caller.until(last), last);
        is_kept(&trial.orders.records.next(), "200");
    }
}

#[test]
fn a_request_that_waits_for_its_answer_is_refused_with_advice() {
    let trial = trial();
    let mut twins = Twins::begin(&trial, |path| {
        format!("POST {path} HTTP/1.1\r\nhost: orders\r\ncontent-length: 4\r\n\r\none")
    });
    for (_, call) in [&mut twins.kept, &mut twins.lost] {
        assert_eq!(call.until("one"), "one");
    }
    rule(&trial, NO_MORE, 3);
    let (caller, call) = &mut twins.lost;
    let answer = caller.answer();
    assert_eq!(answer.status(), 403);
    assert_eq!(answer.reason(), "permit_withdrawn");
    assert!(answer.text().contains(r#""detail":"come back never""#));
    assert_eq!(call.rest(), "");
    is_withdrawn(&trial.orders.records.next(), "403", "forbidden");
    let (caller, call) = &mut twins.kept;
    caller.send("!");
    assert_eq!(call.until("!"), "!");
    call.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert_eq!(caller.answer().text(), "ok");
    is_kept(&trial.orders.records.next(), "200");
}

#[test]
fn a_stream_is_reset_and_its_twin_on_the_same_connection_goes_on() {
    let trial = trial();
    let mut framed = Framed::begin(trial.call_http2());
    let mut calls = ["/kept", "/lost"].map(|path| {
        let stream = if path == "/kept" { 1 } else { 3 };
        framed.send(&head(stream, END, &asks(path)));
        let mut call = trial.application.call();
        assert!(call.head().contains(path));
        call.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n");
        assert_eq!(framed.next(DATA).payload, b"one");
        call
    });
    rule(&trial, NO_MORE, 3);
    assert_eq!(framed.outcome(3), Outcome::Reset(CANCEL));
    assert_eq!(calls[1].rest(), "");
    is_withdrawn(&trial.orders.records.next(), "200", "forbidden");
    calls[0].send("3\r\ntwo\r\n0\r\n\r\n");
    assert_eq!(framed.outcome(1), Outcome::Answer(None, "two".to_owned()));
    is_kept(&trial.orders.records.next(), "200");
}

#[test]
fn what_is_still_sent_on_many_streams_that_were_cut_is_nobodys_offence() {
    let trial = trial();
    let mut framed = Framed::begin(trial.call_http2());
    let mut posts = asks("/lost");
    posts[0].1 = "POST";
    let streams: Vec<u32> = (0..120).map(|nth| 2 * nth + 1).collect();
    let mut calls: Vec<_> = streams
        .iter()
        .map(|&stream| {
            framed.send(&head(stream, 0, &posts));
            let mut call = trial.application.call();
            call.head();
            call.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n");
            call
        })
        .collect();
    framed.send(&head(1001, END, &asks("/kept")));
    let mut kept = trial.application.call();
    kept.head();
    rule(&trial, NO_MORE, 3);
    for call in &mut calls {
        call.rest();
    }
    // On its way before the caller could know. Few enough for the windows.
    for _ in 0..20 {
        for &stream in &streams {
            framed.send(&data(stream, 0, &[b'0'; 1_000]));
        }
    }
    kept.send("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\ntwo");
    let answer = Outcome::Answer(Some(200), "two".to_owned());
    assert_eq!(framed.outcome(1001), answer);
}

#[test]
fn an_answer_that_nobody_reads_is_cut_as_well() {
    let trial = trial();
    let mut framed = Framed::begin(trial.call_http2());
    framed.send(&head(1, END, &asks("/lost")));
    let mut call = trial.application.call();
    call.head();
    // More than the caller's windows take.
    call.send("HTTP/1.1 200 OK\r\ncontent-length: 200000\r\n\r\n");
    call.send(vec![b'0'; 200_000]);
    let mut got = 0;
    while got < 65_535 {
        got += framed.next(DATA).payload.len();
    }
    rule(&trial, NO_MORE, 3);
    assert_eq!(framed.outcome(1), Outcome::Reset(CANCEL));
    is_withdrawn(&trial.orders.records.next(), "200", "forbidden");

    // In HTTP/1 it is the connection that is full.
    rule(&trial, ANYBODY, 4);
    let mut caller = trial.call();
    caller.send("GET /lost HTTP/1.1\r\nhost: orders\r\n\r\n");
    let mut call = trial.application.call();
    call.head();
    call.send("HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n");
    let mut writer = call.another();
    let writing = std::thread::spawn(move || while writer.try_send(vec![b'0'; 100_000]) {});
    caller.head();
    rule(&trial, NO_MORE, 5);
    is_withdrawn(&trial.orders.records.next(), "200", "forbidden");
    writing.join().unwrap();
    assert!(caller.rest().len() < 100_000_000);
}

#[test]
fn a_no_for_whatever_reason_is_one() {
    for (policy, reason, policies) in [
        (NOBODY, "no_permit", "[]"),
        (FAILS, "evaluation_error", r#"["fails"]"#),
    ] {
        let trial = trial();
        let (mut caller, mut call) = trial.begin();
        rule(&trial, policy, 3);
        assert_eq!(caller.answer().reason(), "permit_withdrawn", "{reason}");
        assert_eq!(call.rest(), "");
        let record = trial.orders.records.next();
        assert_eq!(
            record.says(["reason", "withdrawn_reason", "withdrawn_policies"]),
            format!("permit_withdrawn {reason} {policies}")
        );
        trial.orders.shows(&format!(
            r#"portreeve_permits_withdrawn_total{{reason="{reason}"}} 1"#
        ));
    }
}

#[test]
fn what_a_request_said_in_its_head_is_not_forgotten() {
    let trial = trial();
    let mut twins = Twins::begin(&trial, |path| {
        let ticket = if path == "/kept" { "OPS-1" } else { "DEV-1" };
        format!("GET {path} HTTP/1.1\r\nhost: orders\r\nx-ticket: {ticket}\r\n\r\n")
    });
    rule(&trial, OPS_ONLY, 3);
    let (caller, call) = &mut twins.lost;
    assert_eq!(caller.answer().reason(), "permit_withdrawn");
    assert_eq!(call.rest(), "");
    let (caller, call) = &mut twins.kept;
    call.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert_eq!(caller.answer().text(), "ok");
}

#[test]
fn a_refused_set_cuts_nothing_and_one_that_says_the_same_neither() {
    let trial = trial();
    let (mut caller, mut call) = trial.begin();
    for round in 1..=5 {
        trial
            .stage
            .rule(&format!("permit (principal, action, {round}"));
        trial.orders.running.reload();
        let line = format!("portreeve_policy_loads_total{{outcome=\"refused\"}} {round}");
        trial.orders.shows(&line);
    }
    trial
        .orders
        .shows(r#"portreeve_redecisions_total{cause="policy",decision="permit"} 0"#);
    for round in 0..20 {
        rule(&trial, &format!("{ANYBODY}// {round}"), 3 + round);
        let line = r#"portreeve_redecisions_total{cause="policy",decision="permit"}"#;
        trial.orders.shows(&format!("{line} {}", round + 1));
    }
    call.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert_eq!(caller.answer().text(), "ok");
    is_kept(&trial.orders.records.next(), "200");
}

#[test]
fn who_may_stay_until_five_past_is_gone_then_and_not_before() {
    let trial = trial();
    rule(&trial, UNTIL_FIVE_PAST, 3);
    let mut twins = Twins::begin(&trial, |path| {
        format!("GET {path} HTTP/1.1\r\nhost: orders\r\n\r\n")
    });
    trial.stage.calendar.pass(Duration::from_secs(299));
    let asked = r#"portreeve_redecisions_total{cause="time",decision="permit"} 2"#;
    trial.orders.shows(asked);
    trial.orders.records.are_all_read();
    trial.stage.calendar.pass(Duration::from_secs(1));
    let (caller, call) = &mut twins.lost;
    assert_eq!(caller.answer().reason(), "permit_withdrawn");
    assert_eq!(call.rest(), "");
    is_withdrawn(&trial.orders.records.next(), "403", "no_permit");
    let (caller, call) = &mut twins.kept;
    call.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert_eq!(caller.answer().text(), "ok");
    trial
        .orders
        .shows(r#"portreeve_redecisions_total{cause="time",decision="deny"} 1"#);
}

/// Two of a kind: one that will lose its permit, and one that will not.
pub(crate) struct Twins {
    pub(crate) kept: (Caller, Call),
    pub(crate) lost: (Caller, Call),
}

impl Twins {
    /// With the requests that `ask` makes of a path.
    pub(crate) fn begin(trial: &Trial, ask: impl Fn(&str) -> String) -> Self {
        let begin = |path| {
            let mut caller = trial.call();
            caller.send(ask(path));
            let mut call = trial.application.call();
            assert!(call.head().contains(path));
            (caller, call)
        };
        Self {
            kept: begin("/kept"),
            lost: begin("/lost"),
        }
    }
}

pub(crate) fn is_withdrawn(record: &Record, status: &str, reason: &str) {
    let fields = ["path", "decision", "status", "reason", "withdrawn_reason"];
    let said = format!("/lost permit {status} permit_withdrawn {reason}");
    assert_eq!(record.says(fields), said);
    if reason == "forbidden" {
        assert_ne!(record.text("revision"), record.text("withdrawn_revision"));
        assert_eq!(record.text("withdrawn_policies"), r#"["no-more"]"#);
        assert!(record.text("notes").contains("come back never"));
    }
}

fn is_kept(record: &Record, status: &str) {
    let said = record.says(["decision", "status", "reason", "withdrawn_revision"]);
    assert_eq!(said, format!("permit {status}  "));
}

pub(crate) fn trial() -> Trial {
    let trial = Trial::new("");
    rule(&trial, ANYBODY, 2);
    trial
}

/// Puts `policy` in force, the nth that is.
pub(crate) fn rule(trial: &Trial, policy: &str, nth: usize) {
    trial.stage.rule(policy);
    trial.orders.running.reload();
    let line = format!("portreeve_policy_loads_total{{outcome=\"loaded\"}} {nth}");
    trial.orders.shows(&line);
}

fn asks(path: &str) -> [(&str, &str); 4] {
    [
        (":method", "GET"),
        (":scheme", "https"),
        (":authority", "orders"),
        (":path", path),
    ]
}

const END: u8 = crate::frames::END_STREAM;
const CANCEL: u32 = 8;

pub(crate) const ANYBODY: &str = r#"
@id("anybody")
permit (principal, action, resource);
"#;

pub(crate) const NO_MORE: &str = r#"
@id("anybody")
permit (principal, action, resource);

@id("no-more")
@advice("come back never")
forbid (principal, action, resource in Route::"orders:/lost");
"#;

const NOBODY: &str = r#"
@id("nobody")
forbid (principal, action, resource in Route::"orders:/nothing");
"#;

const FAILS: &str = r#"
@id("anybody")
permit (principal, action, resource);

@id("fails")
forbid (principal, action in Action::"http", resource)
when { context.utc.date + 9223372036854775807 > 0 };
"#;

const OPS_ONLY: &str = r#"
@id("ops-only")
permit (principal, action in Action::"http", resource)
when { context.headers has "x-ticket" && context.headers["x-ticket"] like "OPS-*" };
"#;

const UNTIL_FIVE_PAST: &str = r#"
@id("until-five-past")
permit (principal, action in Action::"http", resource in Route::"orders:/lost")
when { context.utc.minuteOfDay < 5 };

@id("long")
permit (principal, action in Action::"http", resource in Route::"orders:/kept")
when { context.now < datetime("2031-01-01") };
"#;
