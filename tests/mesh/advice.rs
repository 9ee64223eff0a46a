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
