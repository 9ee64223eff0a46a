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
    explain_in(shop().path(), words)
}

/// The same of what is in `dir`.
fn explain_in(dir: &Path, words: &[&str]) -> Ended {
    let command = ["policy", "explain", "--config", "sidecar.yaml"];
    let web = ["--caller", "spiffe://example.org/ns/shop/sa/web"];
    let caller: &[&str] = if words.contains(&"--caller") {
        &[]
    } else {
        &web
    };
    portreeve(dir, &[&command, caller, words].concat())
}

fn explained(words: &[&str]) -> Value {
    explained_in(shop().path(), words)
}

fn explained_in(dir: &Path, words: &[&str]) -> Value {
    let ended = explain_in(dir, &[words, &["--json"]].concat());
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
    @reason it is a test's
    @advice ask for another order
    when { context.params has id } holds
    when { context.params.id == \"0\" } does not hold
        context.params.id is \"7\"
";
    assert!(
        ended
            .out
            .contains("\n  on     orders:/orders/{id}\n  where  id is \"7\"\n"),
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
    let values = |at: usize| &conditions[at]["values"];
    assert_eq!(values(1)["context.headers[\"x-ticket\"]"], "\"none\"");
    assert_eq!(values(2)["context.utc.weekday"], "6");
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
fn what_a_condition_says_itself_is_not_told_as_read() {
    let dir = shop();
    let more = r#"@id("made") permit (principal, action == Action::"PUT", resource)
when { { path: context.path }.path == "/orders/7" };"#;
    fs::write(dir.path().join("policy/more.cedar"), more).unwrap();
    let told = explained_in(dir.path(), &["--method", "PUT", "--path", "/orders/7"]);
    let values = &found(&told, "made")["conditions"][0]["values"];
    let names: Vec<_> = values.as_object().unwrap().keys().collect();
    assert_eq!(names, ["context.path"]);
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
    let near: Vec<_> = told["near"]
        .as_array()
        .unwrap()
        .iter()
        .map(|near| (near["part"].as_str(), near["demand"].as_str()))
        .collect();
    let expected = ["GET, HEAD, OPTIONS", "DELETE"].map(|verbs| (Some("action"), Some(verbs)));
    assert_eq!(near, expected, "{told}");
    let told = explained(&["--path", "/carts/7"]);
    assert_eq!(told["near"][0]["part"], "resource");
    assert_eq!(
        told["near"][0]["demand"],
        "in Route::\"orders:/orders/{id}\""
    );
}

#[test]
fn what_forbids_or_is_only_watched_is_not_near() {
    let dir = shop();
    let more = r#"
@id("nobody-writes") forbid (principal, action == Action::"POST", resource);
@id("web-may-write") @shadow("since June") permit (principal, action == Action::"POST", resource);
"#;
    fs::write(dir.path().join("policy/more.cedar"), more).unwrap();
    let told = explained_in(dir.path(), &["--method", "PUT", "--path", "/orders/7"]);
    let near = told["near"].as_array().unwrap();
    let ids: Vec<_> = near.iter().map(|near| near["id"].as_str()).collect();
    let expected = ["web-reads-orders", "web-deletes-by-ticket"].map(Some);
    assert_eq!(ids, expected, "{told}");
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
    fs::write(dir.path().join("other.yaml"), "trust_domain: td\n").unwrap();
    let other = ["policy", "explain", "--config", "other.yaml", "--path", "/"];
    let other = portreeve(
        dir.path(),
        &[&other[..], &["--caller", "spiffe://td/x"]].concat(),
    );
    assert_eq!(other.code, 1);
    assert!(other.err.starts_with("other.yaml: "), "{}", other.err);
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

/// What `policy test` says to `cases` beside the policies, with the folder.
fn tested(cases: &str, words: &[&str]) -> (Ended, TempDir) {
    let dir = shop();
    fs::write(dir.path().join("policy/orders.test.yaml"), cases).unwrap();
    let command = ["policy", "test", "policy", "--config", "sidecar.yaml"];
    let ended = portreeve(dir.path(), &[&command, words].concat());
    (ended, dir)
}

#[test]
fn cases_that_are_answered_as_expected_pass_and_policies_without_one_are_named() {
    let (ended, _dir) = tested(CASES, &[]);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{}", ended.out);
    let expected = "\
no case applies operators-reach-the-ledger (orders.cedar:14)
5 of 5 cases as expected; 3 of 4 policies applied in some case
";
    assert_eq!(ended.out, expected);
    // The same is not enough where every policy must have its case.
    assert_eq!(tested(CASES, &["--every-policy"]).0.code, 3);
    let with = format!(
        "{CASES}  - {{ name: l, connect: true, service: ledger, groups: [operators], expect: allow }}\n"
    );
    let (ended, _dir) = tested(&with, &["--every-policy"]);
    assert_eq!(ended.code, 0, "{}", ended.out);
}

#[test]
fn a_case_that_is_not_answered_as_expected_says_what_was_and_why() {
    let cases = "
defaults: { caller: spiffe://example.org/ns/shop/sa/web }
cases:
  - { name: zero, path: /orders/0, expect: allow, by: web-reads-orders }
  - { name: by another, path: /orders/7, expect: allow, by: [order-0-is-nobodys] }
  - { name: for another reason, path: /carts, expect: deny, reason: forbidden }
  - { name: two readings, path: /a/../b, expect: deny }
  - { name: by nobody, path: /orders/7, expect: allow, by: gone }
";
    let (ended, dir) = tested(cases, &["--junit", "report.xml"]);
    assert_eq!(ended.code, 3);
    let first = "\
FAILED orders.test.yaml: zero
    expected permit by web-reads-orders
    got deny: forbidden by order-0-is-nobodys
";
    assert!(ended.out.starts_with(first), "{}", ended.out);
    for said in [
        "got permit by web-reads-orders",
        "expected deny: forbidden\n    got deny: no_permit",
        "got refused: bad_path",
        "cannot be asked: there is no policy `gone`",
        "0 of 5 cases as expected",
    ] {
        assert!(ended.out.contains(said), "{said}\n{}", ended.out);
    }
    let report = fs::read_to_string(dir.path().join("report.xml")).unwrap();
    let begun = "<testsuite name=\"orders.test.yaml\" tests=\"5\" failures=\"5\">";
    assert!(report.contains(begun), "{report}");
    let failure = "<testcase classname=\"orders.test.yaml\" name=\"zero\"><failure message=\"\
        expected permit by web-reads-orders, got deny: forbidden by order-0-is-nobodys\">";
    assert!(report.contains(failure), "{report}");
}

#[test]
fn a_file_of_cases_is_taken_whole_or_not_at_all() {
    let id = "spiffe://example.org/web";
    for (cases, complaint) in [
        ("cases: []", "cases: there is none"),
        (
            "cases: [{ name: a, expect: allow }]",
            "cases[0]: says nobody who asks",
        ),
        (
            &format!("cases: [{{ name: a, caller: \"{id}\", expect: allow }}]"),
            "cases[0]: must have exactly one of `path` and `connect: true`",
        ),
        (
            &format!("cases: [{{ name: a, caller: \"{id}\", path: /, expects: allow }}]"),
            "expects",
        ),
        (
            &format!("cases: [{{ name: a, caller: \"{id}\", path: /, expect: maybe }}]"),
            "cases[0].expect: must be one of",
        ),
        (
            "cases: [{ name: a, caller: web, path: /, expect: deny, at: noon }]",
            "cases[0].at: `noon`",
        ),
        (
            &format!(
                "cases: [{{ name: a, caller: \"{id}\", path: /, expect: allow, reason: forbidden }}]"
            ),
            "cases[0].reason: only a no has a reason",
        ),
        (
            &format!(
                "cases: [{{ name: a, caller: \"{id}\", connect: true, method: GET, expect: allow }}]"
            ),
            "cases[0]: a connection has no `method`",
        ),
    ] {
        let (ended, _dir) = tested(cases, &[]);
        assert_eq!(ended.code, 1, "{cases}\n{}", ended.out);
        assert!(ended.err.contains(complaint), "{complaint}\n{}", ended.err);
        assert!(ended.err.contains("orders.test.yaml: "), "{}", ended.err);
    }
    let none = portreeve(
        shop().path(),
        &["policy", "test", "policy", "--config", "sidecar.yaml"],
    );
    assert_eq!(none.code, 1);
    assert!(
        none.err.contains("there is no `*.test.yaml` in it"),
        "{}",
        none.err
    );
}

#[test]
fn without_a_configuration_services_and_groups_are_what_policies_name() {
    let dir = tempfile::tempdir().unwrap();
    let policy = "@id(\"a\") permit (principal in WorkloadGroup::\"g\", action, resource in Route::\"s:/a/{id}\");";
    fs::write(dir.path().join("a.cedar"), policy).unwrap();
    let cases = "cases: [{ name: a, caller: spiffe://td/x, path: /a/1, groups: [g], expect: allow, by: a }]";
    fs::write(dir.path().join("a.test.yaml"), cases).unwrap();
    let ended = portreeve(dir.path(), &["policy", "test", ".", "--every-policy"]);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
}

#[test]
fn the_folder_of_an_authority_is_tested_with_the_words_that_it_gives_out() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    write(
        "a.cedar",
        "@id(\"a\") permit (principal in WorkloadGroup::\"of-entries\", action in Action::\"http\", resource in RouteGroup::\"api\")
            when { context.headers has \"x-a\" };",
    );
    write(
        "a.test.yaml",
        "cases: [{ name: a, caller: spiffe://td/x, path: /a, headers: { x-a: b }, groups: [of-entries], expect: allow, by: a }]",
    );
    let head = "trust_domain: td\nlisten: 127.0.0.1:0\nstore: { sqlite: a.db }\nsealing_key_file: key\naudit: { stdout: true }\n";
    let words = "policy: { dir: ., headers: [x-a], services: { s: { routes: [{ path: /a, groups: [api] }] } } }\n";
    let test = || {
        portreeve(
            dir.path(),
            &["policy", "test", ".", "--authority", "authority.yaml"],
        )
    };
    write("authority.yaml", &format!("{head}{words}"));
    let ended = test();
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    write("authority.yaml", head);
    let ended = test();
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("no `policy` section"), "{}", ended.err);
    write("authority.yaml", "trust_domain: td\n");
    let ended = test();
    assert_eq!(ended.code, 1);
    assert!(ended.err.starts_with("authority.yaml: "), "{}", ended.err);
}

#[test]
fn editors_get_a_schema_for_cases() {
    let ended = portreeve(shop().path(), &["schema", "--policy-tests"]);
    let schema: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(schema["required"][0], "cases");
}

/// Imports a policy of Istio's that says `spec`.
fn import_istio(spec: &str, more: &[&str]) -> Ended {
    let dir = tempfile::tempdir().unwrap();
    let head = "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: { name: a, namespace: shop }\n";
    fs::write(
        dir.path().join("istio.yaml"),
        format!("{head}spec: {spec}\n"),
    )
    .unwrap();
    let words = [
        "policy",
        "import",
        "istio",
        "istio.yaml",
        "--service",
        "orders",
        "--namespace",
        "shop",
        "--trust-domain",
        "td",
    ];
    portreeve(dir.path(), &[&words[..], more].concat())
}

#[test]
fn policies_of_istio_are_printed_as_cedar_or_refused_whole() {
    let ended = import_istio(
        "{ rules: [{ when: [{ key: \"request.headers[x-a]\", values: [b] }] }] }",
        &[],
    );
    let expected = r#"// Declare `policy.headers: [x-a]`.

@id("istio/shop/a/0")
permit (principal is Workload, action in Action::"http", resource in Service::"orders")
when { (context.headers has "x-a" && context.headers["x-a"] == "b") };
"#;
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (0, expected),
        "{}",
        ended.err
    );
    let ended = import_istio(ON_PORT_80, &[]);
    assert_eq!((ended.code, ended.out.as_str()), (1, ""));
    assert_eq!(
        ended.err,
        "istio.yaml:4: a port: say which the application has (`--port 8080`), that of its container\n"
    );
}

#[test]
fn the_port_of_the_application_decides_which_rules_are_translated() {
    let ended = import_istio(ON_PORT_80, &["--port", "80"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let permit = "\npermit (principal is Workload, ";
    assert!(ended.out.contains(permit), "{}", ended.out);
    let ended = import_istio(ON_PORT_80, &["--port", "8080"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let left_out = "// istio/shop/a/0 is about other ports.\n";
    assert!(
        ended.out.contains(left_out) && !ended.out.contains(permit),
        "{}",
        ended.out
    );
    assert_eq!(import_istio(ON_PORT_80, &["--port", "0"]).code, 2);
}

const ON_PORT_80: &str = "{ rules: [{ to: [{ operation: { ports: [\"80\"] } }] }] }";

#[test]
fn policies_of_pomerium_are_printed_as_cedar_or_refused_whole() {
    let dir = tempfile::tempdir().unwrap();
    let import = |text: &str| {
        fs::write(dir.path().join("ppl.yaml"), text).unwrap();
        let words = ["policy", "import", "pomerium", "ppl.yaml"];
        portreeve(dir.path(), &[&words[..], &["--service", "orders"]].concat())
    };
    let rule = |timezone: &str| {
        format!("allow:\n  or:\n    - time_of_day: {{ timezone: {timezone}, before: 9AM }}\n")
    };
    let ended = import(&rule("Europe/Vienna"));
    let expected = r#"// Declare `policy.time_zones: { europe_vienna: Europe/Vienna }`.

@id("pomerium/orders/0/or")
permit (principal, action in Action::"http", resource in Service::"orders")
when { context.europe_vienna.minuteOfDay < 540 };
"#;
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (0, expected),
        "{}",
        ended.err
    );
    let ended = import(&rule("Nowhere"));
    assert_eq!((ended.code, ended.out.as_str()), (1, ""));
    assert_eq!(
        ended.err,
        "ppl.yaml:3: `Nowhere` is not an IANA time zone\n"
    );
}

#[test]
fn signals_tls_and_a_query_can_be_described() {
    let dir = shop();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    let declared = "signals: { risk: long }, signals_file: signals.yaml, workload_groups:";
    write(
        "sidecar.yaml",
        &SIDECAR.replace("workload_groups:", declared),
    );
    write(
        "signals.yaml",
        "spiffe://example.org/ns/shop/sa/web: { risk: 9 }",
    );
    write("policy/careful.cedar", CAREFUL);
    let ask = |words: &[&str]| {
        let caller = "spiffe://example.org/ns/shop/sa/web";
        let command = [
            "policy",
            "explain",
            "--config",
            "sidecar.yaml",
            "--caller",
            caller,
        ];
        portreeve(dir.path(), &[&command, words].concat())
    };
    for (words, code, told) in DESCRIBED {
        let ended = ask(words);
        let shown = format!("{words:?} {}{}", ended.out, ended.err);
        assert_eq!(ended.code, *code, "{shown}");
        assert!(shown.contains(told), "{shown}");
    }
    write("policy/careful.test.yaml", CAREFUL_CASES);
    let test = ["policy", "test", "policy", "--config", "sidecar.yaml"];
    let ended = portreeve(dir.path(), &test);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
}

#[test]
fn people_can_be_described() {
    let dir = shop();
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    let declared = "claims: { level: long, team: strings }, signals: { risk: long }, signals_file: signals.yaml, workload_groups:";
    write(
        "sidecar.yaml",
        &SIDECAR.replace("workload_groups:", declared),
    );
    write("signals.yaml", "corp/gus: { risk: 1 }");
    write("policy/people.cedar", PEOPLE);
    let command = ["policy", "explain", "--config", "sidecar.yaml"];
    for (words, code, told) in PEOPLE_DESCRIBED {
        let ended = portreeve(dir.path(), &[&command, *words].concat());
        let shown = format!("{words:?} {}{}", ended.out, ended.err);
        assert_eq!(ended.code, *code, "{shown}");
        assert!(shown.contains(told), "{shown}");
    }
    let stale = [
        "--user",
        "corp/alice",
        "--group",
        "sre",
        "--auth-age",
        "901",
    ];
    let json = [&command[..], &stale, &["--path", "/keys", "--json"]].concat();
    let told: Value = serde_json::from_str(&portreeve(dir.path(), &json).out).unwrap();
    assert_eq!(told["request"]["caller"], "corp/alice");
    assert_eq!(told["wants_sign_in"], true);
    write("policy/people.test.yaml", PEOPLE_CASES);
    let test = ["policy", "test", "policy", "--config", "sidecar.yaml"];
    let ended = portreeve(dir.path(), &test);
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
}

#[test]
fn a_case_is_of_one_caller() {
    for (keys, why) in [
        ("", "cases[0]: says nobody who asks"),
        (
            "caller: spiffe://td/a, anonymous: true",
            "cases[0]: must have no more than one",
        ),
        (
            "user: { id: corp/a }, anonymous: true",
            "cases[0]: must have no more than one",
        ),
        (
            "user: { id: corp }",
            "cases[0].user.id: \"corp\": it is not `<provider>/<subject>`",
        ),
        (
            "user: { id: Corp/a }",
            "cases[0].user.id: \"Corp/a\": a provider's name",
        ),
        ("user: { id: corp/a, emial: a }", "emial"),
        ("user: { id: corp/a, auth_age: -1 }", "auth_age"),
    ] {
        let text = format!("cases: [{{ name: a, path: /, expect: deny, {keys} }}]");
        let mistakes = portreeve::rehearsal::Case::parse(&text).unwrap_err();
        let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|one| one.contains(why)), "{why} {told:?}");
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_cases_or_mistakes(text in "(cases|defaults|[ :{}\\[\\],/a-z\n\"-]{0,12}){0,12}") {
        if let Err(mistakes) = portreeve::rehearsal::Case::parse(&text) {
            proptest::prop_assert!(!mistakes.is_empty());
        }
    }
}

const CASES: &str = r#"
defaults: { caller: spiffe://example.org/ns/shop/sa/web, service: orders }
cases:
  - name: web reads an order
    path: /orders/7?verbose
    expect: allow
    by: web-reads-orders
  - name: nobody reads order 0
    path: /orders/0
    expect: deny
    reason: forbidden
    by: [order-0-is-nobodys]
  - name: web deletes with a ticket, on a working day
    method: DELETE
    path: /orders/7
    headers: { X-Ticket: OPS-7 }
    expect: allow
  - name: nobody deletes on a Sunday
    method: DELETE
    path: /orders/7
    headers: { X-Ticket: OPS-7 }
    at: 2026-11-29T12:00:00+01:00
    expect: deny
    reason: no_permit
  - { name: a path with two readings, path: /orders/..%2f7, expect: refuse, reason: bad_path }
"#;

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
permit (principal in WorkloadGroup::"operators", action == Action::"connect", resource in Service::"ledger");
"#;

const CAREFUL: &str = r#"
@id("careful")
forbid (principal, action in Action::"http", resource in Route::"orders:/orders/{id}")
unless {
    context has tls && context.tls.group == "X25519MLKEM768"
    && context.signals has risk && context.signals.risk < 5
    && !context.query.contains("debug")
};
"#;

const CAREFUL_CASES: &str = r#"
defaults: { caller: spiffe://example.org/ns/shop/sa/web, service: orders, signals: { risk: 1 } }
cases:
  - { name: all is well, path: /orders/7, expect: allow }
  - { name: too risky, path: /orders/7, signals: { risk: 5 }, expect: deny, by: careful }
  - { name: in an old way, path: /orders/7, tls: group=X25519, expect: deny, by: careful }
  - { name: debugging, path: "/orders/7?debug", expect: deny, by: careful }
"#;

/// The words of a description, the exit code, and something of the answer.
const DESCRIBED: &[(&[&str], i32, &str)] = &[
    (&["--path", "/orders/7"], 3, "by     careful"),
    (
        &["--path", "/orders/7", "--signal", "risk=1"],
        0,
        "by     web-reads-orders",
    ),
    (
        &["--path", "/orders/7?debug=1", "--signal", "risk=1"],
        3,
        "by     careful",
    ),
    (
        &["--path", "/orders/7?a;b", "--signal", "risk=1"],
        3,
        "ambiguous_query",
    ),
    (
        &["--path", "/orders/7", "--signal", "risk=1", "--tls", "none"],
        3,
        "by     careful",
    ),
    (
        &[
            "--path",
            "/orders/7",
            "--signal",
            "risk=1",
            "--tls",
            "group=X25519",
        ],
        3,
        "by     careful",
    ),
    (
        &["--path", "/orders/7", "--signal", "risk=high"],
        1,
        "`risk` must be a whole number",
    ),
    (
        &["--path", "/orders/7", "--signal", "rsik=1"],
        1,
        "`rsik` is not declared",
    ),
    (
        &["--path", "/orders/7", "--tls", "x"],
        2,
        "is neither `none` nor one of",
    ),
];

const PEOPLE: &str = r#"
@id("sre-keys")
permit (principal in Group::"corp/sre", action, resource in Route::"orders:/keys")
when { context has authAge && context.authAge <= 900 };

@id("public")
permit (principal, action in Action::"http", resource in Route::"orders:/public");

@id("seniors")
permit (principal is User, action in Action::"http", resource in Route::"orders:/senior")
when {
    principal.claims has level && principal.claims.level > 2
    && principal has email && principal.emailVerified && principal.email like "*@corp.example"
};

@id("not-who-is-risky")
forbid (principal is User, action, resource)
when { principal.roles.contains("guest") || principal.amr.contains("sms") }
unless { context.signals has risk && context.signals.risk < 5 };
"#;

const PEOPLE_CASES: &str = r#"
defaults: { user: { id: corp/alice, groups: [sre], auth_age: 60 }, service: orders }
cases:
  - { name: a recent sign-in, path: /keys, expect: allow, by: sre-keys }
  - { name: an old one, path: /keys, user: { id: corp/alice, groups: [sre], auth_age: 901 }, expect: deny }
  - { name: none that is known of, path: /keys, user: { id: corp/alice, groups: [sre] }, expect: deny }
  - { name: nobody, path: /keys, anonymous: true, expect: deny, reason: no_permit }
  - { name: nobody sees what is public, path: /public, anonymous: true, expect: allow, by: public }
  - { name: a workload, path: /keys, caller: "spiffe://example.org/a", expect: deny }
  - name: a senior
    path: /senior
    user: { id: corp/bob, email: bob@corp.example, claims: { level: 3 } }
    expect: allow
  - name: an address that is not verified
    path: /senior
    user: { id: corp/bob, email: bob@corp.example, email_verified: false, claims: { level: 3 } }
    expect: deny
  - { name: a guest, path: /public, user: { id: corp/eve, roles: [guest] }, expect: deny, by: not-who-is-risky }
  - name: a guest of whom good is said
    path: /public
    user: { id: corp/eve, roles: [guest] }
    signals: { risk: 1 }
    expect: allow
"#;

/// The words of a description, the exit code, and something of the answer.
const PEOPLE_DESCRIBED: &[(&[&str], i32, &str)] = &[
    (
        &[
            "--user",
            "corp/alice",
            "--group",
            "sre",
            "--auth-age",
            "60",
            "--path",
            "/keys",
        ],
        0,
        "by     sre-keys\n  caller corp/alice\n  in     Group::\"corp/sre\"\n",
    ),
    (
        &[
            "--user",
            "corp/alice",
            "--group",
            "sre",
            "--auth-age",
            "901",
            "--path",
            "/keys",
        ],
        3,
        "  but    would be let in after signing in anew\n",
    ),
    (
        &[
            "--user",
            "corp/alice",
            "--auth-age",
            "901",
            "--path",
            "/keys",
        ],
        3,
        "deny: no_permit\n  caller corp/alice\n  asks",
    ),
    (
        &["--anonymous", "--path", "/public"],
        0,
        "caller anonymous\n",
    ),
    (
        &[
            "--user",
            "corp/bob",
            "--email",
            "bob@corp.example",
            "--claim",
            "level=3",
            "--path",
            "/senior",
        ],
        0,
        "by     seniors",
    ),
    (
        &[
            "--user",
            "corp/bob",
            "--email",
            "bob@corp.example",
            "--email-verified",
            "false",
            "--claim",
            "level=3",
            "--path",
            "/senior",
        ],
        3,
        "no_permit",
    ),
    (
        &["--user", "corp/eve", "--amr", "sms", "--path", "/public"],
        3,
        "by     not-who-is-risky",
    ),
    (
        &[
            "--user", "corp/eve", "--amr", "sms", "--signal", "risk=1", "--path", "/public",
        ],
        0,
        "by     public",
    ),
    (
        &["--user", "corp/gus", "--role", "guest", "--path", "/public"],
        0,
        "by     public",
    ),
    (
        &["--user", "corp/bob", "--claim", "level=high", "--path", "/"],
        1,
        "`level` must be a whole number",
    ),
    (
        &["--user", "corp/bob", "--claim", "levle=1", "--path", "/"],
        1,
        "the claim `levle` is not declared",
    ),
    (
        &["--anonymous", "--group", "sre", "--path", "/"],
        1,
        "is in no group",
    ),
    (
        &["--anonymous", "--email", "a@b", "--path", "/"],
        1,
        "only of a `--user`",
    ),
    (
        &["--user", "corp", "--path", "/"],
        2,
        "it is not `<provider>/<subject>`",
    ),
    (
        &["--user", "corp/a", "--anonymous", "--path", "/"],
        2,
        "cannot be used with",
    ),
    (&["--path", "/"], 2, "--caller"),
];
