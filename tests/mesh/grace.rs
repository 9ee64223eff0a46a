//! What may go on for a while when its caller's certificate has ended.

use std::time::Duration;

use crate::caller::Caller;
use crate::frames::END_STREAM;
use crate::frames::Framed;
use crate::frames::Outcome;
use crate::frames::head;
use crate::http2_heads::TWIN;
use crate::stage::Stage;
use crate::stage::svid_of;
use crate::strangers;
use crate::trial::Trial;
use crate::trial::begin;

#[test]
fn what_is_under_way_may_end_in_the_grace_and_is_marked() {
    let trial = Trial::new(GRACE);
    let mut calls = [(); 2].map(|()| {
        let mut caller = web(&trial, b"http/1.1");
        caller.send("GET /a HTTP/1.1\r\nhost: orders\r\n\r\n");
        let mut call = trial.application.call();
        call.head();
        call.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n");
        caller.until("1\r\na\r\n");
        (caller, call)
    });
    trial.stage.calendar.pass(MINUTE * 3 / 2);
    for (caller, call) in &mut calls {
        call.send("1\r\nb\r\n");
        assert_eq!(caller.until("b\r\n"), "1\r\nb\r\n");
    }
    let [(mut ends, mut call), (mut stays, mut cut)] = calls;
    in_grace(&trial, 2);
    call.send("0\r\n\r\n");
    assert_eq!(ends.rest(), "0\r\n\r\n");
    let record = trial.orders.records.next();
    let fields = ["decision", "status", "reason"];
    assert_eq!(record.says(fields), "permit 200 certificate_grace");

    trial.stage.calendar.pass(MINUTE);
    assert_eq!(stays.rest() + &cut.rest(), "");
    let record = trial.orders.records.next();
    assert_eq!(record.says(fields), "permit 200 certificate_grace_over");
}

#[test]
pub(crate) fn nothing_begins_in_the_grace() {
    let trial = Trial::new(GRACE);
    let mut framed = Framed::begin(web(&trial, b"h2"));
    for stream in [1, 3] {
        framed.send(&head(stream, END_STREAM, TWIN));
    }
    let [mut call, _other] = [trial.application.call(), trial.application.call()];
    call.head();
    trial.stage.calendar.pass(MINUTE * 3 / 2);
    in_grace(&trial, 1);
    // It has not heard that it should go.
    framed.send(&head(5, END_STREAM, TWIN));
    assert_eq!(framed.outcome(5).refusal(), "403 certificate_expired");
    trial.application.was_not_called();
    call.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert_eq!(
        framed.outcome(1),
        Outcome::Answer(Some(200), "ok".to_owned())
    );
}

#[test]
fn a_root_that_is_withdrawn_ends_the_grace() {
    let stage = Stage::new();
    let other = stage.other_authority();
    let shown = stage.svid("orders", 60 * MINUTE);
    stage.keep("orders", &shown, &[stage.authority(), &other]);
    let trial = Trial::on(stage, [""; 2], GRACE);
    let config = strangers::client(Some(svid_of(&other, "web", MINUTE)), &[b"http/1.1"]);
    let caller = Caller::secure(trial.orders.inbound(), config);
    let (mut caller, mut call) = begin(caller, &trial.application);
    trial.stage.calendar.pass(MINUTE * 3 / 2);
    in_grace(&trial, 1);
    let stage = &trial.stage;
    stage.keep("orders", &shown, &[stage.authority()]);
    assert_eq!(caller.rest() + &call.rest(), "");
    let record = trial.orders.records.next();
    assert_eq!(record.text("reason"), "no_longer_trusted");
}

/// Waits until so many connections go on although their certificates have ended.
fn in_grace(trial: &Trial, connections: usize) {
    let line = r#"portreeve_leases_total{door="inbound",result="certificate_grace"}"#;
    trial.orders.shows(&format!("{line} {connections}"));
}

/// `web` at the door, with a certificate that holds for a minute.
fn web(trial: &Trial, word: &[u8]) -> Caller {
    let shown = trial.stage.svid("web", MINUTE);
    Caller::secure(
        trial.orders.inbound(),
        strangers::client(Some(shown), &[word]),
    )
}

const GRACE: &str = "limits: { certificate_grace_ms: 60000 }";
const MINUTE: Duration = Duration::from_secs(60);
