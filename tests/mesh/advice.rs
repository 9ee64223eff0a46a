//! What the authors of policies have to say: to whom is refused, and in the record.

use serde_json::Value;

use crate::application::Application;
use crate::stage::Stage;

#[test]
fn a_forbid_advises_its_caller_and_explains_itself_in_the_record() {
    let stage = Stage::new();
    stage.rule(ADVISED);
    let application = Application::start();
    let orders = stage.orders(application.address(), "");
    let mut web = stage.web_at(orders.inbound());

    web.send("GET /closed HTTP/1.1\r\nhost: orders\r\n\r\n");
    let answer = web.answer();
    assert_eq!(answer.status(), 403);
    let problem: Value = serde_json::from_str(answer.text()).unwrap();
    // Each is said once, in the order of the policies' names, which are not told.
    assert_eq!(problem["detail"], "ask \"shop\" Come back later");
    assert!(!answer.text().contains("closed-by"), "{}", answer.text());
    let record = orders.records.next();
    let notes: Value = serde_json::from_str(&record.text("notes")).unwrap();
    assert_eq!(
        notes,
        serde_json::json!([
            { "id": "closed-by-a", "reason": "it\nmoves", "owner": "team-shop", "advice": "ask \"shop\"" },
            { "id": "closed-by-b", "advice": "ask \"shop\"" },
            { "id": "closed-by-c", "advice": "Come back later" },
        ])
    );
    let policies = r#"["closed-by-a","closed-by-b","closed-by-c","closed-by-d"]"#;
    assert_eq!(record.text("policies"), policies);

    // Without advice there is no detail, and without notes no field.
    web.send("GET /silent HTTP/1.1\r\nhost: orders\r\n\r\n");
    let answer = web.answer();
    assert_eq!(answer.reason(), "forbidden");
    assert!(!answer.text().contains("detail"), "{}", answer.text());
    assert_eq!(orders.records.next().text("notes"), "");
    application.was_not_called();

    // What is allowed is not explained.
    web.send("GET /open HTTP/1.1\r\nhost: orders\r\n\r\n");
    let mut call = application.call();
    call.head();
    call.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert_eq!(web.answer().text(), "ok");
    let record = orders.records.next();
    assert_eq!(
        record.says(["decision", "policies", "notes"]),
        r#"permit ["all"] "#
    );
}

#[test]
fn a_shadow_is_recorded_and_counted_and_not_enforced() {
    let stage = Stage::new();
    stage.rule(SHADOWED);
    let application = Application::start();
    let orders = stage.orders(application.address(), "");
    let mut web = stage.web_at(orders.inbound());
    let of_shadow = ["decision", "reason", "shadow_decision", "shadow_policies"];

    // What it would forbid passes.
    for (path, said) in [
        ("/soon", r#"permit  deny ["soon-closed"]"#),
        // It says something, and the decision would be the same.
        ("/seen", r#"permit  permit ["seen"]"#),
        // It would fail where a header comes twice; the request does not.
        ("/tickets", r#"permit  deny "#),
        ("/plain", "permit   "),
    ] {
        let ticket = "x-ticket: 1\r\n";
        web.send(format!(
            "GET {path} HTTP/1.1\r\nhost: orders\r\n{ticket}{ticket}\r\n"
        ));
        let mut call = application.call();
        call.head();
        call.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
        assert_eq!(web.answer().text(), "ok");
        let record = orders.records.next();
        let policies = record.text("shadow_policies");
        let names = if policies == "[]" { "" } else { &policies };
        let told = format!(
            "{} {names}",
            record.says(["decision", "reason", "shadow_decision"])
        );
        assert_eq!(told, said, "{path}");
    }
    // What it would permit does not.
    web.send("POST /plain HTTP/1.1\r\nhost: orders\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(web.answer().status(), 403);
    let said = orders.records.next().says(of_shadow);
    assert_eq!(said, r#"deny no_permit permit ["soon-open"]"#);
    application.was_not_called();
    let counted = |decision: &str, times: u32| {
        orders.shows(&format!(
            "portreeve_shadow_decisions_total{{door=\"inbound\",service=\"orders\",decision=\"{decision}\"}} {times}"
        ));
    };
    counted("deny", 2);
    counted("permit", 1);
}

const SHADOWED: &str = r#"
@id("all")
permit (principal, action in Action::"read", resource in Service::"orders");

@id("soon-closed") @shadow("until 1 December")
forbid (principal, action in Action::"http", resource in Route::"orders:/soon");

@id("seen") @shadow("to count who reads it")
permit (principal, action in Action::"read", resource in Route::"orders:/seen");

@id("by-ticket") @shadow("who has none?")
forbid (principal, action in Action::"http", resource in Route::"orders:/tickets")
unless { context.headers has "x-ticket" && context.headers["x-ticket"] == "1" };

@id("soon-open") @shadow("until 1 December")
permit (principal, action == Action::"POST", resource in Service::"orders");
"#;

const ADVISED: &str = r#"
@id("all") @owner("team-shop")
permit (principal, action in Action::"http", resource in Service::"orders");

@id("closed-by-b") @advice("ask \"shop\"")
forbid (principal, action in Action::"http", resource in Route::"orders:/closed");

@id("closed-by-a") @advice("ask \"shop\"") @reason("it
moves") @owner("team-shop")
forbid (principal, action in Action::"http", resource in Route::"orders:/closed");

@id("closed-by-c") @advice("Come back later")
forbid (principal, action in Action::"http", resource in Route::"orders:/closed");

@id("closed-by-d")
forbid (principal, action in Action::"http", resource in Route::"orders:/closed");

@id("silent")
forbid (principal, action in Action::"http", resource in Route::"orders:/silent");
"#;
