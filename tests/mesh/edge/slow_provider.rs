//! A provider that does not answer, and everybody who has nothing to do with it.

use crate::edge::Edge;
use crate::edge::Plan;
use crate::edge::in_flight::BOTH;
use crate::edge::provider::Begun;
use crate::edge::provider::Mood;
use crate::edge::provider::Provider;
use crate::edge::request;
use crate::stage::Stage;

#[test]
fn a_provider_that_does_not_answer_holds_up_nobody_but_its_own() {
    let stage = Stage::new();
    stage.rule(BOTH);
    let [slow, quick] = [0; 2].map(|_| Provider::start(&stage.calendar));
    // With so many, each has the least that any has: room for 64.
    let others = (0..11)
        .map(|at| format!(", p{at}: {{ issuer: \"https://127.0.0.1:9/{at}\", client_id: edge }}"));
    let others: String = others.collect();
    let providers = format!(
        "slow: {}, quick: {}{others}",
        slow.settings(),
        quick.settings()
    );
    let edge = Edge::planned(stage, Plan::with_providers(providers));

    let begin = "GET /.portreeve/sign-in?provider=slow&return=/a";
    let mut browsers: Vec<_> = (0..ROOM + BEYOND)
        .map(|_| {
            let mut browser = edge.browser();
            browser.send(request(begin, &[]));
            let begun = Begun::of(&browser.answer());
            edge.door.records.next();
            (browser, begun)
        })
        .collect();
    slow.script().mood = Mood::Silent;
    for (browser, begun) in &mut browsers {
        let first = format!("GET /.portreeve/callback/slow?{}", slow.answer_to(begun));
        browser.send(request(&first, &[&format!("cookie: {}", begun.cookie)]));
    }
    // Whoever finds no room is told at once.
    for _ in 0..BEYOND {
        let record = edge.door.records.next();
        assert_eq!(
            record.says(["decision", "reason", "status"]),
            "refused sign_in_busy 503"
        );
    }
    let begun = edge.begins("quick");
    let answer = edge.comes_back(&begun, "quick", &quick.answer_to(&begun));
    assert!(Edge::lets_in(&answer), "{}", answer.text());
    let form = "content-type: application/x-www-form-urlencoded";
    let logout = "POST /.portreeve/backchannel-logout/slow";
    let cookie = format!("cookie: __Host-portreeve-session={}", "A".repeat(43));
    for (first, lines, status) in [
        (logout, [form, "content-length: 0"], 400),
        ("GET /.portreeve/", ["a: 1", "b: 2"], 200),
        // Nobody knows it, which the store had to be asked for.
        ("GET /a", [cookie.as_str(), "b: 2"], 401),
    ] {
        assert_eq!(edge.ask(first, &lines).status(), status, "{first}");
    }
    // All that time those who wait still do.
    let waiting = slow.script().held.len();
    assert_eq!(waiting, PLACES);
    edge.application.was_not_called();
}

const PLACES: usize = 16;
const ROOM: usize = 4 * PLACES;
const BEYOND: usize = 4;
