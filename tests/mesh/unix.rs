//! Applications that listen on a Unix socket.

use std::path::PathBuf;
use std::sync::mpsc;
use std::sync::mpsc::SyncSender;
use std::thread;

use bytes::Bytes;
use http::request::Parts;
use tokio::net::UnixListener;
use tokio::runtime::Builder;

use crate::application::Application;
use crate::caller::Caller;
use crate::stage::DEADLINE;
use crate::stage::Sidecar;
use crate::stage::Stage;
use crate::stage::window;
use crate::trial::anonymous;
use crate::trial::served;

const GET: &str = "GET /a HTTP/1.1\r\nhost: orders\r\n\r\n";

#[test]
fn requests_arrive_on_a_unix_socket_as_on_a_port() {
    let stage = Stage::new();
    let application = Application::start_on(&place(&stage));
    let orders = orders(&stage, "");
    let mut caller = stage.web_at(orders.inbound());
    caller.send(GET);
    let mut call = application.call();
    let arrived = served(&mut call);
    assert_eq!(
        anonymous(&arrived),
        "GET /a HTTP/1.1\r\nhost: orders\r\n\r\n"
    );
    assert_eq!(caller.answer().text(), "ok");
    // On the same connection: it is kept.
    caller.send("POST /b HTTP/1.1\r\nhost: orders\r\ncontent-length: 3\r\n\r\nabc");
    assert!(call.head().starts_with("POST /b "));
    assert_eq!(call.exactly(3), b"abc");
    call.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert_eq!(caller.answer().text(), "ok");
    // And one of its own for what leaves HTTP.
    caller.send("GET /c HTTP/1.1\r\nhost: orders\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
    let mut switched = application.call();
    switched.head();
    switched
        .send("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nhello");
    assert_eq!(caller.until("hello").split(' ').nth(1), Some("101"));
    caller.send("ping;");
    assert_eq!(switched.until(";"), "ping;");
    drop(switched);
    assert_eq!(caller.rest(), "");
    caller.hang_up();
    application.was_not_called();
    let admin = orders.running.addresses().admin.unwrap();
    let shown = window(admin, "/status");
    assert!(shown.contains("\"unix:/"), "{shown}");
    for path in ["/a", "/b", "/c"] {
        let record = orders.records.next();
        assert_eq!(record.says(["path", "decision"]), format!("{path} permit"));
    }
}

#[test]
fn a_socket_that_nobody_listens_on_is_unreachable_until_somebody_does() {
    let stage = Stage::new();
    let orders = orders(&stage, "");
    let mut caller = stage.web_at(orders.inbound());
    // Neither without a file, nor with one that somebody left.
    for is_left in [false, true] {
        if is_left {
            drop(std::os::unix::net::UnixListener::bind(place(&stage)).unwrap());
        }
        caller.send(GET);
        let answer = caller.answer();
        assert_eq!(
            (answer.status(), &*answer.reason()),
            (503, "upstream_unreachable")
        );
        let record = orders.records.next();
        assert_eq!(
            record.says(["decision", "reason"]),
            "permit upstream_unreachable"
        );
    }
    std::fs::remove_file(place(&stage)).unwrap();
    let application = Application::start_on(&place(&stage));
    caller.send(GET);
    served(&mut application.call());
    assert_eq!(caller.answer().text(), "ok");
}

#[test]
fn an_application_on_a_unix_socket_may_speak_http_2() {
    let stage = Stage::new();
    let listener = std::os::unix::net::UnixListener::bind(place(&stage)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let orders = orders(&stage, ", app_protocol: http2");
    let mut caller = stage.web_at(orders.inbound());
    caller.send("POST /a HTTP/1.1\r\nhost: orders\r\ncontent-length: 3\r\n\r\nabc");
    let (asked, questions) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(serve_http2(listener, &asked));
    });
    let (head, body) = questions.recv_timeout(DEADLINE).unwrap();
    assert_eq!(
        (head.method.as_str(), head.uri.path(), &body[..]),
        ("POST", "/a", &b"abc"[..])
    );
    assert_eq!(
        head.headers["x-portreeve-caller"],
        "spiffe://mesh.example/web"
    );
    assert_eq!(caller.answer().text(), "ok");
    let record = orders.records.next();
    assert_eq!(
        record.says(["decision", "app_protocol", "status"]),
        "permit HTTP/2 200"
    );
}

#[test]
fn a_door_for_tcp_leads_to_a_unix_socket() {
    let stage = Stage::new();
    stage.rule(
        r#"@id("web-connects")
permit (principal == Workload::"spiffe://mesh.example/web", action == Action::"connect", resource in Service::"db");"#,
    );
    let application = Application::start_on(&place(&stage));
    let door =
        r#"tcp: { inbound: [{ listen: "127.0.0.1:0", service: db, app: "unix:app.sock" }] }"#;
    let db = stage.sidecar("orders", [door, ""], "");
    let far = db.running.addresses().tcp_inbound[0];
    let door = format!(
        r#"tcp: {{ outbound: [{{ listen: "127.0.0.1:0", to: "{far}", expect: "spiffe://mesh.example/orders", service: db }}] }}"#
    );
    let web = stage.sidecar("web", [&door, ""], "");
    let mut caller = Caller::plain(web.running.addresses().tcp_outbound[0]);
    let mut call = application.call();
    call.send("ready;");
    assert_eq!(caller.until(";"), "ready;");
    caller.send("ping;");
    assert_eq!(call.until(";"), "ping;");
    caller.finish();
    assert_eq!(call.rest(), "");
    call.send("bye");
    drop(call);
    assert_eq!(caller.rest(), "bye");
    let record = db.records.next();
    assert_eq!(
        record.says(["decision", "bytes_in", "bytes_out"]),
        "permit 5 9"
    );
}

/// Answers one request with `ok`, and tells of it.
async fn serve_http2(
    listener: std::os::unix::net::UnixListener,
    asked: &SyncSender<(Parts, Bytes)>,
) {
    let listener = UnixListener::from_std(listener).unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let mut connection = h2::server::handshake(stream).await.unwrap();
    let (request, mut respond) = connection.accept().await.unwrap().unwrap();
    let (head, mut body) = request.into_parts();
    let exchange = async {
        let read = body.data().await.unwrap().unwrap();
        let mut stream = respond
            .send_response(http::Response::new(()), false)
            .unwrap();
        stream.send_data(Bytes::from_static(b"ok"), true).unwrap();
        asked.send((head, read)).unwrap();
        std::future::pending::<()>().await;
    };
    // The connection moves on only while it is asked for the next request.
    tokio::select! {
        () = exchange => {}
        _next = connection.accept() => {}
    }
}

fn orders(stage: &Stage, inbound: &str) -> Sidecar {
    let door = format!(
        r#"inbound: {{ listen: "127.0.0.1:0", service: orders, app: "unix:app.sock"{inbound} }}"#
    );
    stage.sidecar("orders", [&door, ""], "")
}

/// Where `unix:app.sock` is.
fn place(stage: &Stage) -> PathBuf {
    stage.log_of("orders").with_file_name("app.sock")
}
