//! A request body goes on while its response does not.

use bytes::Bytes;
use portreeve::tls::Protocol;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::sidecar::PATIENCE;
use crate::sidecar::Sidecar;

/// Far more than all windows and buffers on the way hold.
const BODY_BYTES: usize = 4 * 1024 * 1024;

#[tokio::test]
async fn a_caller_may_send_all_before_it_reads_what_it_is_answered() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sidecar = Sidecar::start(listener.local_addr().unwrap(), "http2", "");
    let stream = sidecar.call(Protocol::Http2).await;
    let (sender, connection) = h2::client::handshake(stream).await.unwrap();
    let caller = async {
        let request = http::Request::post("https://orders/upload")
            .body(())
            .unwrap();
        let mut sender = sender.ready().await.unwrap();
        let (response, mut body) = sender.send_request(request, false).unwrap();
        // The response begins at once, and is never read.
        let _unread = response.await.unwrap();
        body.send_data(Bytes::from(vec![0; BODY_BYTES]), true)
            .unwrap();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        got = timeout(PATIENCE, take_all(&listener)) => assert_eq!(got, Ok(BODY_BYTES)),
        () = caller => {}
        ended = connection => panic!("the connection ended: {ended:?}"),
    }
    drop(sidecar.records());
}

/// An application that answers with more than anybody takes, and then reads the request.
async fn take_all(listener: &TcpListener) -> usize {
    let (stream, _) = listener.accept().await.unwrap();
    let mut connection = h2::server::handshake(stream).await.unwrap();
    let (request, mut respond) = connection.accept().await.unwrap().unwrap();
    let answer = async {
        let mut response = respond
            .send_response(http::Response::new(()), false)
            .unwrap();
        response
            .send_data(Bytes::from(vec![0; BODY_BYTES]), true)
            .unwrap();
        let mut body = request.into_body();
        let mut bytes = 0;
        while let Some(data) = body.data().await {
            let data = data.unwrap();
            bytes += data.len();
            body.flow_control().release_capacity(data.len()).unwrap();
        }
        bytes
    };
    tokio::select! {
        bytes = answer => bytes,
        ended = connection.accept() => panic!("the sidecar gave up: {ended:?}"),
    }
}
