//! Connections on which nothing happens.

use portreeve::tls::Protocol;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::sidecar::PATIENCE;
use crate::sidecar::Sidecar;

const SHORT: &str =
    "limits: { header_read_timeout_ms: 300, idle_timeout_ms: 300, write_stall_timeout_ms: 300 }";

/// What is said until the other side ends the connection, which it must.
async fn rest(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Vec<u8> {
    let mut said = Vec::new();
    // TLS may not have been closed in good form: that is of no interest here.
    drop(
        timeout(PATIENCE, stream.read_to_end(&mut said))
            .await
            .unwrap(),
    );
    said
}

#[tokio::test]
async fn an_idle_http2_connection_ends_even_if_its_caller_answers_no_ping() {
    let app = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sidecar = Sidecar::start(app.local_addr().unwrap(), "http1", SHORT);
    let mut caller = sidecar.call(Protocol::Http2).await;
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    caller.write_all(preface).await.unwrap();
    rest(&mut caller).await;
    assert_eq!(sidecar.records(), Vec::<serde_json::Value>::new());
}
