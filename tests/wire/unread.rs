//! HTTP/2 requests that cannot be read.

use portreeve::tls::Protocol;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::sidecar::PATIENCE;
use crate::sidecar::Sidecar;

/// The preface, settings, and a request with two `:path`s on stream 1. Its
/// fields are numbers in the static table.
const TWO_PATHS: &[u8] =
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x04\x01\x05\0\0\0\x01\x82\x87\x84\x84";
/// A reset of stream 1 with `PROTOCOL_ERROR`.
const RESET: &[u8] = b"\0\0\x04\x03\0\0\0\0\x01\0\0\0\x01";

#[tokio::test]
async fn an_http2_request_that_the_protocol_forbids_is_recorded() {
    let app = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sidecar = Sidecar::start(app.local_addr().unwrap(), "http1", "");
    let mut caller = sidecar.call(Protocol::Http2).await;
    caller.write_all(TWO_PATHS).await.unwrap();
    let reset = async {
        let mut said = Vec::new();
        while !said.windows(RESET.len()).any(|part| part == RESET) {
            assert_ne!(caller.read_buf(&mut said).await.unwrap(), 0, "{said:?}");
        }
    };
    timeout(PATIENCE, reset).await.unwrap();
    let records = sidecar.records();
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!(records[0]["decision"], "refused");
    assert_eq!(records[0]["reason"], "malformed_message");
    assert_eq!(records[0]["caller"], "spiffe://example.org/web");
}
