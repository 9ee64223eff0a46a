//! Far sides that are not the sidecar that should be there.

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;

use crate::application::Application;
use crate::application::Call;
use crate::caller::Caller;
use crate::refusals::Test;
use crate::stage::Sidecar;
use crate::stage::Stage;
use crate::strangers;
use crate::strangers::Shown;
use crate::trial::served;

#[test]
fn a_far_side_with_another_name_is_not_trusted() {
    fails(502, "upstream_not_trusted", |far, stage| {
        let shown = stage.svid("impostor", HOUR);
        assert!(!far.shakes_hands(strangers::server(shown, &[b"h2"])));
    });
    // Nor is one of another trust domain, or one that does not ask who we are.
    fails(502, "upstream_not_trusted", |far, _| {
        let shown = Stage::new().svid("orders", HOUR);
        assert!(!far.shakes_hands(strangers::server(shown, &[b"h2"])));
    });
    fails(502, "upstream_not_trusted", |far, stage| {
        let shown = stage.svid("orders", HOUR);
        let config = incurious_server(shown);
        assert!(far.shakes_hands(config), "it cannot know");
        assert_eq!(far.rest(), "", "it was told something");
    });
}

#[test]
fn a_far_side_without_http_2_has_no_protocol_in_common() {
    fails(502, "upstream_no_common_protocol", |far, stage| {
        let shown = stage.svid("orders", HOUR);
        let _either = far.shakes_hands(strangers::server(shown, &[b"http/1.1"]));
    });
    fails(502, "upstream_no_common_protocol", |far, stage| {
        let shown = stage.svid("orders", HOUR);
        let _either = far.shakes_hands(strangers::server(shown, &[]));
    });
}

#[test]
fn a_far_side_that_speaks_no_tls_fails_the_handshake() {
    fails(502, "upstream_handshake_failed", |far, _| {
        far.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    fails(502, "upstream_handshake_failed", |far, _| {
        far.at_least(1);
        far.close();
    });
}

#[test]
fn a_far_side_that_sends_an_alert_has_refused_us() {
    // Fatal, handshake_failure.
    fails(502, "refused_by_upstream", |far, _| {
        far.send([0x15, 3, 3, 0, 2, 2, 40]);
    });
}

#[test]
fn a_far_side_that_says_nothing_is_given_up() {
    fails(504, "upstream_handshake_timeout", |far, _| {
        far.at_least(1);
        assert_eq!(far.rest(), "");
    });
}

/// A far side that does `what` with the next connection costs a request, and
/// the one after that is served by the sidecar that should be there.
fn fails(status: u16, reason: &str, what: fn(&mut Call, &Stage)) {
    let stage = Stage::new();
    let (application, far) = (Application::start(), Application::start());
    let orders = stage.orders(application.address(), "");
    let web = stage.web(far.address(), "limits: { handshake_timeout_ms: 500 }");
    let mut caller = Caller::plain(web.outbound());
    caller.send("GET /a HTTP/1.1\r\nhost: orders\r\n\r\n");
    let mut call = far.call();
    what(&mut call, &stage);
    let answer = caller.answer();
    assert_eq!(
        (answer.status(), answer.reason().as_str()),
        (status, reason)
    );
    let record = web.records.next();
    assert_eq!(
        record.says(["decision", "reason"]),
        format!("permit {reason}")
    );
    passes(&application, &far, &orders, &mut caller);
    assert_eq!(web.records.next().says(["status", "reason"]), "200 ");
}

fn passes(application: &Application, far: &Application, orders: &Sidecar, caller: &mut Caller) {
    caller.send("GET /twin HTTP/1.1\r\nhost: orders\r\n\r\n");
    far.call().forward(orders.inbound());
    assert!(served(&mut application.call()).starts_with("GET /twin "));
    assert_eq!(caller.answer().text(), "ok");
}

/// A server that does not ask who calls.
fn incurious_server(shown: Shown) -> ServerConfig {
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(strangers::show(shown)));
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

const HOUR: Duration = Duration::from_secs(3600);

pub(crate) const PROVOKED: &[(&str, Test)] = &[
    (
        "refused_by_upstream",
        a_far_side_that_sends_an_alert_has_refused_us,
    ),
    (
        "upstream_handshake_failed",
        a_far_side_that_speaks_no_tls_fails_the_handshake,
    ),
    (
        "upstream_handshake_timeout",
        a_far_side_that_says_nothing_is_given_up,
    ),
    (
        "upstream_no_common_protocol",
        a_far_side_without_http_2_has_no_protocol_in_common,
    ),
    (
        "upstream_not_trusted",
        a_far_side_with_another_name_is_not_trusted,
    ),
];
