//! How much a caller may hold, and for how long.

use crate::caller::Caller;
use crate::frames::END_STREAM;
use crate::frames::Framed;
use crate::frames::SETTINGS;
use crate::frames::head;
use crate::http2_heads::ARRIVES;
use crate::http2_heads::TWIN;
use crate::http2_heads::pass;
use crate::http2_heads::refuse;
use crate::trial::Passed;
use crate::trial::Refused;
use crate::trial::Trial;
use crate::trial::served;

const GET: &str = "GET /a HTTP/1.1\r\nhost: orders\r\n\r\n";

#[test]
fn a_connection_too_many_is_closed() {
    let trial = Trial::new("limits: { connections: 1 }");
    let mut first = trial.call();
    is_served(&trial, &mut first);
    let mut second = trial.call();
    let _either = second.try_send(GET);
    assert_eq!(second.rest(), "");
    trial
        .orders
        .shows(r#"portreeve_handshakes_total{door="inbound",result="too_many_connections"} 1"#);
    is_served(&trial, &mut first);
    first.hang_up();
    trial
        .orders
        .shows(r#"portreeve_connections{door="inbound"} 0"#);
    is_served(&trial, &mut trial.call());
}

#[test]
fn whoever_says_nothing_is_given_up() {
    let trial = Trial::new("limits: { handshake_timeout_ms: 300, header_read_timeout_ms: 300 }");
    let mut silent = Caller::plain(trial.orders.inbound());
    assert_eq!(silent.rest(), "");
    assert_eq!(
        trial.orders.records.next().says(["decision", "reason"]),
        "refused handshake_timeout"
    );

    let mut slow = trial.call();
    slow.send("GET /a HTTP/1.1\r\nhost: ord");
    println!("{:?}", slow.rest());
    let record = trial.orders.records.next();
    assert_eq!(
        record.says(["decision", "reason", "caller"]),
        "refused header_timeout spiffe://mesh.example/web"
    );

    let mut framed = trial.call_http2();
    framed.send("PRI * HTTP/2.0\r\n");
    framed.rest();
    assert_eq!(
        trial.orders.records.next().says(["decision", "reason"]),
        "refused header_timeout"
    );
    is_served(&trial, &mut trial.call());
    trial.application.was_not_called();
}

#[test]
fn an_idle_connection_is_closed() {
    let trial = Trial::new(
        "limits: { header_read_timeout_ms: 300, idle_timeout_ms: 300, write_stall_timeout_ms: 300 }",
    );
    // Whether anything ever came on it or not: it is no refused request.
    let mut silent = trial.call();
    assert_eq!(silent.rest(), "");
    let mut caller = trial.call();
    is_served(&trial, &mut caller);
    assert_eq!(caller.rest(), "");
    Framed::begin(trial.call_http2()).ends();
    // Whether it answers the ping that comes with the farewell or does not.
    for end in [Framed::goes, Framed::ends] {
        let mut framed = Framed::begin(trial.call_http2());
        pass(&trial, &mut framed, 1, TWIN, ARRIVES);
        end(framed);
    }
    trial
        .orders
        .shows(r#"portreeve_connections{door="inbound"} 0"#);
    trial.orders.records.are_all_read();
}

#[test]
fn a_head_beyond_the_default_is_refused_in_both_protocols() {
    let trial = Trial::new("");
    let value = "v".repeat(66_000);
    let large = format!("GET /a HTTP/1.1\r\nHost: orders\r\nX: {value}\r\n\r\n");
    trial.refuse_all(
        &Passed(GET.as_bytes(), ARRIVES),
        &[Refused(large.as_bytes(), 431, "head_too_large")],
    );
    let mut fields = TWIN.to_vec();
    fields.push(("x", &value));
    refuse(&trial, &fields, "431 head_too_large", "head_too_large");
}

#[test]
fn an_answer_that_stands_still_is_given_up() {
    let trial = Trial::new("limits: { stream_idle_timeout_ms: 300 }");
    for start in [
        "200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n",
        "101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\na",
    ] {
        let mut caller = trial.call();
        caller.send("GET /a HTTP/1.1\r\nhost: orders\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
        let mut call = trial.application.call();
        call.head();
        call.send(format!("HTTP/1.1 {start}"));
        assert!(!caller.rest().ends_with("0\r\n\r\n"));
        assert_eq!(call.rest(), "");
        let record = trial.orders.records.next();
        assert_eq!(record.says(["reason", "bytes_out"]), "silent_too_long 1");
    }
    is_served(&trial, &mut trial.call());
}

#[test]
fn whoever_does_not_read_is_given_up() {
    let trial = Trial::new("limits: { write_stall_timeout_ms: 300 }");
    let (caller, mut call) = trial.begin();
    call.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    let chunk = format!("10000\r\n{}\r\n", "a".repeat(0x10000));
    while call.try_send(&chunk) {}
    let record = trial.orders.records.next();
    assert_eq!(record.says(["status", "reason"]), "200 caller_gone");
    drop(caller);
    is_served(&trial, &mut trial.call());
}

#[test]
fn a_stream_too_many_is_refused() {
    let trial = Trial::new("limits: { streams: 1 }");
    let mut framed = Framed::begin(trial.call_http2());
    let settings = framed.next(SETTINGS).payload;
    // MAX_CONCURRENT_STREAMS.
    assert!(
        settings
            .chunks(6)
            .any(|setting| setting == [0, 3, 0, 0, 0, 1]),
        "{settings:?}"
    );
    framed.send(&[head(1, END_STREAM, TWIN), head(3, END_STREAM, TWIN)].concat());
    // REFUSED_STREAM: it may be sent again.
    assert_eq!(framed.outcome(3).refusal(), "reset 7");
    let mut call = trial.application.call();
    served(&mut call);
    assert_eq!(framed.outcome(1).refusal(), "null ");
    trial.orders.records.next();
    framed.send(&head(5, END_STREAM, TWIN));
    served(&mut call);
    assert_eq!(framed.outcome(5).refusal(), "null ");
    trial.application.was_not_called();
}

/// A request of `caller`'s is answered, over whatever connection.
pub(crate) fn is_served(trial: &Trial, caller: &mut Caller) {
    caller.send("GET /twin HTTP/1.1\r\nhost: orders\r\nconnection: x\r\n\r\n");
    let mut call = trial.application.call();
    assert!(call.head().starts_with("GET /twin "));
    call.send("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok");
    assert_eq!(caller.answer().text(), "ok");
    assert_eq!(
        trial.orders.records.next().says(["path", "status"]),
        "/twin 200"
    );
}
