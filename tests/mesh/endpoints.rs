//! A destination with several addresses: all are used, and those that fail are left out.

use std::net::Ipv4Addr;

use crate::application::Application;
use crate::caller::Caller;
use crate::endpoint::CONNECTED;
use crate::endpoint::Does;
use crate::endpoint::Endpoint;
use crate::name_server::NameServer;
use crate::name_server::Says;
use crate::stage::Sidecar;
use crate::stage::Stage;

#[test]
fn requests_and_tunnels_are_spread_over_all_addresses() {
    let stage = Stage::new();
    let endpoints = Endpoint::several::<3>(&stage);
    let (web, _names) = web(&stage, &endpoints, "");
    let mut caller = Caller::plain(web.outbound());
    for _ in 0..90 {
        assert_eq!(ask(&mut caller), 200);
    }
    let got = endpoints.each_ref().map(Endpoint::requests);
    assert_eq!(got.iter().sum::<usize>(), 90, "{got:?}");
    assert!(got.iter().all(|requests| *requests > 0), "{got:?}");
    for endpoint in &endpoints {
        let seen = endpoint.all_seen();
        let tunnels = seen.iter().filter(|line| *line == CONNECTED).count();
        assert_eq!(tunnels, 1, "{seen:?}");
    }
    for _ in 0..90 {
        let record = web.records.next();
        assert_eq!(
            record.says(["decision", "status", "retries"]),
            "permit 200 "
        );
    }
}

#[test]
fn whoever_cannot_be_reached_costs_no_request() {
    let stage = Stage::new();
    let endpoints = Endpoint::several::<3>(&stage);
    endpoints[0].stop();
    endpoints[1].stop();
    let (web, _names) = web(&stage, &endpoints, "");
    let mut caller = Caller::plain(web.outbound());
    for _ in 0..10 {
        assert_eq!(ask(&mut caller), 200);
        // Nothing was sent, so any request may go elsewhere.
        caller.send("POST /a HTTP/1.1\r\nhost: orders\r\ncontent-length: 4\r\n\r\nbody");
        assert_eq!(caller.answer().status(), 200);
    }
    assert_eq!(endpoints[2].requests(), 20);
    let retries: u32 = (0..20)
        .map(|_| web.records.next().text("retries").parse().unwrap_or(0))
        .sum();
    web.shows(&format!(
        "portreeve_retries_total{{service=\"orders\",reason=\"unreached\"}} {retries}"
    ));
    // All gone, the caller is told so.
    endpoints[2].stop();
    caller.send(GET);
    let answer = caller.answer();
    assert_eq!(answer.status(), 503, "{}", answer.text());
    assert_eq!(answer.reason(), "upstream_unreachable");
}

#[test]
fn an_upgrade_goes_to_whom_can_be_reached() {
    let stage = Stage::new();
    let application = Application::start();
    let orders = stage.orders(application.address(), "");
    let hosts = [1, 2, 3].map(|host| Ipv4Addr::new(127, 0, 0, host));
    let names = NameServer::start(Says::At(300, hosts.to_vec()));
    let web = stage.web_by_name(&names, orders.inbound().port(), "");
    for _ in 0..8 {
        let mut caller = Caller::plain(web.outbound());
        caller.send("GET /a HTTP/1.1\r\nhost: orders\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n");
        let mut call = application.call();
        call.head();
        call.send(
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nhello",
        );
        assert!(caller.until("hello").starts_with("HTTP/1.1 101 "));
    }
    application.was_not_called();
}

#[test]
fn whoever_fails_too_often_is_ejected() {
    let stage = Stage::new();
    let endpoints = Endpoint::several::<2>(&stage);
    for endpoint in &endpoints {
        endpoint.does(Does::Answer(503));
    }
    let more = "ejection: { failures: 3, base_ms: 600000, longest_ms: 600000 }";
    let (web, _names) = web(&stage, &endpoints, more);
    let mut caller = Caller::plain(web.outbound());
    // One of them has failed three times by now, and only one may be ejected.
    for _ in 0..5 {
        assert_eq!(ask(&mut caller), 503);
    }
    web.shows(EJECTED_ONCE);
    let before = endpoints.each_ref().map(Endpoint::requests);
    let ejected = before.iter().position(|requests| *requests == 3).unwrap();
    endpoints[1 - ejected].does(Does::Answer(200));
    for _ in 0..40 {
        assert_eq!(ask(&mut caller), 200);
    }
    assert_eq!(endpoints[ejected].requests(), 3);
    web.shows(EJECTED_ONCE);
}

#[test]
fn an_applications_own_errors_eject_nobody() {
    let stage = Stage::new();
    let endpoints = Endpoint::several::<2>(&stage);
    endpoints
        .iter()
        .for_each(|endpoint| endpoint.does(Does::Answer(500)));
    let (web, _names) = web(&stage, &endpoints, "ejection: { failures: 1 }");
    let mut caller = Caller::plain(web.outbound());
    for _ in 0..40 {
        assert_eq!(ask(&mut caller), 500);
    }
    let got = endpoints.each_ref().map(Endpoint::requests);
    assert!(got.iter().all(|requests| *requests > 0), "{got:?}");
}

#[test]
fn if_most_are_ejected_all_are_used() {
    let stage = Stage::new();
    let endpoints = Endpoint::several::<3>(&stage);
    for endpoint in &endpoints[..2] {
        endpoint.does(Does::Answer(503));
    }
    let more = "ejection: { failures: 1, base_ms: 600000, longest_ms: 600000, most_percent: 100 }";
    let (web, _names) = web(&stage, &endpoints, more);
    let mut caller = Caller::plain(web.outbound());
    let failed = (0..100).filter(|_| ask(&mut caller) == 503).take(2);
    assert_eq!(failed.count(), 2);
    let before = endpoints.each_ref().map(Endpoint::requests);
    assert_eq!(before[..2], [1, 1]);
    for _ in 0..100 {
        ask(&mut caller);
    }
    let after = endpoints.each_ref().map(Endpoint::requests);
    assert!(after.iter().all(|requests| *requests > 1), "{after:?}");
}

/// The sidecar beside `web`, which finds `endpoints` by their name.
fn web(stage: &Stage, endpoints: &[Endpoint], more: &str) -> (Sidecar, NameServer) {
    let hosts = endpoints.iter().map(Endpoint::host).collect();
    let names = NameServer::start(Says::At(300, hosts));
    let port = endpoints[0].address().port();
    let web = stage.web_by_name(&names, port, more);
    (web, names)
}

fn ask(caller: &mut Caller) -> u16 {
    caller.send(GET);
    caller.answer().status()
}

const GET: &str = "GET /a HTTP/1.1\r\nhost: orders\r\n\r\n";
const EJECTED_ONCE: &str =
    r#"portreeve_endpoint_ejections_total{service="orders",reason="failing"} 1"#;
