//! What operators say of callers, for a while.

use std::time::Duration;

use crate::edge::Edge;
use crate::edge::in_flight::begun;
use crate::edge::operators::portreeve;
use crate::edge::request;

const RISK: &str = r#"
@id("calm") permit (principal is User, action, resource in Service::"web")
unless { context.signals has risk && context.signals.risk > 5 };
"#;

fn say(edge: &Edge, words: &[&str]) {
    let (code, printed, complaints) = portreeve(edge, words);
    assert_eq!((code, printed.as_str()), (0, ""), "{complaints}");
}

#[test]
fn a_stream_is_cut_when_something_is_said_of_its_person_and_others_go_on() {
    let edge = Edge::with_policy(RISK);
    let (mut lost, mut lost_call) = begun(&edge, &edge.alice);
    let (mut kept, mut kept_call) = begun(&edge, &edge.mallory);
    let words = [
        "signal",
        "set",
        "risk",
        "9",
        "--of",
        "corp/alice",
        "--for",
        "10m",
    ];
    say(&edge, &words);
    assert_eq!(lost.rest(), "");
    assert_eq!(lost_call.rest(), "");
    let records = [edge.door.records.next(), edge.door.records.next()];
    let order = records
        .iter()
        .find(|one| !one.text("event").is_empty())
        .unwrap();
    let said = order.says(["event", "decision", "signal", "value", "of", "for_s"]);
    assert_eq!(said, "signal_set permit risk 9 corp/alice 600");
    let cut = records
        .iter()
        .find(|one| !one.text("path").is_empty())
        .unwrap();
    assert_eq!(
        cut.says(["caller", "reason"]),
        "corp/alice permit_withdrawn"
    );
    let alice = format!("cookie: {}", edge.alice);
    assert_eq!(edge.ask("GET /a", &[&alice]).status(), 403);
    kept_call.send("3\r\ntwo\r\n0\r\n\r\n");
    assert_eq!(kept.until("0\r\n\r\n"), "3\r\ntwo\r\n0\r\n\r\n");
    let (code, printed, _) = portreeve(&edge, &["signal", "list"]);
    assert_eq!(code, 0);
    assert!(
        printed.starts_with("risk  9  of corp/alice  until "),
        "{printed}"
    );
    // Its time is over, by the clock in use.
    edge.stage.calendar.pass(Duration::from_secs(600));
    let mut browser = edge.browser();
    browser.send(request("GET /b", &[&alice]));
    // The application's connection is free for the next.
    assert!(kept_call.head().starts_with("GET /b "));
    kept_call.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert_eq!(browser.answer().text(), "ok");
    let (code, printed, _) = portreeve(&edge, &["signal", "list"]);
    assert_eq!((code, printed.as_str()), (0, ""));
}

#[test]
fn what_is_said_lies_over_the_file_until_it_is_cleared() {
    let edge = Edge::with_policy(RISK);
    let alice = format!("cookie: {}", edge.alice);
    for risk in ["9", "1"] {
        say(
            &edge,
            &[
                "signal",
                "set",
                "risk",
                risk,
                "--of",
                "corp/alice",
                "--for",
                "1h",
            ],
        );
        match risk {
            "9" => assert_eq!(edge.ask("GET /a", &[&alice]).status(), 403),
            _ => drop(edge.passes("GET /a", &[&alice])),
        }
    }
    say(
        &edge,
        &[
            "signal",
            "set",
            "risk",
            "9",
            "--of",
            "corp/alice",
            "--for",
            "1h",
        ],
    );
    assert_eq!(edge.ask("GET /a", &[&alice]).status(), 403);
    say(&edge, &["signal", "clear", "risk", "--of", "corp/alice"]);
    edge.passes("GET /a", &[&alice]);
}

#[test]
fn what_cannot_be_said_is_refused_with_what_to_do() {
    let edge = Edge::with_policy(RISK);
    for (words, code, why) in [
        (
            "set riks 9 --of corp/alice --for 10m",
            1,
            "`riks` is not declared",
        ),
        (
            "set risk high --of corp/alice --for 10m",
            1,
            "it must be a whole number",
        ),
        (
            "set risk 9 --of alice --for 10m",
            1,
            "is neither a SPIFFE ID nor",
        ),
        (
            "set risk 9 --of corp/alice --for 169h",
            1,
            "set it anew in time",
        ),
        (
            "set risk 9 --of corp/alice --for 0s",
            1,
            "1 second to 7 days",
        ),
        (
            "set risk 9 --of corp/alice --for soon",
            2,
            "write it as 90s, 10m",
        ),
        ("set risk 9 --of corp/alice", 2, "--for"),
        (
            "clear risk --of corp/alice",
            1,
            "`risk` is not set of `corp/alice`",
        ),
    ] {
        let all: Vec<&str> = ["signal"].into_iter().chain(words.split(' ')).collect();
        let (ended, printed, complaints) = portreeve(&edge, &all);
        assert_eq!((ended, printed.as_str()), (code, ""), "{words}");
        assert!(complaints.contains(why), "{words}: {complaints}");
    }
    let (code, printed, _) = portreeve(&edge, &["signal", "list"]);
    assert_eq!((code, printed.as_str()), (0, ""));
    edge.passes("GET /a", &[&format!("cookie: {}", edge.alice)]);
}
