//! Streams that outlive the certificates of their connection, and those that must not.

use std::time::Duration;

use bytes::Bytes;
use h2::RecvStream;
use h2::SendStream;
use http::Response;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::application::Application;
use crate::caller::Caller;
use crate::endpoint::Does;
use crate::endpoint::Endpoint;
use crate::grpc;
use crate::stage::DEADLINE;
use crate::stage::Sidecar;
use crate::stage::Stage;
use crate::stage::eventually;

#[test]
fn a_stream_lives_through_twenty_renewals_between_our_sidecars() {
    let mesh = Mesh::new();
    let mesh = mesh.run(async |mesh, mut stream| {
        for round in 1..=20 {
            mesh.stage.calendar.pass(HOUR / 2);
            stream.goes_on(round).await;
            mesh.renew("orders", &mesh.orders, round);
            mesh.renew("web", &mesh.web, round);
            are_extended(&mesh.orders, &mesh.web, round);
            stream.goes_on(round).await;
        }
        stream.ends().await;
    });
    for sidecar in [&mesh.web, &mesh.orders] {
        let record = sidecar.records.next();
        assert_eq!(record.says(["decision", "status", "reason"]), "permit 200 ");
    }
}

#[test]
fn a_stream_outlives_the_certificate_of_the_far_side_alone() {
    let mesh = Mesh::with_web_for(HOUR * 10);
    let mesh = mesh.run(async |mesh, mut stream| {
        mesh.stage.calendar.pass(HOUR / 2);
        for (round, last_quarter) in [(1, HOUR / 3), (2, HOUR / 2)] {
            mesh.renew("orders", &mesh.orders, round);
            mesh.stage.calendar.pass(last_quarter);
            let kept = "portreeve_leases_total{door=\"inbound\",result=\"kept\"}";
            mesh.orders.shows(&format!("{kept} {round}"));
            let extended = "portreeve_leases_total{door=\"outbound\",result=\"extended\"}";
            mesh.web.shows(&format!("{extended} {round}"));
            stream.goes_on(round).await;
        }
        mesh.stage.calendar.pass(HOUR / 3);
        stream.goes_on(3).await;
        stream.ends().await;
    });
    assert_eq!(mesh.orders.records.next().text("reason"), "");
}

#[test]
fn a_far_side_that_knows_nothing_of_it_loses_the_stream() {
    let stage = Stage::new();
    keep(&stage, "web");
    let endpoint = Endpoint::start(&stage, 1, 0);
    endpoint.does(Does::Wait);
    let web = stage.web(endpoint.address(), "");
    let mut caller = Caller::plain(web.outbound());
    caller.send("GET /a HTTP/1.1\r\nhost: orders\r\n\r\n");
    eventually(|| endpoint.requests() == 1);
    stage.calendar.pass(HOUR / 2);
    keep(&stage, "web");
    web.shows(r#"portreeve_leases_total{door="outbound",result="unknown_there"} 1"#);
    stage.calendar.pass(HOUR / 2);
    let answer = caller.answer();
    let cut = (502, "certificate_expired");
    assert_eq!((answer.status(), answer.reason().as_str()), cut);
}

#[test]
fn what_has_a_connection_of_its_own_outlives_its_certificates_too() {
    let stage = Stage::new();
    for name in ["orders", "web"] {
        keep(&stage, name);
    }
    stage.rule(ANYTHING);
    let application = Application::start();
    let app = application.address();
    let http = format!("inbound: {{ listen: \"127.0.0.1:0\", service: orders, app: \"{app}\" }}");
    let tcp =
        format!("tcp: {{ inbound: [{{ listen: \"127.0.0.1:0\", service: db, app: \"{app}\" }}] }}");
    let orders = stage.sidecar("orders", [&format!("{http}\n{tcp}"), ""], "");
    let to = orders.running.addresses().tcp_inbound[0];
    let tcp = format!(
        "tcp: {{ outbound: [{{ listen: \"127.0.0.1:0\", to: \"{to}\", expect: \"spiffe://mesh.example/orders\", service: db }}] }}"
    );
    let web = stage.web(orders.inbound(), &tcp);
    let mut chat = Caller::plain(web.outbound());
    chat.send(UPGRADE);
    let mut chats = application.call();
    chats.head();
    chats.send(SWITCHED);
    chat.head();
    let mut query = Caller::plain(web.running.addresses().tcp_outbound[0]);
    let mut queried = application.call();
    let mut pass = || {
        for (caller, call) in [(&mut chat, &mut chats), (&mut query, &mut queried)] {
            caller.send("ping;");
            assert_eq!(call.until(";"), "ping;");
            call.send("pong;");
            assert_eq!(caller.until(";"), "pong;");
        }
    };
    for round in 1..=3 {
        stage.calendar.pass(HOUR / 2);
        for (name, sidecar) in [("orders", &orders), ("web", &web)] {
            keep(&stage, name);
            sidecar.shows(&format!("portreeve_identity_generation {round}"));
        }
        are_extended(&orders, &web, 2 * round);
        pass();
    }
    stage.calendar.pass(HOUR);
    assert!(query.is_reset() && queried.is_reset(), "an orderly end");
    assert_eq!(chat.rest() + &chats.rest(), "");
    for sidecar in [&web, &orders] {
        // A proof that comes a moment too late has a record of its own.
        let mut said = (0..3).map(|_| sidecar.records.next().says(["protocol", "reason"]));
        assert!(said.any(|said| said == "TCP certificate_expired"));
    }
}

/// Waits until both sidecars have counted so many proofs.
fn are_extended(orders: &Sidecar, web: &Sidecar, times: usize) {
    for (sidecar, door) in [(orders, "inbound"), (web, "outbound")] {
        let line = "portreeve_leases_total{door=\"DOOR\",result=\"extended\"}";
        sidecar.shows(&format!("{} {times}", line.replace("DOOR", door)));
    }
}

/// `web` and `orders`, whose SVIDs hold for an hour.
struct Mesh {
    app: Option<std::net::TcpListener>,
    orders: Sidecar,
    stage: Stage,
    web: Sidecar,
}

impl Mesh {
    fn new() -> Self {
        Self::with_web_for(HOUR)
    }

    /// The first SVID of `web` holds for `lifetime`.
    fn with_web_for(lifetime: Duration) -> Self {
        let stage = Stage::new();
        keep(&stage, "orders");
        let web = stage.svid("web", lifetime);
        stage.keep("web", &web, &[stage.authority()]);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let app = listener.local_addr().unwrap();
        let orders = stage.orders_with(app, [", app_protocol: http2", ""], "");
        let web = stage.web(orders.inbound(), "");
        Self {
            app: Some(listener),
            orders,
            stage,
            web,
        }
    }

    /// A new SVID for the sidecar beside `name`, its `round`th.
    fn renew(&self, name: &str, sidecar: &Sidecar, round: usize) {
        keep(&self.stage, name);
        sidecar.shows(&format!("portreeve_identity_generation {round}"));
    }

    /// A story of one stream from an application to another.
    fn run(mut self, story: impl AsyncFnOnce(&Self, Stream)) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let listener = self.app.take().unwrap();
        runtime.block_on(async {
            let mut tasks = JoinSet::new();
            let served = grpc::serve(TcpListener::from_std(listener).unwrap(), &mut tasks);
            let stream = Stream::begin(&self.web, served, &mut tasks).await;
            story(&self, stream).await;
        });
        self
    }
}

/// Both ends of one call.
struct Stream {
    caller: (SendStream<Bytes>, RecvStream),
    application: (SendStream<Bytes>, RecvStream),
}

impl Stream {
    async fn begin(web: &Sidecar, mut served: grpc::Served, tasks: &mut JoinSet<()>) -> Self {
        let stream = TcpStream::connect(web.outbound()).await.unwrap();
        let (mut caller, connection) = h2::client::handshake(stream).await.unwrap();
        tasks.spawn(async move { connection.await.unwrap() });
        let (response, upload) = caller.send_request(grpc::call(), false).unwrap();
        let (request, mut respond) = served.recv().await.unwrap();
        let head = Response::builder().body(()).unwrap();
        let download = respond.send_response(head, false).unwrap();
        let answer = response.await.unwrap().into_body();
        Self {
            caller: (upload, answer),
            application: (download, request.into_body()),
        }
    }

    /// What either end sends arrives at the other.
    async fn goes_on(&mut self, round: usize) {
        let word = format!("{round:03}");
        let passed = async {
            for (from, to) in [
                (&mut self.caller.0, &mut self.application.1),
                (&mut self.application.0, &mut self.caller.1),
            ] {
                from.send_data(word.clone().into(), false).unwrap();
                assert_eq!(grpc::exactly(to, 3).await, word);
            }
        };
        timeout(DEADLINE, passed).await.expect("nothing arrives");
    }

    async fn ends(mut self) {
        self.caller.0.send_data(Bytes::new(), true).unwrap();
        grpc::ends(&mut self.application.1).await;
        self.application.0.send_data(Bytes::new(), true).unwrap();
        grpc::ends(&mut self.caller.1).await;
    }
}

/// A new SVID for the sidecar beside `name`.
fn keep(stage: &Stage, name: &str) {
    stage.keep(name, &stage.svid(name, HOUR), &[stage.authority()]);
}

const UPGRADE: &str =
    "GET /chat HTTP/1.1\r\nhost: orders\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n";
const SWITCHED: &str =
    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n";
const ANYTHING: &str = "@id(\"anything\") permit (principal, action, resource);";
const HOUR: Duration = Duration::from_secs(3600);
