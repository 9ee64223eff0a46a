//! What whoever writes policies types, and what is answered.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot be set up has failed"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// A folder with a sidecar's configuration and its policies.
fn shop() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("policy")).unwrap();
    fs::write(dir.path().join("sidecar.yaml"), SIDECAR).unwrap();
    fs::write(dir.path().join("policy/orders.cedar"), POLICIES).unwrap();
    dir
}

struct Ended {
    code: i32,
    out: String,
    err: String,
}

fn portreeve(dir: &Path, words: &[&str]) -> Ended {
    let ended = Command::new(env!("CARGO_BIN_EXE_portreeve"))
        .current_dir(dir)
        .args(words)
        .output()
        .unwrap();
    Ended {
        code: ended.status.code().unwrap(),
        out: String::from_utf8(ended.stdout).unwrap(),
        err: String::from_utf8(ended.stderr).unwrap(),
    }
}

fn explain(words: &[&str]) -> Ended {
    let dir = shop();
    let command = ["policy", "explain", "--config", "sidecar.yaml"];
    let web = ["--caller", "spiffe://example.org/ns/shop/sa/web"];
    let caller: &[&str] = if words.contains(&"--caller") {
        &[]
    } else {
        &web
    };
    portreeve(dir.path(), &[&command, caller, words].concat())
}

fn explained(words: &[&str]) -> Value {
    let ended = explain(&[words, &["--json"]].concat());
    let told: Value = serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{}", ended.err));
    let permit = told["decision"] == "permit";
    assert_eq!(ended.code, if permit { 0 } else { 3 });
    told
}

/// What is said of one policy in scope.
fn found<'a>(told: &'a Value, id: &str) -> &'a Value {
    let mut all = told["in_scope"].as_array().unwrap().iter();
    all.find(|found| found["id"] == id).unwrap()
}

#[test]
fn a_permit_is_explained_with_the_policy_that_made_it() {
    let ended = explain(&["--path", "/orders/%37"]);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    let expected = "\
permit
  by     web-reads-orders
  caller spiffe://example.org/ns/shop/sa/web
  in     TrustDomain::\"example.org\", Namespace::\"example.org/shop\"
  asks   GET /orders/7 of orders (host orders), from 127.0.0.1 at ";
    assert!(ended.out.starts_with(expected), "{}", ended.out);
    let rest = "
permit web-reads-orders (orders.cedar:1) applies
    @owner team-shop
forbid order-0-is-nobodys (orders.cedar:5) does not apply
    when { (context.params) has id } holds
    when { (context.params.id) == \"0\" } does not hold
        context.params.id is \"7\"
";
    assert!(
        ended
            .out
            .replace("\n  on     ", "\n")
            .contains("orders:/orders/{id}"),
        "{}",
        ended.out
    );
    assert!(ended.out.ends_with(rest), "{}", ended.out);
}

#[test]
fn a_denial_says_which_condition_failed_and_what_it_saw() {
    let words = [
        "--method",
        "DELETE",
        "--path",
        "/orders/7",
        "--header",
        "X-Ticket: none",
    ];
    let told = explained(&[&words[..], &["--at", "2026-11-28T12:00:00Z"]].concat());
    assert_eq!(told["decision"], "deny");
    assert_eq!(told["reason"], "no_permit");
    let by_ticket = found(&told, "web-deletes-by-ticket");
    assert_eq!(by_ticket["outcome"], "not");
    let conditions = by_ticket["conditions"].as_array().unwrap();
    let outcomes: Vec<&str> = conditions
        .iter()
        .map(|c| c["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["holds", "not", "not"]);
    let values = |at: usize| conditions[at]["values"].to_string();
    assert_eq!(
        values(1),
        r#"{"context.headers[\"x-ticket\"]":"\"none\""}"#
            .replace("context.headers", "(context.headers)")
    );
    assert!(values(2).contains(r#".weekday":"6""#), "{}", values(2));
    // Its twin passes.
    let words = [
        "--method",
        "DELETE",
        "--path",
        "/orders/7",
        "--header",
        "x-ticket:OPS-1",
    ];
    let told = explained(&[&words[..], &["--at", "2026-11-27T12:00:00Z"]].concat());
    assert_eq!(told["decision"], "permit");
    assert_eq!(told["policies"][0], "web-deletes-by-ticket");
}

#[test]
fn what_is_absent_is_said_and_what_comes_after_it_is_not_reached() {
    let told = explained(&["--method", "DELETE", "--path", "/orders/7"]);
    let conditions = found(&told, "web-deletes-by-ticket")["conditions"]
        .as_array()
        .unwrap();
    assert_eq!(conditions[0]["outcome"], "not");
    assert_eq!(conditions[1]["outcome"], "not_reached");
    let values = conditions[0]["values"].as_object().unwrap();
    assert!(values.values().all(Value::is_null), "{values:?}");
}

#[test]
fn a_forbid_is_named_with_what_its_author_says_of_it() {
    let ended = explain(&["--path", "/orders/0"]);
    assert_eq!(ended.code, 3);
    assert!(
        ended
            .out
            .starts_with("deny: forbidden\n  by     order-0-is-nobodys\n"),
        "{}",
        ended.out
    );
    for said in [
        "@reason it is a test's",
        "@advice ask for another order",
        "applies",
    ] {
        assert!(ended.out.contains(said), "{}", ended.out);
    }
}

#[test]
fn a_permit_that_misses_by_one_part_of_its_scope_is_near() {
    let stranger = ["--caller", "spiffe://example.org/ns/shop/sa/cart"];
    let told = explained(&[&stranger[..], &["--path", "/orders/7"]].concat());
    assert_eq!(told["near"][0]["id"], "web-reads-orders");
    assert_eq!(told["near"][0]["part"], "principal");
    assert_eq!(
        told["near"][0]["demand"],
        "== Workload::\"spiffe://example.org/ns/shop/sa/web\""
    );
    let told = explained(&["--method", "PUT", "--path", "/orders/7"]);
    let parts: Vec<_> = told["near"]
        .as_array()
        .unwrap()
        .iter()
        .map(|near| near["part"].clone())
        .collect();
    assert_eq!(parts, ["action", "action"], "{told}");
    let told = explained(&["--path", "/carts/7"]);
    assert_eq!(told["near"][0]["part"], "resource");
    assert_eq!(
        told["near"][0]["demand"],
        "in Route::\"orders:/orders/{id}\""
    );
}

#[test]
fn a_request_with_two_readings_is_refused_as_a_door_refuses_it() {
    let told = explained(&["--path", "/orders/../orders/7"]);
    assert_eq!(told["decision"], "refused");
    assert_eq!(
        (&told["reason"], &told["status"]),
        (&"bad_path".into(), &400.into())
    );
    let twice = ["--header", "x-ticket:OPS-1", "--header", "x-ticket:OPS-2"];
    let told = explained(&[&["--method", "DELETE", "--path", "/orders/7"], &twice[..]].concat());
    assert_eq!(
        (&told["decision"], &told["reason"]),
        (&"deny".into(), &"ambiguous_header".into())
    );
    assert_eq!(found(&told, "web-deletes-by-ticket")["outcome"], "fails");
}

#[test]
fn a_connection_is_asked_about_as_such_and_a_group_can_be_assumed() {
    let ledger = ["--connect", "--service", "ledger"];
    assert_eq!(explained(&ledger)["reason"], "no_permit");
    let told = explained(&[&ledger[..], &["--group", "operators"]].concat());
    assert_eq!(told["decision"], "permit");
    assert_eq!(told["request"]["method"], "connect");
}

#[test]
fn what_cannot_be_understood_is_told_apart_from_a_no() {
    assert_eq!(explain(&[]).code, 2);
    assert_eq!(explain(&["--path", "/", "--connect"]).code, 2);
    assert_eq!(explain(&["--path", "/", "--header", "x"]).code, 2);
    assert_eq!(explain(&["--path", "/", "--at", "noon"]).code, 2);
    assert_eq!(explain(&["--path", "/", "--caller", "web"]).code, 2);
    let unknown = explain(&["--path", "/", "--service", "carts"]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.err.contains("ledger, orders"), "{}", unknown.err);
    let dir = shop();
    fs::write(
        dir.path().join("policy/orders.cedar"),
        "permit(principal, action, resource);",
    )
    .unwrap();
    let words = [
        "policy",
        "explain",
        "--config",
        "sidecar.yaml",
        "--path",
        "/",
        "--caller",
    ];
    let broken = portreeve(
        dir.path(),
        &[&words[..], &["spiffe://example.org/web"]].concat(),
    );
    assert_eq!(broken.code, 1);
    assert!(
        broken
            .err
            .contains("orders.cedar:1:1: error: it has no `@id"),
        "{}",
        broken.err
    );
}

const SIDECAR: &str = r#"
trust_domain: example.org
identity: { files: { certificate: svid.pem, key: key.pem, bundle: roots.pem } }
inbound: { listen: "127.0.0.1:0", service: orders, app: "127.0.0.1:1" }
tcp: { inbound: [{ listen: "127.0.0.1:0", service: ledger, app: "127.0.0.1:1" }] }
policy: { dir: policy, headers: [x-ticket], workload_groups: { operators: [] } }
audit: { stdout: true }
"#;

const POLICIES: &str = r#"@id("web-reads-orders") @owner("team-shop")
permit (principal == Workload::"spiffe://example.org/ns/shop/sa/web",
    action in Action::"read", resource in Route::"orders:/orders/{id}");

@id("order-0-is-nobodys") @reason("it is a test's") @advice("ask for another order")
forbid (principal, action in Action::"http", resource in Route::"orders:/orders/{id}")
when { context.params has id && context.params.id == "0" };

@id("web-deletes-by-ticket")
permit (principal == Workload::"spiffe://example.org/ns/shop/sa/web",
    action == Action::"DELETE", resource in Service::"orders")
when { context.headers has "x-ticket" && context.headers["x-ticket"] like "OPS-*" && context.utc.weekday <= 5 };

@id("operators-reach-the-ledger")
permit (principal in WorkloadGroup::"operators", action == Action::"connect", resource == Service::"ledger");
"#;
