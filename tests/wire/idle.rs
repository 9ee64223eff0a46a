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

#[tokio::test]
async fn an_idle_http1_connection_is_no_refused_request_but_half_a_head_is() {
    let app = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sidecar = Sidecar::start(app.local_addr().unwrap(), "http1", SHORT);
    let mut silent = sidecar.call(Protocol::Http1).await;
    rest(&mut silent).await;

    let mut kept = sidecar.call(Protocol::Http1).await;
    let served = async {
        let (mut stream, _) = app.accept().await.unwrap();
        let mut head = [0; 16];
        stream.read_exact(&mut head).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
            .await
            .unwrap();
        std::future::pending::<()>().await;
    };
    let asked = async {
        let request = b"GET / HTTP/1.1\r\nhost: orders\r\n\r\n";
        kept.write_all(request).await.unwrap();
        rest(&mut kept).await
    };
    tokio::select! {
        said = asked => assert!(said.starts_with(b"HTTP/1.1 204"), "{said:?}"),
        () = served => {}
    }

    let mut slow = sidecar.call(Protocol::Http1).await;
    slow.write_all(b"GET / HTTP/1.1\r\nhost: ord")
        .await
        .unwrap();
    rest(&mut slow).await;

    let told: Vec<_> = sidecar
        .records()
        .iter()
        .map(|record| (record["decision"].clone(), record["reason"].clone()))
        .collect();
    assert_eq!(
        told,
        [
            ("permit".into(), serde_json::Value::Null),
            ("refused".into(), "header_timeout".into())
        ]
    );
}
