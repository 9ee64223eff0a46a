//! The metrics, after a story whose every step is known.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::caller::Caller;
use crate::pair::Pair;
use crate::stage::Sidecar;
use crate::stage::Stage;
use crate::strangers;
use crate::trial::Trial;
use crate::trial::served;

#[test]
fn each_request_is_counted_once_at_each_door_with_its_outcome() {
    let pair = Pair::new("limits: { response_timeout_ms: 300 }");
    let mut caller = pair.call();
    let mut call = None;
    for _ in 0..3 {
        caller.send("GET /a HTTP/1.1\r\nhost: orders\r\n\r\n");
        served(call.get_or_insert_with(|| pair.application.call()));
        assert_eq!(caller.answer().text(), "ok");
    }
    caller.send("GET /admin HTTP/1.1\r\nhost: orders\r\n\r\n");
    assert_eq!(caller.answer().status(), 403);
    caller.send("GET /silent HTTP/1.1\r\nhost: orders\r\n\r\n");
    // Whichever sidecar gives up first, the caller is told the same.
    assert_eq!(caller.answer().status(), 504);
    caller.send("GET //a HTTP/1.1\r\nhost: orders\r\n\r\n");
    assert_eq!(caller.answer().status(), 400);
    caller.hang_up();
    for sidecar in [&pair.web, &pair.orders] {
        for _ in 0..4 {
            sidecar.records.next();
        }
    }
    pair.web.records.next();
    pair.web.records.next();
    pair.web.shows("portreeve_connections{door=\"outbound\"} 0");

    let requests = series(&pair.web, "portreeve_requests_total");
    let expected = [
        ("deny", "403", 1),
        ("permit", "200", 3),
        ("permit", "504", 1),
        ("refused", "400", 1),
    ];
    assert_eq!(requests, by_outcome("outbound", &expected));
    let requests = series(&pair.orders, "portreeve_requests_total");
    let permitted: u64 = requests.values().sum();
    assert_eq!(permitted, 4, "{requests:?}");
    assert_eq!(requests[&label("inbound", "permit", "200")], 3);

    let handshakes = |sidecar| series(sidecar, "portreeve_handshakes_total");
    assert_eq!(
        handshakes(&pair.web),
        BTreeMap::from([("{door=\"outbound\",result=\"ok\"}".to_owned(), 1)])
    );
    assert_eq!(
        handshakes(&pair.orders),
        BTreeMap::from([("{door=\"inbound\",result=\"ok\"}".to_owned(), 1)])
    );
    let durations = series(&pair.web, "portreeve_request_duration_seconds_count");
    assert_eq!(
        durations,
        BTreeMap::from([("{door=\"outbound\",service=\"orders\"}".to_owned(), 6)])
    );
    pair.web.shows("portreeve_streams{door=\"outbound\"} 0");
    pair.web.shows("portreeve_audit_records_total 6");
    pair.web.shows("portreeve_audit_queue_records 0");
}

#[test]
fn each_handshake_is_counted_with_its_result() {
    let trial = Trial::new("");
    let door = trial.orders.inbound();
    let impostor = Stage::new().svid("web", HOUR);
    let shown = |name: &str| Some(trial.stage.svid(name, HOUR));
    let strangers = [
        ("no_certificate", strangers::client(None, &[b"h2"])),
        ("no_alpn", strangers::client(shown("web"), &[])),
        ("other_alpn", strangers::client(shown("web"), &[b"spdy/3"])),
        (
            "bad_certificate:unknown_issuer",
            strangers::client(Some(impostor), &[b"h2"]),
        ),
    ];
    for (result, config) in strangers {
        let mut caller = Caller::secure(door, config);
        let _either = caller.try_send("GET /a HTTP/1.1\r\nhost: orders\r\n\r\n");
        caller.rest();
        let record = trial.orders.records.next();
        assert_eq!(
            record.says(["decision", "reason", "caller", "status"]),
            format!("refused {result}  ")
        );
    }
    let mut caller = Caller::plain(door);
    caller.send("GET /a HTTP/1.1\r\nhost: orders\r\n\r\n");
    caller.rest();
    assert_eq!(trial.orders.records.next().text("reason"), "not_tls");
    trial.application.was_not_called();

    let mut caller = trial.call();
    caller.send("GET /a HTTP/1.1\r\nhost: orders\r\n\r\n");
    served(&mut trial.application.call());
    assert_eq!(caller.answer().text(), "ok");
    let expected = [
        "bad_certificate:unknown_issuer",
        "no_alpn",
        "no_certificate",
        "not_tls",
        "ok",
        "other_alpn",
    ]
    .map(|result| (format!("{{door=\"inbound\",result=\"{result}\"}}"), 1));
    assert_eq!(
        series(&trial.orders, "portreeve_handshakes_total"),
        BTreeMap::from(expected)
    );
}

#[test]
fn no_caller_can_make_a_series_of_its_own() {
    let trial = Trial::new("");
    let mut caller = trial.call();
    let count = |trial: &Trial| trial.orders.window("/metrics").lines().count();
    let mut before = None;
    for nth in 0..50 {
        caller.send(format!(
            "M{} /admin/{nth}?{nth} HTTP/1.1\r\nhost: host{nth}.orders\r\nx-{nth}: {nth}\r\n\r\n",
            "A".repeat(nth % 20)
        ));
        assert_eq!(caller.answer().status(), 403);
        trial.orders.records.next();
        let lines = count(&trial);
        assert_eq!(lines, *before.get_or_insert(lines), "after request {nth}");
    }
    let metrics = trial.orders.window("/metrics");
    for word in ["admin", "host4", "spiffe", "127.0.0.1"] {
        assert!(!metrics.contains(word), "{word}");
    }
}

/// The series of `name` by their labels.
fn series(sidecar: &Sidecar, name: &str) -> BTreeMap<String, u64> {
    let metrics = sidecar.window("/metrics");
    let lines = metrics.lines().filter_map(|line| line.strip_prefix(name));
    lines
        .map(|line| {
            let (labels, count) = line.rsplit_once(' ').unwrap();
            (labels.to_owned(), count.parse().unwrap())
        })
        .collect()
}

fn by_outcome(door: &str, outcomes: &[(&str, &str, u64)]) -> BTreeMap<String, u64> {
    let outcomes = outcomes.iter();
    outcomes
        .map(|(decision, code, count)| (label(door, decision, code), *count))
        .collect()
}

fn label(door: &str, decision: &str, code: &str) -> String {
    format!("{{door=\"{door}\",service=\"orders\",decision=\"{decision}\",code=\"{code}\"}}")
}

const HOUR: Duration = Duration::from_secs(3600);
