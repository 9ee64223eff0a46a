//! Our own places on every host.

use serde_json::Value;

use crate::edge::Edge;
use crate::edge::request;

const NAVIGATES: &str = "sec-fetch-mode: navigate";

#[test]
fn somebody_sees_who_they_are_and_nothing_that_stands_for_them() {
    let edge = Edge::new();
    let cookie = format!("cookie: {}", edge.alice);
    let secret = edge.alice.split_once('=').unwrap().1;
    let page = edge.ask("GET /.portreeve/", &[&cookie, NAVIGATES]);
    assert_eq!(page.status(), 200);
    for said in [
        "corp/alice",
        "&lt;b&gt;Älice&lt;/b&gt;",
        "alice@example.org",
        "a,b, eng, ops",
    ] {
        assert!(page.text().contains(said), "{said} in {}", page.text());
    }
    assert!(!page.text().contains(secret));
    assert_eq!(page.field("cache-control"), Some("no-store"));
    assert_eq!(page.field("x-frame-options"), Some("DENY"));
    let told = edge.ask("GET /.portreeve/", &[&cookie]);
    let told: Value = serde_json::from_slice(&told.body).unwrap();
    assert_eq!(
        (&told["user"], &told["groups"]),
        (
            &"corp/alice".into(),
            &serde_json::json!(["a,b", "eng", "ops"])
        )
    );
    let nobody = edge.ask("GET /.portreeve/", &[]);
    assert_eq!(nobody.text(), r#"{"signed_in":false}"#);
    assert!(
        edge.ask("GET /.portreeve/", &[NAVIGATES])
            .text()
            .contains("/.portreeve/sign-in")
    );
    let style = edge.ask("GET /.portreeve/style.css", &[]);
    assert_eq!(style.field("content-type"), Some("text/css; charset=utf-8"));
    edge.application.was_not_called();
}

#[test]
fn signing_out_takes_a_button_of_our_own_and_ends_the_session_for_ever() {
    let edge = Edge::new();
    let cookie = format!("cookie: {}", edge.alice);
    // Neither a link nor another site can do it.
    assert_eq!(
        edge.ask("GET /.portreeve/sign-out", &[&cookie, NAVIGATES])
            .status(),
        200
    );
    let foreign = edge.ask(
        "POST /.portreeve/sign-out",
        &[&cookie, "origin: https://evil.example", "content-length: 0"],
    );
    assert_eq!(foreign.status(), 403);
    edge.passes("GET /a", &[&cookie]);

    let out = edge.ask(
        "POST /.portreeve/sign-out",
        &[&cookie, "origin: https://apps.example", "content-length: 0"],
    );
    assert_eq!(out.status(), 200);
    let forgotten = out.field("set-cookie").unwrap();
    assert!(
        forgotten.starts_with("__Host-portreeve-session=; Path=/; Max-Age=0; Secure; HttpOnly"),
        "{forgotten}"
    );
    assert_eq!(edge.ask("GET /a", &[&cookie]).status(), 401);
    // Others are who they were.
    let mallory = format!("cookie: {}", edge.mallory);
    assert_eq!(edge.ask("GET /a", &[&mallory]).status(), 403);
    // Out is out, also after a while, and after a clock that goes back.
    edge.stage.calendar.set_back(3_600);
    assert_eq!(edge.ask("GET /a", &[&cookie]).status(), 401);
}

#[test]
fn a_place_that_is_none_is_answered_by_us_and_not_by_an_application() {
    let edge = Edge::with_policy(r#"@id("all") permit (principal, action, resource);"#);
    let cases = [
        ("GET /.portreeve", 200),
        ("GET /.portreeve/nothing", 404),
        ("GET /.portreeve/callback", 404),
        ("GET /.portreeve/callback/corp/x", 400),
        ("GET /.well-known/portreeve", 404),
        ("GET /.well-known/portreeve/jwks.json", 200),
        ("POST /.portreeve/style.css", 405),
        ("GET /.portreeve/backchannel-logout/corp", 405),
        ("PUT /.portreeve/sign-out", 405),
        ("GET /.portreeve/sign-in?provider=nobody", 404),
        ("GET /.portreeve/sign-in?a=1&a=2", 400),
    ];
    for (first, status) in cases {
        assert_eq!(
            edge.ask(first, &["content-length: 0"]).status(),
            status,
            "{first}"
        );
    }
    edge.application.was_not_called();
    // Only what is below them is ours.
    edge.passes("GET /.portreevex", &[]);
    edge.passes("GET /.well-known/other", &[]);
}

#[test]
fn nobody_comes_back_from_where_they_were_not_sent() {
    let edge = Edge::new();
    let cookie = "cookie: __Host-portreeve-login-7=00";
    let cases = [
        ("/.portreeve/callback/corp", "no_state"),
        ("/.portreeve/callback/corp?state=", "no_state"),
        ("/.portreeve/callback/corp?code=x&state=7", "unknown_state"),
        ("/.portreeve/callback/corp?code=x&state=8", "unknown_state"),
        (
            "/.portreeve/callback/corp?code=x&state=7&state=7",
            "bad_query",
        ),
        ("/.portreeve/callback/corp?code=%&state=7", "bad_query"),
        (
            "/.portreeve/callback/other?code=x&state=7",
            "no_such_provider",
        ),
    ];
    for (target, reason) in cases {
        for lines in [&[][..], &[cookie]] {
            let answer = edge.ask(&format!("GET {target}"), lines);
            assert_eq!(
                (answer.status(), answer.field("set-cookie")),
                (400, None),
                "{target}"
            );
            assert!(
                answer.text().contains(reason),
                "{target}: {}",
                answer.text()
            );
            let record = edge.door.records.next();
            assert_eq!(
                record.says(["decision", "reason"]),
                format!("refused {reason}")
            );
        }
    }
    edge.application.was_not_called();
}

#[test]
pub(crate) fn more_than_a_place_of_ours_takes_is_refused() {
    let edge = Edge::new();
    let form = "content-type: application/x-www-form-urlencoded";
    for (bytes, status, reason) in [(32 * 1024 + 1, 413, "body_too_large"), (32 * 1024, 400, "")] {
        let mut browser = edge.browser();
        let length = format!("content-length: {bytes}");
        let head = request("POST /.portreeve/backchannel-logout/corp", &[form, &length]);
        browser.send(head + &"a".repeat(bytes));
        let answer = browser.answer();
        assert_eq!(
            (answer.status(), answer.reason().as_str()),
            (status, reason)
        );
    }
}
