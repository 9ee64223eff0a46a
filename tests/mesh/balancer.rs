//! Connections that a balancer hands on, with its word on whom they are from.

use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::time::Duration;

use crate::application::Application;
use crate::caller::Caller;
use crate::stage::Sidecar;
use crate::stage::Stage;
use crate::strangers;
use crate::trial::served;

#[test]
fn whom_a_balancer_names_is_who_is_recorded_and_decided_on() {
    let stage = Stage::new();
    stage.rule(ONLY_FROM_HOME);
    let application = Application::start();
    let orders = balanced(&stage, &application);
    for (header, source, permitted) in [
        (of([192, 0, 2, 7], 4711), "192.0.2.7:4711", true),
        (of([198, 51, 100, 1], 80), "198.51.100.1:80", false),
    ] {
        let mut caller = from(BALANCER, &stage, orders.inbound(), &header);
        caller.send(REQUEST);
        if permitted {
            let head = served(&mut application.call());
            assert!(head.contains(CALLER), "{head}");
        }
        let status = if permitted { 200 } else { 403 };
        assert_eq!(caller.answer().status(), status, "{source}");
        assert_eq!(orders.records.next().text("source"), source);
    }
    // A health check of its own is from itself.
    let mut caller = from(BALANCER, &stage, orders.inbound(), LOCAL);
    caller.send(REQUEST);
    assert_eq!(caller.answer().status(), 403);
    let source = orders.records.next().text("source");
    assert!(source.starts_with("127.0.0.3:"), "{source}");
    application.was_not_called();
}

#[test]
fn a_balancer_must_say_it_and_nobody_else_may() {
    let stage = Stage::new();
    stage.rule(&ONLY_FROM_HOME.replace("192.0.2.0/24", "0.0.0.0/0"));
    let application = Application::start();
    let orders = balanced(&stage, &application);
    let good = of([192, 0, 2, 7], 4711);
    let old = b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\r\n";
    let mut unix = good.clone();
    unix[13] = 0x31;
    for (sender, header, reason) in [
        (BALANCER, &b""[..], "no_proxy_header"),
        (BALANCER, old, "no_proxy_header"),
        (BALANCER, &unix, "bad_proxy_header"),
        (STRANGER, &good, "not_tls"),
    ] {
        let mut caller = from(sender, &stage, orders.inbound(), header);
        let _either = caller.try_send(REQUEST);
        assert_eq!(caller.rest(), "", "{reason}");
        let record = orders.records.next();
        let said = record.says(["decision", "reason", "door"]);
        assert_eq!(said, format!("refused {reason} inbound"));
        let source = record.text("source");
        assert!(source.starts_with(&format!("{sender}:")), "{source}");
    }
    application.was_not_called();
    for (sender, header) in [(BALANCER, &good[..]), (STRANGER, b"")] {
        let mut twin = from(sender, &stage, orders.inbound(), header);
        twin.send(REQUEST);
        served(&mut application.call());
        assert_eq!(twin.answer().status(), 200, "{sender}");
    }
}

#[test]
fn whom_a_balancer_names_has_its_part_of_the_connections_and_the_balancer_any_number() {
    let stage = Stage::new();
    stage.rule(&ONLY_FROM_HOME.replace("192.0.2.0/24", "0.0.0.0/0"));
    let application = Application::start();
    let more = "limits: { source_connections: 1, source_handshakes: 1 }";
    let orders = stage.orders_with(application.address(), [FROM, ""], more);
    let (first, second) = (of([192, 0, 2, 7], 4711), of([192, 0, 2, 8], 4711));
    let _held = [first, second].map(|header| {
        let mut caller = from(BALANCER, &stage, orders.inbound(), &header);
        caller.send(REQUEST);
        served(&mut application.call());
        assert_eq!(caller.answer().status(), 200);
        assert_eq!(orders.records.next().text("decision"), "permit");
        caller
    });
    let again = of([192, 0, 2, 7], 4712);
    let mut caller = from(BALANCER, &stage, orders.inbound(), &again);
    let _either = caller.try_send(REQUEST);
    assert_eq!(caller.rest(), "");
    assert_eq!(
        orders.records.next().says(["reason", "source"]),
        "too_many_from_source 192.0.2.7:4712"
    );
    application.was_not_called();
}

#[test]
fn a_balancer_that_says_nothing_is_not_waited_for() {
    let stage = Stage::new();
    let application = Application::start();
    let more = "limits: { handshake_timeout_ms: 300 }";
    let orders = stage.orders_with(application.address(), [FROM, ""], more);
    let mut caller = Caller::plain_from(BALANCER, orders.inbound());
    caller.send(&of([192, 0, 2, 7], 4711)[..20]);
    assert_eq!(caller.rest(), "");
    assert_eq!(orders.records.next().text("reason"), "proxy_header_timeout");
    orders.shows(r#"portreeve_handshakes_total{door="inbound",result="proxy_header_timeout"} 1"#);
    application.was_not_called();
}

#[test]
fn the_door_for_tcp_believes_its_balancers_too() {
    let stage = Stage::new();
    stage.rule(CONNECT);
    let application = Application::start();
    let app = application.address();
    let doors = format!(
        "tcp: {{ inbound: [{{ listen: \"127.0.0.1:0\", service: db, app: \"{app}\"{FROM} }}] }}"
    );
    let orders = stage.sidecar("orders", [&doors, ""], "");
    let door = orders.running.addresses().tcp_inbound[0];
    let config = || strangers::client(Some(stage.svid("web", HOUR)), &[b"portreeve-tcp"]);
    let header = of([192, 0, 2, 7], 4711);
    let mut caller = Caller::announced(BALANCER, door, &header, config());
    caller.send("in;");
    assert_eq!(application.call().until(";"), "in;");
    drop(caller);
    let record = orders.records.next();
    assert_eq!(record.says(["decision", "source"]), "permit 192.0.2.7:4711");
    let mut silent = Caller::announced(BALANCER, door, b"", config());
    let _either = silent.try_send("in;");
    assert_eq!(silent.rest(), "");
    assert_eq!(orders.records.next().text("reason"), "no_proxy_header");
    application.was_not_called();
}

fn balanced(stage: &Stage, application: &Application) -> Sidecar {
    stage.orders_with(application.address(), [FROM, ""], "")
}

/// `web`, behind `sender`, which says `header` first.
fn from(sender: Ipv4Addr, stage: &Stage, door: SocketAddr, header: &[u8]) -> Caller {
    let config = strangers::client(Some(stage.svid("web", HOUR)), &[b"http/1.1"]);
    Caller::announced(sender, door, header, config)
}

/// As a balancer writes it, for a connection over IPv4.
fn of(source: [u8; 4], port: u16) -> Vec<u8> {
    let [high, low] = port.to_be_bytes();
    let start = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c";
    [&start[..], &source, &[10, 0, 0, 1], &[high, low], &[1, 187]].concat()
}

const BALANCER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 4);
const FROM: &str = ", proxy_protocol_from: [127.0.0.3]";
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
const REQUEST: &str = "GET /a HTTP/1.1\r\nhost: orders\r\n\r\n";
const CALLER: &str = "x-portreeve-caller: spiffe://mesh.example/web";
const HOUR: Duration = Duration::from_secs(3600);

const ONLY_FROM_HOME: &str = r#"
@id("from-home")
permit (principal, action in Action::"http", resource)
when { context.sourceIp.isInRange(ip("192.0.2.0/24")) };
"#;

const CONNECT: &str = r#"
@id("web-connects")
permit (principal, action == Action::"connect", resource);
"#;
