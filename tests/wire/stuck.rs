//! Records that nobody reads.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::Command;

use portreeve::app::RunError;
use portreeve::tls::Protocol;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio::time::timeout;

use crate::sidecar::PATIENCE;
use crate::sidecar::Sidecar;

/// What Linux lets wait in a pipe.
const PIPE_BYTES: usize = 64 * 1024;

#[tokio::test]
async fn a_pipe_that_nobody_reads_does_not_keep_a_sidecar_from_ending() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("records.jsonl");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let mut reader = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&pipe)
        .unwrap();
    reader.write_all(&vec![b'\n'; PIPE_BYTES]).unwrap();

    let app = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sidecar = Sidecar::start_in(dir, app.local_addr().unwrap(), "http1", "");
    let mut caller = sidecar.call(Protocol::Http1).await;
    caller
        .write_all(b"TRACE / HTTP/1.1\r\nhost: orders\r\n\r\n")
        .await
        .unwrap();
    let mut status = [0; 12];
    let read = timeout(PATIENCE, caller.read_exact(&mut status)).await;
    read.unwrap().unwrap();
    assert_eq!(&status, b"HTTP/1.1 405");
    drop(caller);

    let began = Instant::now();
    let Err(RunError::Unwritten { cause }) = sidecar.stop() else {
        panic!("a record that nobody read was said to be written");
    };
    assert!(began.elapsed() < PATIENCE);
    assert_eq!(cause.records, 1);
}
