//! Roots that are believed no more, and what rests on them.

use std::time::Duration;

use portreeve::ca::Authority;

use crate::application::Application;
use crate::application::Call;
use crate::caller::Caller;
use crate::frames::END_STREAM;
use crate::frames::Framed;
use crate::frames::head;
use crate::http2_heads::TWIN;
use crate::stage::Sidecar;
use crate::stage::Stage;
use crate::stage::svid_of;
use crate::strangers;
use crate::trial::served;

#[test]
fn a_connection_ends_when_the_root_of_its_caller_is_withdrawn() {
    let mesh = Mesh::new();
    let Mesh {
        application, stage, ..
    } = &mesh;
    mesh.keep(
        "orders",
        stage.authority(),
        &[stage.authority(), &mesh.other],
    );
    let orders = stage.orders(application.address(), "");
    let mut twin = stage.web_at(orders.inbound());
    twin.send(GET);
    let mut kept = application.call();
    served(&mut kept);
    assert_eq!(twin.answer().text(), "ok");
    orders.records.next();

    // The kept connection to the application is for one of them.
    let mut idle = mesh.call(&orders, b"http/1.1");
    idle.send(GET);
    served(&mut kept);
    assert_eq!(idle.answer().text(), "ok");
    orders.records.next();
    let mut streaming = mesh.call(&orders, b"http/1.1");
    streaming.send(GET);
    kept.head();
    kept.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n");
    streaming.until("1\r\na\r\n");
    let mut upgraded = mesh.call(&orders, b"http/1.1");
    upgraded.send("GET /a HTTP/1.1\r\nhost: orders\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
    let mut switched = application.call();
    switched.head();
    switched
        .send("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nhello");
    upgraded.until("hello");
    let mut framed = Framed::begin(mesh.call(&orders, b"h2"));
    framed.send(&head(1, END_STREAM, TWIN));
    let mut waiting = application.call();
    waiting.head();

    mesh.keep("orders", stage.authority(), &[stage.authority()]);
    assert_eq!(idle.rest(), "");
    assert_eq!(streaming.rest(), "");
    assert_eq!(upgraded.rest(), "");
    framed.ends();
    for mut call in [kept, switched, waiting] {
        assert_eq!(call.rest(), "");
    }
    let mut said = [(); 3].map(|()| orders.records.next().says(["status", "reason"]));
    said.sort();
    let [waiting, streaming, upgraded] =
        [" ", "200 ", "101 "].map(|status| format!("{status}no_longer_trusted"));
    assert_eq!(said, [waiting, upgraded, streaming]);

    let mut again = mesh.call(&orders, b"http/1.1");
    let _either = again.try_send(GET);
    assert_eq!(again.rest(), "");
    assert_eq!(
        orders.records.next().text("reason"),
        "bad_certificate:unknown_issuer"
    );
    twin.send(GET);
    served(&mut application.call());
    assert_eq!(twin.answer().text(), "ok");
}

#[test]
fn a_tunnel_ends_when_the_root_of_the_far_side_is_withdrawn() {
    let mesh = Mesh::new();
    let Mesh {
        application, stage, ..
    } = &mesh;
    let both = [stage.authority(), &mesh.other];
    mesh.keep("orders", &mesh.other, &both);
    mesh.keep("web", stage.authority(), &both);
    let orders = stage.orders(application.address(), "");
    let web = stage.web(orders.inbound(), "");
    let (mut caller, mut call) = begin(application, &web);
    call.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n");
    caller.until("1\r\na\r\n");

    // Another certificate, with the same roots, changes nothing.
    mesh.keep("web", stage.authority(), &both);
    web.shows("portreeve_identity_generation 1");
    let (mut other, mut waiting) = begin(application, &web);
    call.send("1\r\nb\r\n");
    assert_eq!(caller.until("b\r\n"), "1\r\nb\r\n");

    mesh.keep("web", stage.authority(), &[stage.authority()]);
    assert_eq!(caller.rest(), "");
    let answer = other.answer();
    assert_eq!(
        (answer.status(), answer.reason().as_str()),
        (502, "no_longer_trusted")
    );
    assert_eq!(
        (call.rest(), waiting.rest()),
        (String::new(), String::new())
    );
    let mut said = [(); 2].map(|()| web.records.next().says(["status", "reason"]));
    said.sort();
    assert_eq!(said, ["200 no_longer_trusted", "502 no_longer_trusted"]);
    other.send(GET);
    assert_eq!(other.answer().reason(), "upstream_not_trusted");
    assert_eq!(web.records.next().text("reason"), "upstream_not_trusted");

    mesh.keep("web", stage.authority(), &both);
    web.shows("portreeve_identity_generation 3");
    other.send(GET);
    served(&mut application.call());
    assert_eq!(other.answer().text(), "ok");
}

#[test]
pub(crate) fn a_sidecar_that_is_nobody_any_more_calls_nobody() {
    let mesh = Mesh::new();
    let Mesh {
        application, stage, ..
    } = &mesh;
    let keep = |name| mesh.keep(name, stage.authority(), &[stage.authority()]);
    keep("orders");
    keep("web");
    let orders = stage.orders(application.address(), "");
    let web = stage.web(orders.inbound(), "");
    let mut caller = Caller::plain(web.outbound());
    caller.send(GET);
    served(&mut application.call());
    assert_eq!(caller.answer().text(), "ok");
    web.records.next();

    // Nothing renews what is in files.
    stage.calendar.pass(HOUR * 2);
    // The tunnel ends with the certificates at its ends.
    orders.shows("portreeve_connections{door=\"inbound\"} 0");
    caller.send(GET);
    let answer = caller.answer();
    let nobody = (503, "identity_expired");
    assert_eq!((answer.status(), answer.reason().as_str()), nobody);
    assert_eq!(web.records.next().text("reason"), "identity_expired");

    keep("orders");
    keep("web");
    orders.shows("portreeve_identity_generation 1");
    web.shows("portreeve_identity_generation 1");
    caller.send(GET);
    served(&mut application.call());
    assert_eq!(caller.answer().text(), "ok");
}

/// A trust domain with two authorities.
struct Mesh {
    application: Application,
    other: Authority,
    stage: Stage,
}

impl Mesh {
    fn new() -> Self {
        let stage = Stage::new();
        Self {
            application: Application::start(),
            other: stage.other_authority(),
            stage,
        }
    }

    /// A certificate from `issuer` for the sidecar beside `name`, which believes `believed`.
    fn keep(&self, name: &str, issuer: &Authority, believed: &[&Authority]) {
        let shown = svid_of(issuer, name, HOUR);
        self.stage.keep(name, &shown, believed);
    }

    /// `web`, with a certificate from the other authority, at the door of `orders`.
    fn call(&self, orders: &Sidecar, alpn: &[u8]) -> Caller {
        let shown = svid_of(&self.other, "web", HOUR);
        Caller::secure(orders.inbound(), strangers::client(Some(shown), &[alpn]))
    }
}

/// A request of `web` itself that the application has.
fn begin(application: &Application, web: &Sidecar) -> (Caller, Call) {
    crate::trial::begin(Caller::plain(web.outbound()), application)
}

const HOUR: Duration = Duration::from_secs(3600);

const GET: &str = "GET /a HTTP/1.1\r\nhost: orders\r\n\r\n";
