//! Destinations that are given by name, and name servers that change their mind.

use std::net::Ipv4Addr;

use crate::caller::Caller;
use crate::endpoint::Endpoint;
use crate::name_server::NameServer;
use crate::name_server::Says;
use crate::stage::Stage;
use crate::stage::eventually;

#[test]
fn a_name_that_moves_is_followed() {
    let stage = Stage::new();
    let endpoints = Endpoint::several::<2>(&stage);
    let [old, new] = endpoints.each_ref();
    let names = NameServer::start(Says::At(1, vec![old.host()]));
    let web = stage.web_by_name(&names, old.address().port(), "");
    let mut caller = Caller::plain(web.outbound());
    assert_eq!(ask(&mut caller), 200);
    assert_eq!(counts(&endpoints), [1, 0]);
    names.says(Says::At(1, vec![new.host()]));
    // Until its time to live is over nothing changes, and no request fails.
    let mut before = 1;
    while new.requests() == 0 && before < MOST {
        assert_eq!(ask(&mut caller), 200);
        before += 1;
    }
    let old_got = old.requests();
    assert_eq!(old_got + 1, before);
    for _ in 0..20 {
        assert_eq!(ask(&mut caller), 200);
    }
    assert_eq!(counts(&endpoints), [old_got, 21]);
}

#[test]
fn an_answer_that_fails_keeps_the_last_good_one_for_a_while() {
    let stage = Stage::new();
    let endpoint = Endpoint::start(&stage, 1, 0);
    let at = Says::At(1, vec![Ipv4Addr::LOCALHOST]);
    let names = NameServer::start(at.clone());
    let to = format!("orders.test.:{}", endpoint.address().port());
    let more = format!(
        "names: {{ servers: [\"{}\"], stale_ms: 4000 }}",
        names.address()
    );
    let web = stage.web_with(&to, ["", &more]);
    let mut caller = Caller::plain(web.outbound());
    assert_eq!(ask(&mut caller), 200);
    for (failure, reason) in [
        (Says::Failure, "upstream_unreachable"),
        (Says::NoSuchName, "upstream_unreachable"),
    ] {
        names.says(failure);
        let mut kept = 0;
        let answer = loop {
            caller.send(GET);
            let answer = caller.answer();
            if answer.status() != 200 {
                break answer;
            }
            kept += 1;
            assert!(kept < MOST, "it never forgets");
        };
        assert!(kept > 0, "it forgot at once");
        assert_eq!((answer.status(), answer.reason().as_str()), (503, reason));
        names.says(at.clone());
        eventually(|| ask(&mut caller) == 200);
    }
}

#[test]
fn a_name_that_nobody_knows_yet_is_waited_for() {
    let stage = Stage::new();
    let endpoint = Endpoint::start(&stage, 1, 0);
    let names = NameServer::start(Says::Nothing);
    let port = endpoint.address().port();
    let web = stage.web_by_name(&names, port, "connect_timeout_ms: 300");
    let mut caller = Caller::plain(web.outbound());
    caller.send(GET);
    let answer = caller.answer();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.reason(), "upstream_unreachable");
    let record = web.records.next();
    assert_eq!(
        record.says(["decision", "reason"]),
        "permit upstream_unreachable"
    );
    assert_eq!(endpoint.requests(), 0);
    names.says(Says::At(1, vec![Ipv4Addr::LOCALHOST]));
    eventually(|| ask(&mut caller) == 200);
}

#[test]
fn a_name_in_the_hosts_file_needs_no_name_server() {
    let stage = Stage::new();
    let endpoint = Endpoint::start(&stage, 1, 0);
    let names = NameServer::start(Says::Nothing);
    let more = format!("names: {{ servers: [\"{}\"] }}", names.address());
    let to = format!("localhost:{}", endpoint.address().port());
    let web = stage.web_with(&to, ["", &more]);
    let mut caller = Caller::plain(web.outbound());
    assert_eq!(ask(&mut caller), 200);
    assert_eq!(endpoint.requests(), 1);
}

fn counts(endpoints: &[Endpoint; 2]) -> [usize; 2] {
    endpoints.each_ref().map(Endpoint::requests)
}

fn ask(caller: &mut Caller) -> u16 {
    caller.send(GET);
    caller.answer().status()
}

/// More requests than fit into the longest time to live here.
const MOST: usize = 500_000;
const GET: &str = "GET /a HTTP/1.1\r\nhost: orders\r\n\r\n";
