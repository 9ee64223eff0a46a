//! How often one address may want something of the door itself.

use std::net::Ipv4Addr;

use crate::caller::Answer;
use crate::caller::Caller;
use crate::edge::Edge;
use crate::edge::Plan;
use crate::edge::in_flight::BOTH;
use crate::edge::request;
use crate::stage::Stage;
use crate::strangers;

const NAVIGATES: &str = "sec-fetch-mode: navigate";

/// An address may come three times, and then once in an hour.
fn edge() -> Edge {
    let stage = Stage::new();
    stage.rule(BOTH);
    let plan = Plan {
        more: "sign_in_rate: { requests: 1, period_s: 3600, burst: 3 }",
        ..Plan::new()
    };
    Edge::planned(stage, plan)
}

/// What is answered to the same from another address.
fn ask_from(edge: &Edge, source: Ipv4Addr, first: &str, lines: &[&str]) -> Answer {
    let door = edge.door.running.addresses().edge.unwrap();
    let client = strangers::client(None, &[b"http/1.1"]);
    let mut browser = Caller::secure_from(source, door, client);
    browser.send(request(first, lines));
    browser.answer()
}

#[test]
fn an_address_that_comes_too_often_is_told_when_to_come_again() {
    let edge = edge();
    let places = [
        "GET /.portreeve/",
        "GET /.portreeve/callback/corp?state=x",
        "GET /.portreeve/sign-out",
    ];
    for (first, status) in places.into_iter().zip([200, 400, 200]) {
        assert_eq!(edge.ask(first, &[]).status(), status, "{first}");
        edge.door.records.next();
    }
    for first in places {
        let answer = edge.ask(first, &[]);
        assert_eq!(
            (answer.status(), answer.reason().as_str()),
            (429, "rate_limited"),
            "{first}"
        );
        assert_eq!(answer.field("retry-after"), Some("3600"));
        let record = edge.door.records.next();
        assert_eq!(
            record.says(["decision", "reason", "status"]),
            "refused rate_limited 429"
        );
    }
    // Whoever looks at it is shown a page, also where they would have been sent to sign in.
    for first in ["GET /.portreeve/", "GET /a"] {
        let answer = edge.ask(first, &[NAVIGATES]);
        assert_eq!(answer.status(), 429, "{first}");
        assert_eq!(answer.field("retry-after"), Some("3600"));
        let kind = answer.field("content-type");
        assert_eq!(kind, Some("text/html; charset=utf-8"));
        assert!(answer.text().contains("Too many at once"));
    }
    edge.door.shows(
        r#"portreeve_shed_requests_total{door="edge",service="edge",reason="rate_limited"} 4"#,
    );
    edge.application.was_not_called();
}

#[test]
fn another_address_has_its_own_rate_and_who_is_signed_in_needs_none() {
    let edge = edge();
    for _ in 0..3 {
        assert_eq!(edge.ask("GET /.portreeve/", &[]).status(), 200);
    }
    assert_eq!(edge.ask("GET /.portreeve/", &[]).status(), 429);
    let other = Ipv4Addr::new(127, 0, 0, 2);
    assert_eq!(
        ask_from(&edge, other, "GET /.portreeve/", &[]).status(),
        200
    );
    // Their sessions are known, and nobody has to be asked.
    let cookie = format!("cookie: {}", edge.alice);
    for _ in 0..5 {
        edge.passes("GET /a", &[&cookie]);
    }
    // A program that nobody has signed in for is told so without the office.
    assert_eq!(edge.ask("GET /a", &[]).status(), 401);
    // What a provider has to say of an end is heard.
    let form = "content-type: application/x-www-form-urlencoded";
    let heard = edge.ask(
        "POST /.portreeve/backchannel-logout/corp",
        &[form, "content-length: 0"],
    );
    assert_eq!(heard.status(), 400);
    assert!(heard.text().contains("no_logout_token"), "{}", heard.text());
}

#[test]
fn cookies_that_nobody_knows_are_looked_for_so_often_and_no_more() {
    let edge = edge();
    let ask = |nth: u32| {
        let cookie = format!("cookie: __Host-portreeve-session={nth:A>42}A");
        edge.ask("GET /a", &[&cookie]).status()
    };
    let unknown: Vec<u16> = (0..4).map(ask).collect();
    assert_eq!(unknown, [401, 401, 401, 429]);
}
