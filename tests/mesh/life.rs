//! How long a connection lives, and whose word counts meanwhile.

use std::time::Duration;

use portreeve::time::Clock as _;

use crate::application::Call;
use crate::caller::Caller;
use crate::frames::END_STREAM;
use crate::frames::Framed;
use crate::frames::head;
use crate::http2_heads::TWIN;
use crate::records::Record;
use crate::stage::Sidecar;
use crate::stage::Stage;
use crate::strangers;
use crate::trial::Trial;
use crate::trial::served;

#[test]
fn a_connection_ends_with_the_certificate_of_its_caller() {
    let trial = Trial::new("");
    let mut short = short_lived(&trial.stage, &trial.orders);
    let mut long = trial.call();
    long.send("GET /a HTTP/1.1\r\nhost: orders\r\n\r\n");
    let mut kept = trial.application.call();
    served(&mut kept);
    assert_eq!(long.answer().text(), "ok");
    trial.orders.records.next();

    short.send("GET /b HTTP/1.1\r\nhost: orders\r\n\r\n");
    assert!(kept.head().starts_with("GET /b "));
    trial.stage.calendar.pass(MINUTE);
    assert_eq!(short.rest(), "");
    assert_eq!(kept.rest(), "");
    let record = trial.orders.records.next();
    assert_eq!(
        record.says(["path", "decision", "status", "reason"]),
        "/b permit  certificate_expired"
    );

    long.send("GET /c HTTP/1.1\r\nhost: orders\r\n\r\n");
    assert!(served(&mut trial.application.call()).starts_with("GET /c "));
    assert_eq!(long.answer().text(), "ok");
}

#[test]
fn an_http_2_connection_ends_with_the_certificate_of_its_caller() {
    let trial = Trial::new("");
    let shown = trial.stage.svid("web", MINUTE);
    let config = strangers::client(Some(shown), &[b"h2"]);
    let mut framed = Framed::begin(Caller::secure(trial.orders.inbound(), config));
    for stream in [1, 3] {
        framed.send(&head(stream, END_STREAM, TWIN));
    }
    let mut calls = [trial.application.call(), trial.application.call()];
    for call in &mut calls {
        call.head();
    }
    trial.stage.calendar.pass(MINUTE);
    framed.ends();
    for call in &mut calls {
        assert_eq!(call.rest(), "");
        let record = trial.orders.records.next();
        assert_eq!(record.says(["status", "reason"]), " certificate_expired");
    }
}

#[test]
fn an_idle_connection_takes_no_request_shortly_before_its_end() {
    let trial = Trial::new("");
    let mut short = short_lived(&trial.stage, &trial.orders);
    short.send("GET /a HTTP/1.1\r\nhost: orders\r\n\r\n");
    served(&mut trial.application.call());
    let answer = short.answer();
    assert_eq!((answer.text(), answer.field("connection")), ("ok", None));
    trial.stage.calendar.pass(Duration::from_secs(55));
    assert_eq!(short.rest(), "");
    trial.orders.records.next();
    trial.orders.records.are_all_read();
}

#[test]
fn an_upgraded_connection_ends_with_the_certificate_of_its_caller() {
    let trial = Trial::new("");
    let mut short = short_lived(&trial.stage, &trial.orders);
    short.send("GET /a HTTP/1.1\r\nhost: orders\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
    let mut call = trial.application.call();
    call.head();
    call.send("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nhello");
    assert_eq!(
        short.until("hello").lines().next(),
        Some("HTTP/1.1 101 Switching Protocols")
    );
    trial.stage.calendar.pass(MINUTE);
    assert_eq!(call.rest(), "");
    assert_eq!(short.rest(), "");
    let record = trial.orders.records.next();
    assert_eq!(
        record.says(["status", "reason", "bytes_out"]),
        "101 certificate_expired 5"
    );
}

#[test]
fn the_policy_decides_each_request_as_it_is_when_that_comes() {
    let trial = Trial::new("");
    let mut asking = Asking::new(&trial);
    let mut expect = |status: u16, reason: &str| {
        let record = asking.expect(status);
        assert_eq!(record.text("reason"), reason);
        record.text("revision")
    };
    let first = expect(200, "");
    rule(&trial, NOBODY, "loaded", 2);
    let nobody = expect(403, "no_permit");
    assert_ne!(first, nobody);
    rule(&trial, ANYBODY, "loaded", 3);
    let anybody = expect(200, "");
    // A set with a mistake changes nothing.
    rule(&trial, "permit (principal, action, resource", "refused", 1);
    assert_eq!(expect(200, ""), anybody);
    rule(&trial, NOBODY, "loaded", 4);
    assert_eq!(expect(403, "no_permit"), nobody);

    let mut framed = Framed::begin(trial.call_http2());
    framed.send(&head(1, END_STREAM, TWIN));
    assert_eq!(framed.outcome(1).refusal(), "403 no_permit");
    rule(&trial, ANYBODY, "loaded", 5);
    framed.send(&head(3, END_STREAM, TWIN));
    served(&mut asking.app.unwrap());
    assert_eq!(framed.outcome(3).refusal(), "null ");
}

#[test]
fn who_is_in_a_group_is_as_the_file_says_when_a_request_comes() {
    let trial = Trial::new("");
    let mut asking = Asking::new(&trial);
    let mut expect = |status: u16| asking.expect(status).text("revision");
    let group = |lines: &str, outcome: &str, times: usize| {
        trial.stage.say("groups.yaml", lines);
        loaded(&trial, outcome, times);
    };
    let others = "spiffe://mesh.example/other: [guests]";
    group(others, "loaded", 2);
    rule(&trial, GUESTS, "loaded", 3);
    let revision = expect(403);
    group("spiffe://mesh.example/*: [guests]", "loaded", 4);
    assert_eq!(expect(200), revision);
    // A file with a mistake changes nothing, nor does one that no longer has the
    // group that a policy names.
    group(
        "spiffe://mesh.example/*: [guests]\nweb: [guests]",
        "refused",
        1,
    );
    expect(200);
    group("{}", "refused", 2);
    expect(200);
    group(others, "loaded", 5);
    expect(403);
}

#[test]
fn what_is_said_of_a_caller_counts_until_it_is_no_longer_good() {
    let trial = Trial::new("");
    let mut asking = Asking::new(&trial);
    let mut expect = |status: u16| drop(asking.expect(status));
    let say = |value: &str, outcome: &str, times: usize| {
        let line = format!("spiffe://mesh.example/web: {{ risk: {value} }}");
        trial.stage.say("signals.yaml", &line);
        loaded(&trial, outcome, times);
    };
    rule(&trial, KNOWN, "loaded", 2);
    expect(403);
    say("7", "loaded", 3);
    expect(403);
    let until = jiff::Timestamp::try_from(trial.stage.calendar.now() + MINUTE).unwrap();
    say(&format!("{{ value: 3, until: {until} }}"), "loaded", 4);
    expect(200);
    // A file with a mistake changes nothing.
    say("high", "refused", 1);
    expect(200);
    trial.stage.calendar.pass(MINUTE);
    expect(403);
}

/// Asks again and again on one connection.
struct Asking<'a> {
    /// Once it was reached.
    app: Option<Call>,
    caller: Caller,
    trial: &'a Trial,
}

impl<'a> Asking<'a> {
    fn new(trial: &'a Trial) -> Self {
        Self {
            app: None,
            caller: trial.call(),
            trial,
        }
    }

    /// A request that must be answered with `status`, and its record.
    fn expect(&mut self, status: u16) -> Record {
        self.caller.send("GET /a HTTP/1.1\r\nhost: orders\r\n\r\n");
        if status == 200 {
            served(
                self.app
                    .get_or_insert_with(|| self.trial.application.call()),
            );
        }
        assert_eq!(self.caller.answer().status(), status);
        self.trial.orders.records.next()
    }
}

/// Puts `policy` in the folder, and waits until it was read with this `outcome`.
fn rule(trial: &Trial, policy: &str, outcome: &str, times: usize) {
    trial.stage.rule(policy);
    loaded(trial, outcome, times);
}

/// Waits until what is there was read with this `outcome`.
fn loaded(trial: &Trial, outcome: &str, times: usize) {
    trial.orders.running.reload();
    let line = format!("portreeve_policy_loads_total{{outcome=\"{outcome}\"}} {times}");
    trial.orders.shows(&line);
}

/// `web`, with a certificate that holds for a minute.
fn short_lived(stage: &Stage, orders: &Sidecar) -> Caller {
    let shown = stage.svid("web", MINUTE);
    Caller::secure(
        orders.inbound(),
        strangers::client(Some(shown), &[b"http/1.1"]),
    )
}

const MINUTE: Duration = Duration::from_secs(60);

const GUESTS: &str = r#"
@id("guests")
permit (principal in WorkloadGroup::"guests", action in Action::"http", resource in Service::"orders");
"#;

const KNOWN: &str = r#"
@id("known")
permit (principal, action in Action::"http", resource in Service::"orders")
when { context.signals has risk && context.signals.risk < 5 };
"#;

const NOBODY: &str = r#"
@id("nobody")
forbid (principal, action, resource in Route::"orders:/nothing");
"#;

const ANYBODY: &str = r#"
@id("anybody")
permit (principal, action, resource);
"#;
