//! Who asks, and what is answered to whom.

use serde_json::Value;

use crate::caller::Caller;
use crate::edge::Edge;

const NAVIGATES: &str = "sec-fetch-mode: navigate";

#[test]
fn a_session_lets_in_and_the_record_names_who() {
    let edge = Edge::new();
    let cookie = format!("cookie: {}", edge.alice);
    edge.passes("GET /a", &[&cookie]);
    let record = edge.door.records.next();
    let said = record.says(["door", "caller", "decision", "policies", "status"]);
    assert_eq!(said, r#"edge corp/alice permit ["engineers"] 200"#);
    assert_eq!(record.text("session").len(), 12);
    // Nobody needs a name for what is public.
    edge.passes("GET /public", &[]);
    let record = edge.door.records.next();
    assert_eq!(
        record.says(["caller", "decision", "session"]),
        "anonymous permit "
    );
}

#[test]
pub(crate) fn whoever_is_nobody_is_told_to_sign_in_and_nothing_is_forwarded() {
    let edge = Edge::new();
    let cookie = format!("cookie: {}", edge.alice);
    let twice = format!("{cookie}; {}", edge.alice);
    let cut = cookie.strip_suffix(|_: char| true).unwrap().to_owned();
    let mut changed = cookie.clone();
    let last = if cookie.ends_with('A') { "E" } else { "A" };
    changed.replace_range(cookie.len() - 1.., last);
    let other_name = cookie.replace("__Host-", "__Secure-");
    let no_prefix = cookie.replace("__Host-", "");
    let random = "cookie: __Host-portreeve-session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let nobodies: [&[&str]; 8] = [
        &[],
        &["cookie: a=b"],
        &[&twice],
        &[&cut],
        &[&changed],
        &[&other_name],
        &[&no_prefix],
        &[random],
    ];
    for lines in nobodies {
        let answer = edge.ask("GET /a", lines);
        assert_eq!(
            (answer.status(), answer.reason().as_str()),
            (401, "sign_in_first"),
            "{lines:?}"
        );
        assert_eq!(answer.field("www-authenticate"), Some("Bearer"));
        let problem: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(problem["sign_in"], "/.portreeve/sign-in");
        let record = edge.door.records.next();
        assert_eq!(
            record.says(["caller", "decision", "reason"]),
            "anonymous deny sign_in_first",
            "{lines:?}"
        );
        edge.application.was_not_called();
        // The twin.
        edge.passes("GET /a", &[&cookie]);
        edge.door.records.next();
    }
    // Good on its own host only.
    let answer = edge.ask("GET /only", &["host: other.example", &cookie]);
    assert_eq!(answer.status(), 401);
}

#[test]
fn only_what_somebody_looks_at_is_sent_to_sign_in() {
    let edge = Edge::new();
    // The provider is away, which only a navigation comes to feel.
    for lines in [&[NAVIGATES][..], &["accept: text/html"]] {
        let answer = edge.ask("GET /a", lines);
        assert_eq!(answer.status(), 503, "{lines:?}");
        assert!(
            answer.text().contains("provider_unavailable"),
            "{}",
            answer.text()
        );
    }
    let programs: [(&str, &[&str]); 6] = [
        ("POST /a", &[NAVIGATES, "content-length: 0"]),
        ("GET /a", &["sec-fetch-mode: cors", "accept: text/html"]),
        (
            "GET /a",
            &["accept: text/html", "x-requested-with: XMLHttpRequest"],
        ),
        ("GET /a", &["accept: */*"]),
        (
            "GET /a",
            &[
                "connection: upgrade",
                "upgrade: websocket",
                "sec-fetch-mode: websocket",
            ],
        ),
        // No preflight passes by without being asked.
        (
            "OPTIONS /a",
            &[
                "origin: https://evil.example",
                "access-control-request-method: PUT",
            ],
        ),
    ];
    for (first, lines) in programs {
        assert_eq!(edge.ask(first, lines).status(), 401, "{first} {lines:?}");
    }
    edge.application.was_not_called();
}

#[test]
fn whoever_may_not_is_told_why_and_never_sent_around() {
    let edge = Edge::new();
    let mallory = format!("cookie: {}", edge.mallory);
    let answer = edge.ask("GET /a", &[&mallory]);
    assert_eq!(
        (answer.status(), answer.reason().as_str()),
        (403, "no_permit")
    );
    let answer = edge.ask("GET /a", &[&mallory, NAVIGATES]);
    assert_eq!((answer.status(), answer.field("location")), (403, None));
    assert!(
        answer.text().contains("You may not see this"),
        "{}",
        answer.text()
    );
    // What authors of policies say is text, not markup.
    let alice = format!("cookie: {}", edge.alice);
    let answer = edge.ask("GET /admin/x", &[&alice, NAVIGATES]);
    assert_eq!(answer.status(), 403);
    for said in [
        "Ask the &lt;administrators&gt;.",
        "nobody-administrates",
        "admins@example.org",
    ] {
        assert!(answer.text().contains(said), "{}", answer.text());
    }
    let policy = answer.field("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    edge.application.was_not_called();
}
#[test]
fn an_old_sign_in_is_to_be_made_anew_where_that_helps() {
    let edge = Edge::with_policy(FRESH);
    let alice = format!("cookie: {}", edge.alice);
    let answer = edge.ask("GET /secret", &[&alice]);
    assert_eq!(
        (answer.status(), answer.reason().as_str()),
        (401, "sign_in_again")
    );
    let challenge = answer.field("www-authenticate").unwrap();
    assert!(
        challenge.contains("insufficient_user_authentication"),
        "{challenge}"
    );
    // A person looking at it would be sent on, were the provider there.
    assert_eq!(edge.ask("GET /secret", &[&alice, NAVIGATES]).status(), 503);
    // It would not help whoever may not see it at all.
    let mallory = format!("cookie: {}", edge.mallory);
    assert_eq!(edge.ask("GET /secret", &[&mallory]).status(), 403);
    edge.application.was_not_called();
}

const FRESH: &str = r#"
@id("fresh")
permit (principal in Group::"corp/eng", action in Action::"http", resource in Service::"web")
when { context.path == "/secret" && context has authAge && context.authAge < 300 };
"#;

#[test]
fn whoever_speaks_no_tls_is_recorded_at_the_door_that_they_came_to() {
    let edge = Edge::new();
    let mut stranger = Caller::plain(edge.door.running.addresses().edge.unwrap());
    stranger.send("GET / HTTP/1.1\r\nhost: apps.example\r\n\r\n");
    stranger.rest();
    let record = edge.door.records.next();
    assert_eq!(
        record.says(["door", "decision", "reason"]),
        "edge refused not_tls"
    );
    // The twin, on the same port.
    edge.passes("GET /a", &[&format!("cookie: {}", edge.alice)]);
    assert_eq!(
        edge.door.records.next().says(["door", "decision"]),
        "edge permit"
    );
}
