//! Connections whose bytes nobody on the way reads.

use std::time::Duration;

use portreeve::ca::Authority;

use crate::application::Application;
use crate::application::Call;
use crate::caller::Caller;
use crate::stage::Sidecar;
use crate::stage::Stage;
use crate::stage::svid_of;
use crate::strangers;

#[test]
fn either_side_may_speak_first_and_each_way_ends_for_itself() {
    let pair = Pair::new("");
    let (mut caller, mut call) = pair.begin();
    call.send("220 ready;");
    assert_eq!(caller.until(";"), "220 ready;");
    for round in 0..10 {
        caller.send(format!("ping {round};"));
        assert_eq!(call.until(";"), format!("ping {round};"));
        call.send(format!("pong {round};"));
        assert_eq!(caller.until(";"), format!("pong {round};"));
    }
    caller.finish();
    assert_eq!(call.rest(), "");
    call.send("bye");
    drop(call);
    assert_eq!(caller.rest(), "bye");
    assert_eq!(pair.said(), ["permit TCP db  70 83"; 2]);
    let orders = pair.orders;
    orders.shows(r#"portreeve_tcp_bytes_total{door="inbound",service="db",direction="in"} 70"#);
    orders.shows(
        r#"portreeve_tcp_connections_total{door="inbound",service="db",decision="permit"} 1"#,
    );
}

#[test]
fn the_far_side_may_be_done_first() {
    let pair = Pair::new("");
    let (mut caller, mut call) = pair.begin();
    call.finish();
    assert_eq!(caller.rest(), "");
    caller.send("more;");
    assert_eq!(call.until(";"), "more;");
    drop(caller);
    assert_eq!(call.rest(), "");
    assert_eq!(pair.said(), ["permit TCP db  5 0"; 2]);
}

#[test]
fn many_bytes_both_ways_at_once_arrive_as_they_were() {
    let pair = Pair::new("");
    let (mut caller, mut call) = pair.begin();
    let there: Vec<u8> = (0..5_000_000_u32).map(|n| (n % 251) as u8).collect();
    let back: Vec<u8> = there.iter().rev().copied().collect();
    let sent = there.clone();
    let returned = back.clone();
    let app = std::thread::spawn(move || {
        let mut writer = call.another();
        let writing = std::thread::spawn(move || writer.send(returned));
        let got = call.exactly(5_000_000);
        writing.join().unwrap();
        (got, call)
    });
    let mut writer = caller.another();
    let writing = std::thread::spawn(move || writer.send(sent));
    assert!(caller.exactly(5_000_000) == back, "the way back differs");
    writing.join().unwrap();
    let (got, _call) = app.join().unwrap();
    assert!(got == there, "the way there differs");
}

#[test]
fn leave_to_speak_http_is_no_leave_to_connect() {
    let pair = Pair::new(HTTP_ONLY);
    let mut caller = Caller::plain(pair.entry());
    assert!(caller.is_reset(), "an orderly end");
    let record = pair.web.records.next();
    assert_eq!(
        record.says(["decision", "reason", "service"]),
        "deny no_permit db"
    );
    // Nor does the other side let anybody in.
    let mut direct = pair.stage.caller(&pair.orders, "web");
    assert!(direct.is_reset(), "an orderly end");
    let record = pair.orders.records.next();
    assert_eq!(
        record.says(["decision", "reason", "caller"]),
        "deny no_permit spiffe://mesh.example/web"
    );
    pair.application.was_not_called();

    pair.rule(CONNECT);
    let mut twin = pair.stage.caller(&pair.orders, "web");
    twin.send("in;");
    assert_eq!(pair.application.call().until(";"), "in;");
    let mut other = pair.stage.caller(&pair.orders, "mallory");
    assert!(other.is_reset(), "an orderly end");
    pair.application.was_not_called();
}

#[test]
fn a_door_for_http_and_one_for_tcp_never_agree() {
    let pair = Pair::new("");
    let web = || Some(pair.stage.svid("web", HOUR));
    for (alpn, reason) in [
        (&[&b"h2"[..], b"http/1.1"][..], "other_alpn"),
        (&[b"postgresql"], "other_alpn"),
        (&[], "no_alpn"),
    ] {
        let door = pair.orders.running.addresses().tcp_inbound[0];
        let mut caller = Caller::secure(door, strangers::client(web(), alpn));
        let _either = caller.try_send("GET / HTTP/1.1\r\nhost: db\r\n\r\n");
        assert_eq!(caller.rest(), "");
        let record = pair.orders.records.next();
        assert_eq!(
            record.says(["decision", "reason"]),
            format!("refused {reason}")
        );
    }
    let opaque = strangers::client(web(), &[ALPN]);
    let mut caller = Caller::secure(pair.orders.inbound(), opaque);
    let _either = caller.try_send("GET / HTTP/1.1\r\nhost: orders\r\n\r\n");
    assert_eq!(caller.rest(), "");
    assert_eq!(pair.orders.records.next().text("reason"), "other_alpn");
    pair.application.was_not_called();

    let mut twin = pair.stage.caller(&pair.orders, "web");
    twin.send("in;");
    assert_eq!(pair.application.call().until(";"), "in;");
}

#[test]
fn what_breaks_off_never_looks_complete() {
    let pair = Pair::new("");
    let mut caller = pair.stage.caller(&pair.orders, "web");
    caller.send("INSERT;");
    let mut call = pair.application.call();
    assert_eq!(call.until(";"), "INSERT;");
    // The connection ends, and TLS has not said so.
    caller.finish();
    assert!(call.is_reset(), "an orderly end");
    assert_eq!(
        pair.orders.records.next().text("reason"),
        "caller_broke_off"
    );

    // Through both sidecars, from either end.
    let (caller, mut call) = pair.talking();
    caller.reset();
    assert!(call.is_reset(), "an orderly end");
    assert_eq!(pair.reasons(), ["caller_broke_off"; 2]);
    let (mut caller, call) = pair.talking();
    call.reset();
    assert!(caller.is_reset(), "an orderly end");
    assert_eq!(pair.reasons(), ["upstream_broke_off"; 2]);
}

#[test]
fn a_connection_ends_with_the_certificates_at_its_ends() {
    let pair = Pair::new("");
    let (mut caller, mut call) = pair.begin();
    let mut short = pair.stage.caller_for(&pair.orders, "web", MINUTE);
    short.send("in;");
    let mut other = pair.application.call();
    assert_eq!(other.until(";"), "in;");
    pair.stage.calendar.pass(MINUTE);
    assert!(other.is_reset(), "an orderly end");
    assert!(short.is_reset(), "an orderly end");
    let record = pair.orders.records.next();
    assert_eq!(
        record.says(["decision", "reason", "bytes_in"]),
        "permit certificate_expired 3"
    );
    caller.send("still;");
    assert_eq!(call.until(";"), "still;");
    pair.stage.calendar.pass(HOUR * 2);
    assert!(caller.is_reset(), "an orderly end");
    assert!(call.is_reset(), "an orderly end");
    assert_eq!(pair.reasons(), ["certificate_expired"; 2]);
}

#[test]
fn a_connection_ends_when_its_callers_root_is_withdrawn() {
    let stage = Stage::new();
    stage.rule(CONNECT);
    let application = Application::start();
    let other = stage.other_authority();
    let shown = stage.svid("orders", HOUR);
    stage.keep("orders", &shown, &[stage.authority(), &other]);
    let orders = stage.orders_tcp(&application, "");
    let config = strangers::client(Some(svid_of(&other, "web", HOUR)), &[ALPN]);
    let mut caller = Caller::secure(orders.running.addresses().tcp_inbound[0], config);
    caller.send("in;");
    let mut call = application.call();
    assert_eq!(call.until(";"), "in;");
    stage.keep("orders", &shown, &[stage.authority()]);
    assert!(caller.is_reset(), "an orderly end");
    assert!(call.is_reset(), "an orderly end");
    assert_eq!(orders.records.next().text("reason"), "no_longer_trusted");
}

#[test]
fn who_cannot_be_reached_or_is_not_expected_gets_nothing() {
    let stage = Stage::new();
    stage.rule(CONNECT);
    let (application, far) = (Application::start(), Application::start());
    let web = stage.web_tcp(far.address(), "limits: { handshake_timeout_ms: 500 }");
    let mut caller = Caller::plain(web.running.addresses().tcp_outbound[0]);
    caller.send("secret");
    let mut call = far.call();
    let shown = stage.svid("impostor", HOUR);
    assert!(!call.shakes_hands(strangers::server(shown, &[ALPN])));
    assert!(caller.is_reset(), "an orderly end");
    let record = web.records.next();
    assert_eq!(
        record.says(["decision", "reason", "bytes_in"]),
        "permit upstream_not_trusted 0"
    );
    // A far side for HTTP is none for this.
    let mut caller = Caller::plain(web.running.addresses().tcp_outbound[0]);
    let shown = stage.svid("orders", HOUR);
    assert!(!far.call().shakes_hands(strangers::server(shown, &[b"h2"])));
    assert!(caller.is_reset(), "an orderly end");
    let reason = web.records.next().text("reason");
    assert_eq!(reason, "upstream_no_common_protocol");

    // An application that is not there.
    let orders = stage.orders_tcp(&application, "");
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let place = gone.local_addr().unwrap();
    drop(gone);
    let nobody = stage.tcp("nobody", &inbound(place), "");
    let mut caller = stage.caller(&nobody, "web");
    assert!(caller.is_reset(), "an orderly end");
    let record = nobody.records.next();
    assert_eq!(
        record.says(["decision", "reason"]),
        "permit upstream_unreachable"
    );
    let mut twin = stage.caller(&orders, "web");
    twin.send("in;");
    assert_eq!(application.call().until(";"), "in;");
}

#[test]
fn a_connection_that_is_silent_for_too_long_is_ended() {
    let stage = Stage::new();
    stage.rule(CONNECT);
    let application = Application::start();
    let door = inbound(application.address()).replace("tcp: {", "tcp: { idle_timeout_ms: 400,");
    let orders = stage.tcp("orders", &door, "");
    let mut caller = stage.caller(&orders, "web");
    caller.send("in;");
    let mut call = application.call();
    assert_eq!(call.until(";"), "in;");
    assert!(caller.is_reset(), "an orderly end");
    assert!(call.is_reset(), "an orderly end");
    assert_eq!(orders.records.next().text("reason"), "silent_too_long");
}

#[test]
fn what_outlasts_the_drain_is_cut_and_recorded() {
    let stage = Stage::new();
    stage.rule(CONNECT);
    let application = Application::start();
    let orders = stage.orders_tcp(&application, "drain_deadline_ms: 200");
    let mut caller = stage.caller(&orders, "web");
    caller.send("in;");
    let mut call = application.call();
    assert_eq!(call.until(";"), "in;");
    let records = orders.stop();
    assert_eq!(records.next().text("reason"), "drain_deadline");
    assert!(caller.is_reset(), "an orderly end");
    assert!(call.is_reset(), "an orderly end");
}

#[test]
fn without_room_for_its_record_there_is_no_connection() {
    let stage = Stage::new();
    stage.rule(CONNECT);
    let application = Application::start();
    let door = inbound(application.address());
    let orders = stage.sidecar("orders", [&door, ", queue_records: 1"], "");
    let mut first = stage.caller(&orders, "web");
    first.send("in;");
    let mut call = application.call();
    assert_eq!(call.until(";"), "in;");
    let mut second = stage.caller(&orders, "web");
    let _either = second.try_send("in;");
    assert_eq!(second.rest(), "");
    application.was_not_called();
    orders.shows(r#"portreeve_handshakes_total{door="inbound",result="audit_log_full"} 1"#);
    first.send("still;");
    assert_eq!(call.until(";"), "still;");
}

#[test]
fn a_connection_is_reset_when_its_permit_is_withdrawn_and_its_twin_goes_on() {
    let stage = Stage::new();
    stage.rule(WEB_AND_SHOP);
    let application = Application::start();
    let orders = stage.orders_tcp(&application, "");
    let [mut lost, mut kept] = ["web", "shop"].map(|name| {
        let mut caller = stage.caller(&orders, name);
        caller.send("in;");
        let mut call = application.call();
        assert_eq!(call.until(";"), "in;");
        (caller, call)
    });
    // A door to another sidecar is one of `web`.
    let far = Application::start();
    let web = stage.web_tcp(far.address(), "");
    let mut out = Caller::plain(web.running.addresses().tcp_outbound[0]);
    let mut beyond = far.call();
    let shown = stage.svid("orders", HOUR);
    assert!(beyond.shakes_hands(strangers::server(shown, &[ALPN])));
    stage.rule(SHOP_ONLY);
    for sidecar in [&orders, &web] {
        sidecar.running.reload();
    }
    let record = orders.records.next();
    let fields = ["decision", "reason", "withdrawn_reason", "bytes_in"];
    let said = "permit permit_withdrawn no_permit 3";
    assert_eq!(record.says(fields), said);
    assert_eq!(record.text("caller"), "spiffe://mesh.example/web");
    assert!(lost.0.is_reset(), "an orderly end");
    assert!(lost.1.is_reset(), "an orderly end");
    let record = web.records.next();
    assert_eq!(record.says(fields), "permit permit_withdrawn no_permit 0");
    assert!(out.is_reset(), "an orderly end");
    assert!(beyond.is_reset(), "an orderly end");
    kept.0.send("still;");
    assert_eq!(kept.1.until(";"), "still;");
    orders.records.are_all_read();
}

/// Both sidecars, and the application behind them.
struct Pair {
    application: Application,
    orders: Sidecar,
    stage: Stage,
    web: Sidecar,
}

impl Pair {
    /// Under `policy`, or one that lets `web` through.
    fn new(policy: &str) -> Self {
        let stage = Stage::new();
        stage.rule(if policy.is_empty() { CONNECT } else { policy });
        let application = Application::start();
        let orders = stage.orders_tcp(&application, "");
        let door = orders.running.addresses().tcp_inbound[0];
        let web = stage.web_tcp(door, "");
        Self {
            application,
            orders,
            stage,
            web,
        }
    }

    /// Puts `policy` in force at both.
    fn rule(&self, policy: &str) {
        self.stage.rule(policy);
        for sidecar in [&self.web, &self.orders] {
            sidecar.running.reload();
            sidecar.shows(r#"portreeve_policy_loads_total{outcome="loaded"} 2"#);
        }
    }

    fn entry(&self) -> std::net::SocketAddr {
        self.web.running.addresses().tcp_outbound[0]
    }

    /// A connection of `web` itself that has reached the application.
    fn begin(&self) -> (Caller, Call) {
        let caller = Caller::plain(self.entry());
        (caller, self.application.call())
    }

    /// The same, with bytes that have crossed.
    fn talking(&self) -> (Caller, Call) {
        let (mut caller, mut call) = self.begin();
        call.send("ready;");
        assert_eq!(caller.until(";"), "ready;");
        (caller, call)
    }

    /// What the next record at each door says.
    fn said(&self) -> [String; 2] {
        let fields = [
            "decision",
            "protocol",
            "service",
            "reason",
            "bytes_in",
            "bytes_out",
        ];
        [&self.web, &self.orders].map(|sidecar| sidecar.records.next().says(fields))
    }

    fn reasons(&self) -> [String; 2] {
        [&self.web, &self.orders].map(|sidecar| sidecar.records.next().text("reason"))
    }
}

impl Stage {
    /// The sidecar beside `name` with `doors`.
    fn tcp(&self, name: &str, doors: &str, more: &str) -> Sidecar {
        self.sidecar(name, [doors, ""], more)
    }

    fn orders_tcp(&self, application: &Application, more: &str) -> Sidecar {
        self.tcp("orders", &inbound(application.address()), more)
    }

    fn web_tcp(&self, to: std::net::SocketAddr, more: &str) -> Sidecar {
        let doors = format!(
            "tcp: {{ outbound: [{{ listen: \"127.0.0.1:0\", to: \"{to}\", expect: \"spiffe://mesh.example/orders\", service: db }}] }}"
        );
        self.tcp("web", &doors, more)
    }

    /// `name` itself at the door for TCP.
    fn caller(&self, sidecar: &Sidecar, name: &str) -> Caller {
        self.caller_for(sidecar, name, Authority::SVID_LIFETIME)
    }

    fn caller_for(&self, sidecar: &Sidecar, name: &str, lifetime: Duration) -> Caller {
        let config = strangers::client(Some(self.svid(name, lifetime)), &[ALPN]);
        Caller::secure(sidecar.running.addresses().tcp_inbound[0], config)
    }
}

/// A door for TCP to `app`, beside one for HTTP that nobody should reach it by.
fn inbound(app: std::net::SocketAddr) -> String {
    format!(
        "inbound: {{ listen: \"127.0.0.1:0\", service: orders, app: \"{app}\" }}
tcp: {{ inbound: [{{ listen: \"127.0.0.1:0\", service: db, app: \"{app}\" }}] }}"
    )
}

const ALPN: &[u8] = b"portreeve-tcp";
const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

const CONNECT: &str = r#"
@id("web-connects")
permit (
  principal == Workload::"spiffe://mesh.example/web",
  action == Action::"connect",
  resource in Service::"db"
);
"#;

const HTTP_ONLY: &str = r#"
@id("web-speaks-http")
permit (principal, action in Action::"http", resource);
"#;

const WEB_AND_SHOP: &str = r#"
@id("two-connect")
permit (principal, action == Action::"connect", resource in Service::"db");
"#;

const SHOP_ONLY: &str = r#"
@id("shop-connects")
permit (
  principal == Workload::"spiffe://mesh.example/shop",
  action == Action::"connect",
  resource in Service::"db"
);
"#;
