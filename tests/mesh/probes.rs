//! The door for probes: what gets through it, and what does not.

use std::net::SocketAddr;

use crate::caller::Answer;
use crate::caller::Caller;
use crate::stage::Sidecar;
use crate::trial::Trial;

const PROBES: &str = r#", probes: { listen: "127.0.0.1:0", paths: [/healthz, /ready/db] }"#;

const PROBE: &str = "GET /healthz HTTP/1.1\r\nhost: 10.0.0.7:9901\r\nuser-agent: kube-probe/1.33\r\naccept: */*\r\n";

#[test]
fn a_listed_path_is_asked_and_nothing_is_said_of_anybody() {
    let trial = Trial::with(PROBES, "");
    let mut kubelet = Caller::plain(probes(&trial.orders));
    kubelet.send(format!(
        "{PROBE}x-portreeve-caller: spiffe://mesh.example/web\r\nx-forwarded-client-cert: a\r\nx-forwarded-proto: https\r\nauthorization: b\r\ncookie: c\r\nx-other: d\r\n\r\n"
    ));
    let mut call = trial.application.call();
    let arrived = "GET /healthz HTTP/1.1\r\naccept: */*\r\nuser-agent: kube-probe/1.33\r\nhost: 10.0.0.7:9901\r\n\r\n";
    assert_eq!(sorted(&call.head()), sorted(arrived));
    call.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert_eq!(kubelet.answer().text(), "ok");
    let record = trial.orders.records.next();
    let said = [
        "door", "decision", "reason", "status", "path", "caller", "policies",
    ];
    assert_eq!(record.says(said), "probes permit  200 /healthz  ");
    // What it answers is what is told.
    let mut kubelet = Caller::plain(probes(&trial.orders));
    kubelet.send("HEAD /ready/db HTTP/1.1\r\nhost: x\r\n\r\n");
    let mut call = trial.application.call();
    assert_eq!(call.head(), "HEAD /ready/db HTTP/1.1\r\nhost: x\r\n\r\n");
    call.send("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 9\r\n\r\n");
    assert_eq!(kubelet.head()[0], "HTTP/1.1 500 Internal Server Error");
    assert_eq!(
        trial.orders.records.next().says(["method", "status"]),
        "HEAD 500"
    );
    trial.orders.shows(
        r#"portreeve_requests_total{door="probes",service="orders",decision="permit",code="200"} 1"#,
    );
    trial.application.was_not_called();
}

#[test]
pub(crate) fn nothing_but_a_plain_probe_gets_through() {
    let trial = Trial::with(PROBES, "");
    for (sent, status, reason) in REFUSED {
        println!("{sent:?}");
        let mut stranger = Caller::plain(probes(&trial.orders));
        stranger.send(sent);
        let answer = stranger.answer();
        assert_eq!(said(&answer), (*status, (*reason).to_owned()), "{sent:?}");
        if *status == 405 && *reason == "probe_by_other_method" {
            assert_eq!(answer.field("allow"), Some("GET, HEAD"));
        }
        let record = trial.orders.records.next();
        let said = record.says(["door", "decision", "reason"]);
        assert_eq!(said, format!("probes refused {reason}"), "{sent:?}");
        is_probed(&trial);
    }
}

#[test]
fn what_is_no_http_1_is_not_answered() {
    let trial = Trial::with(PROBES, "");
    for sent in [
        &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ] {
        let mut stranger = Caller::plain(probes(&trial.orders));
        stranger.send(sent);
        println!("{}", stranger.rest());
        let record = trial.orders.records.next();
        assert_eq!(
            record.says(["door", "decision", "reason"]),
            "probes refused malformed_message"
        );
        is_probed(&trial);
    }
}

#[test]
fn whoever_asks_nothing_is_given_up() {
    let trial = Trial::with(PROBES, "limits: { header_read_timeout_ms: 300 }");
    let mut silent = Caller::plain(probes(&trial.orders));
    assert_eq!(silent.rest(), "");
    let mut slow = Caller::plain(probes(&trial.orders));
    slow.send("GET /healthz HTTP/1.1\r\nho");
    println!("{}", slow.rest());
    let record = trial.orders.records.next();
    assert_eq!(
        record.says(["door", "decision", "reason"]),
        "probes refused header_timeout"
    );
    is_probed(&trial);
    trial.orders.records.are_all_read();
}

#[test]
fn no_other_door_knows_of_probes() {
    let trial = Trial::with(PROBES, "");
    // Without a certificate there is no connection.
    let mut stranger = Caller::plain(trial.orders.inbound());
    let _either = stranger.try_send(format!("{PROBE}\r\n"));
    stranger.rest();
    assert_eq!(
        trial.orders.records.next().says(["door", "decision"]),
        "inbound refused"
    );
    // And with one the policy is asked.
    let mut web = trial.call();
    web.send("GET /healthz HTTP/1.1\r\nhost: nobody\r\n\r\n");
    assert_eq!(said(&web.answer()), (403, "no_permit".to_owned()));
    trial.orders.records.next();
    is_probed(&trial);
}

#[test]
fn an_application_that_is_busy_or_not_ready_is_probed_all_the_same() {
    let busy = Trial::with(&format!("{PROBES}, concurrent_requests: 1"), "");
    let (_web, _call) = busy.begin();
    is_probed(&busy);

    let ready = "app_ready: { path: /other, interval_ms: 100, timeout_ms: 3600000 }";
    let starting = Trial::with(&format!("{PROBES}, {ready}"), "");
    // It is asked whether it is ready, and does not answer.
    let mut question = starting.application.call();
    assert!(question.head().starts_with("GET /other "));
    is_probed(&starting);
}

#[test]
fn without_the_section_there_is_no_such_door() {
    let trial = Trial::new("");
    assert_eq!(trial.orders.running.addresses().probes, None);
}

#[test]
fn an_application_that_is_gone_is_told_of() {
    let trial = Trial::with(PROBES, "");
    let mut kubelet = Caller::plain(probes(&trial.orders));
    kubelet.send(format!("{PROBE}\r\n"));
    trial.application.call().hang_up();
    assert_eq!(said(&kubelet.answer()), (502, "upstream_failed".to_owned()));
    trial.orders.records.next();
    is_probed(&trial);
}

/// A probe reaches the application, and it alone.
fn is_probed(trial: &Trial) {
    let mut kubelet = Caller::plain(probes(&trial.orders));
    kubelet.send(format!("{PROBE}\r\n"));
    let mut call = trial.application.call();
    assert!(call.head().starts_with("GET /healthz HTTP/1.1\r\n"));
    call.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert_eq!(kubelet.answer().text(), "ok");
    assert_eq!(
        trial.orders.records.next().says(["door", "status"]),
        "probes 200"
    );
    trial.application.was_not_called();
}

fn probes(sidecar: &Sidecar) -> SocketAddr {
    sidecar.running.addresses().probes.unwrap()
}

fn said(answer: &Answer) -> (u16, String) {
    (answer.status(), answer.reason())
}

fn sorted(head: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = head.split("\r\n").collect();
    lines.sort_unstable();
    lines
}

const REFUSED: &[(&str, u16, &str)] = &[
    (
        "GET /orders HTTP/1.1\r\nhost: x\r\n\r\n",
        404,
        "no_such_probe",
    ),
    ("GET / HTTP/1.1\r\nhost: x\r\n\r\n", 404, "no_such_probe"),
    (
        "GET /healthz/ HTTP/1.1\r\nhost: x\r\n\r\n",
        404,
        "no_such_probe",
    ),
    (
        "GET /healthz/a HTTP/1.1\r\nhost: x\r\n\r\n",
        404,
        "no_such_probe",
    ),
    (
        "GET /HEALTHZ HTTP/1.1\r\nhost: x\r\n\r\n",
        404,
        "no_such_probe",
    ),
    (
        "GET /healthz?a=b HTTP/1.1\r\nhost: x\r\n\r\n",
        404,
        "no_such_probe",
    ),
    (
        "GET /healthz? HTTP/1.1\r\nhost: x\r\n\r\n",
        404,
        "no_such_probe",
    ),
    (
        "POST /orders HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\na",
        404,
        "no_such_probe",
    ),
    ("GET //healthz HTTP/1.1\r\nhost: x\r\n\r\n", 400, "bad_path"),
    (
        "GET /healthz/../orders HTTP/1.1\r\nhost: x\r\n\r\n",
        400,
        "bad_path",
    ),
    (
        "GET /healthz;a HTTP/1.1\r\nhost: x\r\n\r\n",
        400,
        "bad_path",
    ),
    ("GET /healthz HTTP/1.1\r\n\r\n", 400, "no_host"),
    (
        "TRACE /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
        405,
        "method_not_allowed",
    ),
    (
        "POST /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n",
        405,
        "probe_by_other_method",
    ),
    (
        "DELETE /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
        405,
        "probe_by_other_method",
    ),
    (
        "OPTIONS /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
        405,
        "probe_by_other_method",
    ),
    (
        "GET /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\na",
        400,
        "probe_with_more",
    ),
    (
        "GET /healthz HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        400,
        "probe_with_more",
    ),
    (
        "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
        400,
        "probe_with_more",
    ),
];
