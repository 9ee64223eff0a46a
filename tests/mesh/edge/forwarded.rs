//! What an application gets to see of a person's request.

use crate::application::Application;
use crate::edge::Edge;
use crate::edge::Plan;
use crate::stage::Stage;

#[test]
fn applications_hear_of_people_from_us_alone() {
    let edge = Edge::new();
    let cookie = format!("cookie: theme=dark; {}; lang=de", edge.alice);
    let lies = [
        "x-forwarded-for: 6.6.6.6",
        "x-forwarded-user: root",
        "X-Forwarded-Email: root@example.org",
        "x.forwarded.groups: admins",
        "x-forwarded-host: evil.example",
        "x-real-ip: 6.6.6.6",
        "x-portreeve-caller: corp/root",
        "x-portreeve-assertion: a.b.c",
        "x-webauth-user: root",
        "remote-user: root",
    ];
    let lines: Vec<&str> = [cookie.as_str()].into_iter().chain(lies).collect();
    let head = edge.passes("GET /a?b=c", &lines);
    let said = |name: &str| {
        let mut lines = head
            .lines()
            .filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let first = lines.next();
        assert_eq!(lines.next(), None, "{name} in {head}");
        first
    };
    assert!(head.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{head}");
    assert_eq!(said("host"), Some("apps.example"));
    assert_eq!(said("cookie"), Some("theme=dark; lang=de"));
    assert_eq!(said("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(said("x-forwarded-host"), Some("apps.example"));
    assert_eq!(said("x-forwarded-proto"), Some("https"));
    assert_eq!(said("x-forwarded-user"), Some("alice"));
    assert_eq!(said("x-forwarded-email"), Some("alice@example.org"));
    // A group with a comma in it would be two.
    assert_eq!(said("x-forwarded-groups"), Some("eng,ops"));
    assert_eq!(said("x-portreeve-caller"), Some("corp/alice"));
    assert_eq!(said("x-portreeve-assertion").unwrap().split('.').count(), 3);
    for gone in ["root", "6.6.6.6", "evil", "__Host"] {
        assert!(!head.contains(gone), "{gone} in {head}");
    }

    // Of nobody there is nothing to say, and nothing that others say stays.
    let lines: Vec<&str> = lies.to_vec();
    let head = edge.passes("GET /public", &lines);
    assert!(
        !head.contains("root") && !head.contains("x-forwarded-user"),
        "{head}"
    );
    assert!(head.contains("x-forwarded-for: 127.0.0.1"), "{head}");

    // An address that nobody has seen to be theirs is not told.
    let edge = Edge::with_policy(r#"@id("all") permit (principal, action, resource);"#);
    let head = edge.passes("GET /a", &[&format!("cookie: {}", edge.mallory)]);
    assert!(head.contains("x-forwarded-user: mallory"), "{head}");
    assert!(!head.contains("x-forwarded-email"), "{head}");
}

#[test]
fn an_assertion_is_checked_by_the_keys_that_are_published() {
    let edge = Edge::new();
    let head = edge.passes("GET /a", &[&format!("cookie: {}", edge.alice)]);
    let token = head
        .lines()
        .find_map(|line| line.strip_prefix("x-portreeve-assertion: "))
        .unwrap();
    let answer = edge.ask("GET /.well-known/portreeve/jwks.json", &[]);
    assert_eq!(
        answer.field("content-type"),
        Some("application/jwk-set+json")
    );
    let keys: jsonwebtoken::jwk::JwkSet = serde_json::from_slice(&answer.body).unwrap();
    let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(keys.find(&kid).unwrap()).unwrap();
    let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
    rules.set_audience(&["https://apps.example/"]);
    rules.set_issuer(&["https://apps.example"]);
    // The mesh's calendar is not the system's.
    rules.validate_exp = false;
    let claims = jsonwebtoken::decode::<serde_json::Value>(token, &key, &rules)
        .unwrap()
        .claims;
    assert_eq!(claims["sub"], "corp/alice");
    assert_eq!(claims["groups"], serde_json::json!(["a,b", "eng", "ops"]));
    let lifetime = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
    assert!(lifetime <= 300, "{lifetime}");
    rules.set_audience(&["https://other.example/"]);
    assert!(jsonwebtoken::decode::<serde_json::Value>(token, &key, &rules).is_err());
}

#[test]
pub(crate) fn what_is_on_no_route_goes_nowhere() {
    let edge = Edge::with_policy(r#"@id("all") permit (principal, action, resource);"#);
    let cases = [
        ("GET /a", "host: elsewhere.example", 421, "no_such_host"),
        ("GET /a", "host: 127.0.0.1", 421, "no_such_host"),
        ("GET /onlyx", "host: other.example", 404, "no_such_route"),
        ("GET /a;b", "host: apps.example", 400, "bad_path"),
        ("GET /../a", "host: apps.example", 400, "bad_path"),
        ("GET /a%2fb", "host: apps.example", 400, "bad_path"),
        // What one route takes, another does not, nor do we ourselves.
        ("GET /a%3bb", "host: apps.example", 400, "bad_path"),
        ("GET /slashes/a;b", "host: apps.example", 400, "bad_path"),
        (
            "GET /semicolons/a%2fb",
            "host: apps.example",
            400,
            "bad_path",
        ),
        ("GET /slashes%2Fa", "host: apps.example", 400, "bad_path"),
        ("GET /slashes/..%2Fa", "host: apps.example", 400, "bad_path"),
        (
            "GET /.portreeve/sign-in%2Fx",
            "host: apps.example",
            400,
            "bad_path",
        ),
    ];
    for (first, host, status, reason) in cases {
        let answer = edge.ask(first, &[host]);
        assert_eq!(
            (answer.status(), answer.reason().as_str()),
            (status, reason),
            "{first} {host}"
        );
        edge.application.was_not_called();
    }
    for (first, host) in [
        ("GET /a", "host: APPS.example:443"),
        ("GET /only", "host: other.example"),
        ("GET /only/x", "host: other.example."),
        ("GET /semicolons/a;b", "host: apps.example"),
    ] {
        edge.passes(first, &[host]);
    }
    for (first, arrives) in [
        ("GET /semicolons/a%3bb", "GET /semicolons/a%3Bb "),
        ("GET /slashes/a%2fb?c=%2f", "GET /slashes/a%2Fb?c=%2f "),
    ] {
        let head = edge.passes(first, &["host: apps.example"]);
        assert!(head.starts_with(arrives), "{head}");
    }
}

#[test]
fn another_workload_hears_of_a_person_through_our_mutual_tls() {
    let stage = Stage::new();
    stage.rule(
        r#"
        @id("edge-calls-orders")
        permit (principal == Workload::"spiffe://mesh.example/edge", action, resource in Service::"orders");
        @id("people-see-orders")
        permit (principal in Group::"corp/eng", action, resource in Service::"orders");
        "#,
    );
    let application = Application::start();
    let orders = stage.orders(application.address(), "");
    let plan = Plan {
        application,
        host: "far.example",
        orders: orders.inbound(),
        ..Plan::new()
    };
    let edge = Edge::planned(stage, plan);
    let head = edge.passes(
        "GET /a",
        &["host: far.example", &format!("cookie: {}", edge.alice)],
    );
    // What its own sidecar says, and what ours has signed.
    let lines: Vec<&str> = head.lines().collect();
    assert!(
        lines.contains(&"x-portreeve-caller: spiffe://mesh.example/edge"),
        "{head}"
    );
    assert!(lines.contains(&"x-forwarded-user: alice"), "{head}");
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.starts_with("x-portreeve-assertion: "))
            .count(),
        1
    );
    assert_eq!(
        orders.records.next().text("caller"),
        "spiffe://mesh.example/edge"
    );
    assert_eq!(edge.door.records.next().text("caller"), "corp/alice");
    // Somebody whom the policy does not let is turned back at the edge.
    let mallory = format!("cookie: {}", edge.mallory);
    assert_eq!(
        edge.ask("GET /a", &["host: far.example", &mallory])
            .status(),
        403
    );
    edge.application.was_not_called();
}
