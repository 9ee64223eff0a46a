//! No request without a record, also when the disk is full.

use std::fs;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::symlink;

use portreeve::app::RunError;
use tokio::time::Instant;

use crate::records::Records;
use crate::stage::DEADLINE;
use crate::stage::Stage;
use crate::trial::Trial;
use crate::trial::served;

#[test]
fn a_log_that_cannot_be_written_refuses_requests_until_it_can() {
    let trial = Trial::new("");
    let mut caller = trial.call();
    caller.send(GET);
    let mut call = trial.application.call();
    served(&mut call);
    assert_eq!(caller.answer().text(), "ok");
    assert_eq!(trial.orders.records.next().text("status"), "200");

    let file = trial.stage.log_of("orders");
    fs::remove_file(&file).unwrap();
    symlink("/dev/full", &file).unwrap();
    trial.orders.running.reload();
    trial.orders.records.are_over();
    // There was room for this one's record, which now waits.
    caller.send(GET);
    served(&mut call);
    assert_eq!(caller.answer().text(), "ok");
    trial.orders.says("/readyz", "audit_sink_failing");
    caller.send(GET);
    let answer = caller.answer();
    assert_eq!(
        (answer.status(), answer.reason().as_str()),
        (503, "audit_log_full")
    );
    let mut stranger = trial.call();
    let _either = stranger.try_send(GET);
    assert_eq!(stranger.rest(), "");
    trial
        .orders
        .shows(r#"portreeve_handshakes_total{door="inbound",result="audit_log_full"} 1"#);

    fs::remove_file(&file).unwrap();
    let pipe = Records::make_pipe(&file);
    trial.orders.running.reload();
    let records = Records::read(pipe);
    assert_eq!(records.next().text("status"), "200");
    trial.orders.says("/readyz", r#"{"ready":true}"#);
    caller.send(GET);
    served(&mut call);
    assert_eq!(caller.answer().text(), "ok");
    assert_eq!(records.next().text("status"), "200");
    records.are_all_read();
    trial.application.was_not_called();
}

#[test]
fn a_pipe_that_nobody_reads_does_not_keep_a_sidecar_from_ending() {
    let stage = Stage::new();
    let pipe = Records::make_pipe(&stage.log_of("orders"));
    let mut reader = OpenOptions::new()
        .read(true)
        .write(true)
        .open(pipe)
        .unwrap();
    reader.write_all(&[b'\n'; PIPE_BYTES]).unwrap();
    let door = "inbound: { listen: \"127.0.0.1:0\", service: orders, app: \"127.0.0.1:1\" }";
    let orders = stage.start("orders", [door, ""], "drain_deadline_ms: 0");
    let mut caller = stage.web_at(orders.addresses().inbound.unwrap());
    caller.send("TRACE / HTTP/1.1\r\nhost: orders\r\n\r\n");
    assert_eq!(caller.answer().status(), 405);
    drop(caller);

    let began = Instant::now();
    let Err(RunError::Unwritten { cause }) = orders.stop() else {
        panic!("a record that nobody read was said to be written");
    };
    assert!(began.elapsed() < DEADLINE);
    assert_eq!(cause.records, 1);
}

/// What Linux lets wait in a pipe.
const PIPE_BYTES: usize = 64 * 1024;

const GET: &str = "GET /a HTTP/1.1\r\nhost: orders\r\n\r\n";
