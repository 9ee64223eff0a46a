//! Requests that other sites make in somebody's name.

use crate::edge::Edge;

#[test]
pub(crate) fn what_changes_something_must_come_from_its_own_origin() {
    let edge = Edge::new();
    let cookie = format!("cookie: {}", edge.alice);
    let upgrade = ["connection: upgrade", "upgrade: websocket"];
    let foreign = [
        "origin: https://evil.example",
        "origin: https://apps.example.evil.example",
        "origin: http://apps.example",
        "origin: https://apps.example:8443",
        "origin: null",
        "sec-fetch-site: cross-site",
        "sec-fetch-site: same-site",
    ];
    for origin in foreign {
        for (first, more) in [
            ("POST /a", &["content-length: 0"][..]),
            ("DELETE /a", &[]),
            ("GET /ws", &upgrade),
        ] {
            let lines: Vec<&str> = [cookie.as_str(), origin]
                .into_iter()
                .chain(more.iter().copied())
                .collect();
            let answer = edge.ask(first, &lines);
            assert_eq!(
                (answer.status(), answer.reason().as_str()),
                (403, "cross_origin"),
                "{first} {origin}"
            );
            let record = edge.door.records.next();
            assert_eq!(
                record.says(["caller", "decision", "reason"]),
                "corp/alice refused cross_origin"
            );
        }
        edge.application.was_not_called();
        // A link from elsewhere may be followed.
        edge.passes("GET /a", &[&cookie, origin]);
        edge.door.records.next();
    }
    for own in [
        "origin: https://apps.example",
        "sec-fetch-site: same-origin",
        "sec-fetch-site: none",
    ] {
        edge.passes("POST /a", &[&cookie, own, "content-length: 0"]);
    }
    // Who is nobody has nothing that could be misused.
    let answer = edge.ask(
        "POST /a",
        &["origin: https://evil.example", "content-length: 0"],
    );
    assert_eq!(answer.status(), 401);
}
