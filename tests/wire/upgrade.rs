//! What is recorded of a wish to leave HTTP.

use std::net::SocketAddr;

use portreeve::tls::Protocol;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::sidecar::PATIENCE;
use crate::sidecar::Sidecar;

#[tokio::test]
async fn only_an_upgrade_that_was_agreed_to_is_recorded_as_one() {
    let app = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let agreed =
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    let refused = "HTTP/1.1 204 No Content\r\n\r\n";
    let address = app.local_addr().unwrap();
    let sidecar = Sidecar::start(address, "http1", "");
    for answer in [agreed, refused] {
        let (said, ()) = tokio::join!(ask(&sidecar), serve(&app, answer));
        assert_eq!(said, answer.as_bytes()[..12]);
    }
    let records = sidecar.records();
    let told: Vec<_> = records
        .iter()
        .map(|record| (record["status"].as_u64(), record["upgrade"].as_str()))
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.contains(&(Some(101), Some("websocket"))), "{told:?}");
    assert!(told.contains(&(Some(204), None)), "{told:?}");
}

async fn ask(sidecar: &Sidecar) -> [u8; 12] {
    let mut caller = sidecar.call(Protocol::Http1).await;
    let request =
        b"GET / HTTP/1.1\r\nhost: orders\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    caller.write_all(request).await.unwrap();
    let mut status = [0; 12];
    let read = timeout(PATIENCE, caller.read_exact(&mut status)).await;
    read.unwrap().unwrap();
    status
}

async fn serve(app: &TcpListener, answer: &str) {
    let (mut stream, _): (_, SocketAddr) = app.accept().await.unwrap();
    let mut head = [0; 16];
    stream.read_exact(&mut head).await.unwrap();
    stream.write_all(answer.as_bytes()).await.unwrap();
}
