//! Heads that are larger than a door takes.

use portreeve::tls::Protocol;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::sidecar::PATIENCE;
use crate::sidecar::Sidecar;

/// More than the default of 65,536.
const FIELD_BYTES: usize = 66_000;

#[tokio::test]
async fn a_head_that_is_too_large_is_refused_and_recorded_in_both_protocols() {
    let app = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sidecar = Sidecar::start(app.local_addr().unwrap(), "http1", "");
    let field = "v".repeat(FIELD_BYTES);

    let mut stream = sidecar.call(Protocol::Http1).await;
    let request = format!("GET /large HTTP/1.1\r\nhost: orders\r\nx-large: {field}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut status = [0; 12];
    let read = timeout(PATIENCE, stream.read_exact(&mut status)).await;
    read.unwrap().unwrap();
    assert_eq!(&status, b"HTTP/1.1 431");

    let stream = sidecar.call(Protocol::Http2).await;
    let (sender, connection) = h2::client::handshake(stream).await.unwrap();
    let request = http::Request::get("https://orders/large")
        .header("x-large", field)
        .body(())
        .unwrap();
    let asked = async {
        let mut sender = sender.ready().await.unwrap();
        sender.send_request(request, true).unwrap().0.await.unwrap()
    };
    tokio::select! {
        response = timeout(PATIENCE, asked) => assert_eq!(response.unwrap().status(), 431),
        ended = connection => panic!("the connection ended: {ended:?}"),
    }

    let records = sidecar.records();
    assert_eq!(records.len(), 2, "{records:?}");
    for record in records {
        assert_eq!(record["decision"], "refused");
        assert_eq!(record["reason"], "head_too_large");
    }
}
