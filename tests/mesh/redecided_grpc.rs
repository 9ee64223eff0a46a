//! gRPC calls under way when the policy changes its mind.

use std::future::Future;

use bytes::Bytes;
use h2::RecvStream;
use h2::SendStream;
use h2::client::SendRequest;
use http::Request;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::application::Application;
use crate::application::Call;
use crate::redecided::ANYBODY;
use crate::redecided::NO_MORE;
use crate::stage::DEADLINE;
use crate::stage::Sidecar;
use crate::stage::Stage;

#[test]
fn a_call_is_told_that_it_is_denied_and_its_twin_on_the_same_connection_goes_on() {
    let mut mesh = Mesh::new();
    let (_upload, mut lost, mut lost_call) = mesh.begin("/lost", "application/grpc");
    let (mut upload, mut kept, mut kept_call) = mesh.begin("/kept", "application/grpc");
    mesh.change();
    assert_eq!(mesh.trailers(&mut lost), "7 permit_withdrawn");
    assert_eq!(lost_call.rest(), "");
    upload.send_data(Bytes::from_static(b"two"), true).unwrap();
    assert!(kept_call.until("0\r\n\r\n").contains("two"));
    kept_call.send("0\r\n\r\n");
    assert_eq!(mesh.trailers(&mut kept), " ");
}

#[test]
fn an_answer_that_is_none_of_grpc_never_looks_whole() {
    let mut mesh = Mesh::new();
    for kind in ["text/plain", "application/grpc-web"] {
        let (_upload, mut lost, mut call) = mesh.begin("/lost", kind);
        mesh.change();
        let error = mesh.soon(lost.data()).unwrap().unwrap_err();
        assert!(error.is_reset(), "{kind}: {error}");
        assert_eq!(call.rest(), "");
        mesh.rule(ANYBODY);
    }
}

/// A caller that speaks HTTP/2, and an application that does not, with two sidecars between.
struct Mesh {
    application: Application,
    caller: SendRequest<Bytes>,
    loads: usize,
    orders: Sidecar,
    runtime: Runtime,
    stage: Stage,
    web: Sidecar,
}

impl Mesh {
    fn new() -> Self {
        let stage = Stage::new();
        stage.rule(ANYBODY);
        let application = Application::start();
        let orders = stage.orders(application.address(), "");
        let web = stage.web(orders.inbound(), "");
        // One thread of its own, since the application is waited for on this one.
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let door = web.outbound();
        let (caller, connection) = runtime.block_on(async {
            let stream = TcpStream::connect(door).await.unwrap();
            let (caller, connection) = h2::client::handshake(stream).await.unwrap();
            (caller, connection)
        });
        drop(runtime.spawn(connection));
        Self {
            application,
            caller,
            loads: 1,
            orders,
            runtime,
            stage,
            web,
        }
    }

    /// A call of `path` whose answer has begun, with a body of this `kind`.
    fn begin(&self, path: &str, kind: &str) -> (SendStream<Bytes>, RecvStream, Call) {
        let request = Request::post(format!("http://orders{path}"))
            .header("te", "trailers")
            .header("content-type", "application/grpc")
            .body(())
            .unwrap();
        let mut caller = self.caller.clone();
        caller = self.runtime.block_on(caller.ready()).unwrap();
        let (response, upload) = caller.send_request(request, false).unwrap();
        let mut call = self.application.call();
        assert!(call.head().contains(path));
        call.send(format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n"
        ));
        let first = async {
            let mut body = response.await.unwrap().into_body();
            assert_eq!(body.data().await.unwrap().unwrap(), "one");
            body
        };
        let body = self.soon(first);
        (upload, body, call)
    }

    /// What must come of `future` before long.
    fn soon<T>(&self, future: impl Future<Output = T>) -> T {
        let limited = async { timeout(DEADLINE, future).await };
        self.runtime.block_on(limited).expect("it takes too long")
    }

    fn change(&mut self) {
        self.rule(NO_MORE);
    }

    /// Puts `policy` in force at both.
    fn rule(&mut self, policy: &str) {
        self.loads += 1;
        self.stage.rule(policy);
        for sidecar in [&self.web, &self.orders] {
            sidecar.running.reload();
            let line = "portreeve_policy_loads_total{outcome=\"loaded\"}";
            sidecar.shows(&format!("{line} {}", self.loads));
        }
    }

    /// What the end of `body` says of its outcome.
    fn trailers(&self, body: &mut RecvStream) -> String {
        let told = async {
            while let Some(data) = body.data().await {
                assert_eq!(data.unwrap(), "");
            }
            body.trailers().await.unwrap().unwrap_or_default()
        };
        let told = self.soon(told);
        let said = ["grpc-status", "grpc-message"].map(|name| {
            let value = told.get(name).map(|value| value.to_str().unwrap());
            value.unwrap_or_default().to_owned()
        });
        said.join(" ")
    }
}
