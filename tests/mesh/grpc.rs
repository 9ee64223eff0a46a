//! Applications that speak HTTP/2 at both ends, as gRPC does.

use std::future::Future;
use std::future::poll_fn;

use bytes::Bytes;
use h2::RecvStream;
use h2::client::SendRequest;
use h2::server::SendResponse;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Request;
use http::Response;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::stage::DEADLINE;
use crate::stage::Sidecar;
use crate::stage::Stage;

#[test]
fn a_call_streams_both_ways_and_ends_with_its_outcome() {
    run(|mut caller, mut application| async move {
        let (response, mut upload) = caller.send_request(call(), false).unwrap();
        upload.send_data(bytes("one"), false).unwrap();
        let (request, mut respond) = application.recv().await.unwrap();
        assert_eq!(request.method(), "POST");
        assert_eq!(request.uri(), "http://orders/shop.Orders/Watch");
        assert_eq!(request.headers()["te"], "trailers");
        assert_eq!(request.headers()["content-type"], "application/grpc");
        assert_eq!(
            request.headers()["x-portreeve-caller"],
            "spiffe://mesh.example/web"
        );
        assert_eq!(
            request
                .headers()
                .get_all("x-portreeve-caller")
                .iter()
                .count(),
            1
        );
        assert_eq!(request.headers()["x-forwarded-proto"], "https");
        let mut body = request.into_body();
        assert_eq!(exactly(&mut body, 3).await, "one");
        // The answer begins before the request has ended.
        let head = Response::builder()
            .header("content-type", "application/grpc")
            .body(())
            .unwrap();
        let mut download = respond.send_response(head, false).unwrap();
        let answer = response.await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/grpc");
        let mut answer = answer.into_body();
        for word in ["two", "six"] {
            upload.send_data(bytes(word), false).unwrap();
            assert_eq!(exactly(&mut body, 3).await, word);
            download.send_data(bytes(word), false).unwrap();
            assert_eq!(exactly(&mut answer, 3).await, word);
        }
        upload
            .send_trailers(trailers(&[("x-portreeve-caller", "me"), ("x", "y")]))
            .unwrap();
        ends(&mut body).await;
        assert_eq!(body.trailers().await.unwrap(), None);
        let outcome = [
            ("grpc-status", "5"),
            ("grpc-message", "no"),
            ("x", "y"),
            ("host", "evil"),
        ];
        download.send_trailers(trailers(&outcome)).unwrap();
        ends(&mut answer).await;
        let got = answer.trailers().await.unwrap().unwrap();
        assert_eq!(got, trailers(&outcome[..2]));
    });
}

#[test]
fn a_call_that_is_given_up_is_reset_at_the_application() {
    run(|mut caller, mut application| async move {
        let (response, upload) = caller.send_request(call(), false).unwrap();
        let (_request, mut respond) = application.recv().await.unwrap();
        drop((response, upload));
        let reason = poll_fn(|cx| respond.poll_reset(cx)).await.unwrap();
        assert_eq!(reason, h2::Reason::CANCEL);

        let (response, _) = caller.send_request(call(), true).unwrap();
        let (_request, mut respond) = application.recv().await.unwrap();
        respond.send_reset(h2::Reason::INTERNAL_ERROR);
        let answer = response.await.unwrap();
        assert_eq!(answer.status(), 502);
    });
}

#[test]
fn a_caller_may_send_all_before_it_reads_what_it_is_answered() {
    run(|mut caller, mut application| async move {
        let (response, mut upload) = caller.send_request(call(), false).unwrap();
        let (request, mut respond) = application.recv().await.unwrap();
        let mut download = respond.send_response(Response::new(()), false).unwrap();
        download.send_data(large(), true).unwrap();
        // The answer begins at once, and is never read.
        let _unread = response.await.unwrap();
        upload.send_data(large(), true).unwrap();
        exactly(&mut request.into_body(), large().len()).await;
    });
}

#[test]
fn a_refusal_says_how_long_it_is_and_is_not_sent_to_who_asks_for_the_head_only() {
    let sidecars = at_both_ends(|mut caller, _application| async move {
        for method in ["GET", "HEAD"] {
            let request = Request::builder().method(method).uri("http://orders/admin");
            let (response, _) = caller
                .send_request(request.body(()).unwrap(), true)
                .unwrap();
            let answer = response.await.unwrap();
            assert_eq!(answer.status(), 403);
            let length = answer.headers()["content-length"].to_str().unwrap();
            let length: usize = length.parse().unwrap();
            let mut body = answer.into_body();
            if method == "GET" {
                exactly(&mut body, length).await;
            }
            assert!(body.is_end_stream() || body.data().await.is_none());
        }
    });
    let [web, _] = sidecars.map(|sidecar| sidecar.records);
    let [whole, head] = [web.next(), web.next()].map(|record| record.text("bytes_out"));
    assert_ne!(whole, "0");
    assert_eq!(head, "0");
}

/// A story of a call that is allowed.
fn run<F: Future<Output = ()>>(story: impl FnOnce(SendRequest<Bytes>, Served) -> F) {
    for sidecar in at_both_ends(story) {
        let record = sidecar.records.next();
        let said = record.says(["decision", "protocol", "app_protocol"]);
        assert_eq!(said, "permit HTTP/2 HTTP/2");
    }
}

/// A pair of sidecars, with HTTP/2 at both ends of it. The caller's is the first.
fn at_both_ends<F: Future<Output = ()>>(
    story: impl FnOnce(SendRequest<Bytes>, Served) -> F,
) -> [Sidecar; 2] {
    let stage = Stage::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let app = listener.local_addr().unwrap();
    let orders = stage.orders_with(app, [", app_protocol: http2", ""], "");
    let web = stage.web(orders.inbound(), "");
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        let served = serve(TcpListener::from_std(listener).unwrap(), &mut tasks);
        let stream = TcpStream::connect(web.outbound()).await.unwrap();
        let (caller, connection) = h2::client::handshake(stream).await.unwrap();
        tasks.spawn(async move { connection.await.unwrap() });
        let told = timeout(DEADLINE, story(caller, served)).await;
        told.expect("it takes too long");
    });
    // Both connections end, if they have not.
    drop(runtime);
    [web, orders]
}

/// What reaches the application.
pub(crate) type Served = Receiver<(Request<RecvStream>, SendResponse<Bytes>)>;

pub(crate) fn serve(listener: TcpListener, tasks: &mut JoinSet<()>) -> Served {
    let (asked, served) = mpsc::channel(16);
    tasks.spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok(request)) = connection.accept().await {
            asked.send(request).await.unwrap();
        }
    });
    served
}

pub(crate) fn call() -> Request<()> {
    Request::post("http://orders/shop.Orders/Watch")
        .header("te", "trailers")
        .header("content-type", "application/grpc")
        .header("x-portreeve-caller", "somebody")
        .body(())
        .unwrap()
}

pub(crate) async fn exactly(body: &mut RecvStream, bytes: usize) -> String {
    let mut read = Vec::new();
    while read.len() < bytes {
        let chunk = body.data().await.unwrap().unwrap();
        body.flow_control().release_capacity(chunk.len()).unwrap();
        read.extend(chunk);
    }
    String::from_utf8(read).unwrap()
}

/// No more data comes.
pub(crate) async fn ends(body: &mut RecvStream) {
    while let Some(chunk) = body.data().await {
        assert_eq!(chunk.unwrap(), "");
    }
}

fn trailers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    let fields = fields.iter();
    fields
        .map(|&(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        })
        .collect()
}

/// Far more than all windows and buffers on the way hold.
fn large() -> Bytes {
    Bytes::from_static(&[b'0'; 4 * 1024 * 1024])
}

pub(crate) fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}
