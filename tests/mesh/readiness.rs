//! An application that is not ready, and how that is known.

use std::io::Read as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::SyncSender;
use std::thread;

use http::request::Parts;
use tokio::runtime::Builder;

use crate::application::Call;
use crate::gates::is_refused;
use crate::stage::DEADLINE;
use crate::stage::Stage;
use crate::trial::Trial;

#[test]
pub(crate) fn requests_get_503_at_once_until_the_application_says_that_it_is_ready() {
    // A question that is not answered stays open, and changes nothing.
    let ready = "{ path: /healthz, interval_ms: 100, timeout_ms: 3600000, failures: 1 }";
    let trial = Trial::with(&format!(", app_ready: {ready}"), "");
    let mut first = trial.application.call();
    let host = trial.application.address();
    assert_eq!(
        first.head(),
        format!(
            "GET /healthz HTTP/1.1\r\nhost: {host}\r\nuser-agent: portreeve-probe/{}\r\nconnection: close\r\n\r\n",
            env!("CARGO_PKG_VERSION")
        )
    );
    let mut caller = trial.call();
    is_refused(&trial, &mut caller, "app_not_ready");
    trial.orders.says("/readyz", "app_not_ready");
    trial.orders.shows("portreeve_app_ready 0");
    trial.orders.shows(
        r#"portreeve_shed_requests_total{door="inbound",service="orders",reason="app_not_ready"} 1"#,
    );

    answer(&mut first, "204 No Content");
    trial.orders.shows("portreeve_app_ready 1");
    // The next question and the request come in either order.
    caller.send("GET /a HTTP/1.1\r\nhost: orders\r\n\r\n");
    let mut calls = [trial.application.call(), trial.application.call()];
    let heads = calls.each_mut().map(Call::head);
    calls.rotate_left(usize::from(heads[1].starts_with("GET /healthz ")));
    let [mut question, mut request] = calls;
    request.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert_eq!(caller.answer().text(), "ok");
    assert_eq!(
        trial.orders.records.next().says(["path", "status"]),
        "/a 200"
    );

    answer(&mut question, "500 Internal Server Error");
    trial.orders.shows("portreeve_app_ready 0");
    trial.orders.says("/readyz", "it answers with 500");
    // The next question has come already, or will.
    let mut question = trial.application.call();
    question.head();
    is_refused(&trial, &mut caller, "app_not_ready");
}

#[test]
fn one_bad_answer_is_not_yet_an_outage() {
    let ready = "{ path: /healthz, interval_ms: 100, timeout_ms: 3600000, failures: 2 }";
    let trial = Trial::with(&format!(", app_ready: {ready}"), "");
    let ask = |status: &str| {
        let mut question = trial.application.call();
        question.head();
        answer(&mut question, status);
    };
    ask("200 OK");
    trial.orders.shows("portreeve_app_ready 1");
    ask("503 Service Unavailable");
    // It is still taken for ready when it is asked again.
    let mut question = trial.application.call();
    question.head();
    trial.orders.shows("portreeve_app_ready 1");
    answer(&mut question, "503 Service Unavailable");
    trial.orders.shows("portreeve_app_ready 0");
}

#[test]
fn it_may_be_enough_that_connections_are_taken() {
    let stage = Stage::new();
    let place = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let orders = stage.orders_with(place, [", app_ready: { interval_ms: 100 }", ""], "");
    let mut caller = stage.web_at(orders.inbound());
    caller.send("GET /a HTTP/1.1\r\nhost: orders\r\n\r\n");
    let answer = caller.answer();
    assert_eq!((answer.status(), &*answer.reason()), (503, "app_not_ready"));
    let arrived = answering(place);
    orders.shows("portreeve_app_ready 1");
    caller.send("GET /b HTTP/1.1\r\nhost: orders\r\n\r\n");
    assert_eq!(caller.answer().text(), "ok");
    assert!(
        arrived
            .recv_timeout(DEADLINE)
            .unwrap()
            .starts_with("GET /b ")
    );
    assert!(arrived.try_recv().is_err());
}

#[test]
fn an_application_that_speaks_http_2_is_asked_in_it() {
    let stage = Stage::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let place = listener.local_addr().unwrap();
    let more = ", app_protocol: http2, app_ready: { path: /healthz, interval_ms: 100 }";
    let (asked, questions) = mpsc::sync_channel(1024);
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(serve_http2(listener, &asked));
    });
    let orders = stage.orders_with(place, [more, ""], "");
    let (status, head) = questions.recv_timeout(DEADLINE).unwrap();
    assert_eq!(
        (status, head.uri.path(), head.method.as_str()),
        (503, "/healthz", "GET")
    );
    assert_eq!(questions.recv_timeout(DEADLINE).unwrap().0, 200);
    orders.shows("portreeve_app_ready 1");
}

/// Answers all that is asked on a connection with one status, first with 503.
async fn serve_http2(listener: TcpListener, asked: &SyncSender<(u16, Parts)>) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    for status in [503].into_iter().chain(std::iter::repeat(200)) {
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            let head = http::Response::builder().status(status).body(()).unwrap();
            respond.send_response(head, true).unwrap();
            // Nobody may be listening any more.
            drop(asked.send((status, request.into_parts().0)));
        }
    }
}

fn answer(call: &mut Call, status: &str) {
    call.send(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n"));
}

/// An application at `place` that says `ok`, and tells what it was asked.
fn answering(place: SocketAddr) -> Receiver<String> {
    let listener = TcpListener::bind(place).unwrap();
    let (asked, arrived) = mpsc::sync_channel(1024);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                // A connection that only knocked.
                if !matches!(stream.read(&mut byte), Ok(1)) {
                    break;
                }
                head.push(byte[0]);
            }
            if head.is_empty() {
                continue;
            }
            let ok = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
            stream.write_all(ok).unwrap();
            if asked.send(String::from_utf8(head).unwrap()).is_err() {
                return;
            }
        }
    });
    arrived
}
