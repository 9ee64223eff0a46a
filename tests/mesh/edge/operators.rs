//! What operators order over the sidecar's socket.

use std::process::Command;

use serde_json::Value;

use crate::edge::Edge;
use crate::edge::in_flight::BOTH;
use crate::edge::in_flight::begun;

/// What `portreeve` says to these words about the edge's socket: its exit code,
/// and what it prints and complains about.
pub(super) fn portreeve(edge: &Edge, words: &[&str]) -> (i32, String, String) {
    let socket = edge.stage.log_of("edge").with_file_name("admin.sock");
    let ended = Command::new(env!("CARGO_BIN_EXE_portreeve"))
        .args(words)
        .arg("--socket")
        .arg(socket)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let code = ended.status.code().unwrap();
    (code, text(ended.stdout), text(ended.stderr))
}

/// The handle of the one session that `user` has.
fn handle_of(edge: &Edge, user: &str) -> String {
    let words = ["session", "list", "--json", "--user", user];
    let (code, printed, complaints) = portreeve(edge, &words);
    assert_eq!(code, 0, "{complaints}");
    let sessions: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(sessions.as_array().unwrap().len(), 1, "{printed}");
    sessions[0]["handle"].as_str().unwrap().to_owned()
}

#[test]
fn who_is_in_is_listed_without_what_lets_anybody_in() {
    let edge = Edge::with_policy(BOTH);
    let (code, printed, _) = portreeve(&edge, &["session", "list"]);
    assert_eq!(code, 0);
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.len(), 2, "{printed}");
    for user in ["corp/alice", "corp/mallory"] {
        let line = lines.iter().find(|line| line.contains(user)).unwrap();
        assert!(line.contains("  at apps.example  since "), "{line}");
        assert!(line.starts_with(&handle_of(&edge, user)), "{line}");
    }
    for cookie in [&edge.alice, &edge.mallory] {
        let (_, secret) = cookie.split_once('=').unwrap();
        assert!(!printed.contains(secret));
    }
}

#[test]
fn a_stream_is_cut_when_an_operator_ends_its_session_and_others_go_on() {
    let edge = Edge::with_policy(BOTH);
    let (mut lost, mut lost_call) = begun(&edge, &edge.alice);
    let (mut kept, mut kept_call) = begun(&edge, &edge.mallory);
    let handle = handle_of(&edge, "corp/alice");
    let (code, printed, complaints) = portreeve(&edge, &["session", "revoke", &handle]);
    assert_eq!(
        (code, printed.trim_end()),
        (0, handle.as_str()),
        "{complaints}"
    );
    assert_eq!(lost.rest(), "");
    assert_eq!(lost_call.rest(), "");
    let records = [edge.door.records.next(), edge.door.records.next()];
    let order = records
        .iter()
        .find(|one| !one.text("event").is_empty())
        .unwrap();
    let said = order.says(["event", "decision", "session", "ended"]);
    assert_eq!(said, format!("session_revoke permit {handle} 1"));
    assert!(order.text("operator").starts_with("uid:"));
    let cut = records
        .iter()
        .find(|one| !one.text("path").is_empty())
        .unwrap();
    let said = cut.says(["caller", "session", "reason", "withdrawn_reason"]);
    assert_eq!(
        said,
        format!("corp/alice {handle} permit_withdrawn session_revoked")
    );
    let cookie = format!("cookie: {}", edge.alice);
    assert_eq!(edge.ask("GET /a", &[&cookie]).status(), 401);
    kept_call.send("3\r\ntwo\r\n0\r\n\r\n");
    assert_eq!(kept.until("0\r\n\r\n"), "3\r\ntwo\r\n0\r\n\r\n");
    let cookie = format!("cookie: {}", edge.mallory);
    let told = edge.ask("GET /.portreeve/", &[&cookie]);
    assert!(told.text().contains("corp/mallory"), "{}", told.text());
}

#[test]
fn sessions_of_a_person_or_of_all_end_at_once() {
    let edge = Edge::with_policy(BOTH);
    let alice = format!("cookie: {}", edge.alice);
    let mallory = format!("cookie: {}", edge.mallory);
    let words = ["session", "revoke", "--user", "corp/alice"];
    let (code, printed, complaints) = portreeve(&edge, &words);
    assert_eq!((code, printed.lines().count()), (0, 1), "{complaints}");
    assert_eq!(edge.ask("GET /a", &[&alice]).status(), 401);
    edge.passes("GET /b", &[&mallory]);
    let (code, printed, complaints) = portreeve(&edge, &["session", "revoke", "--all"]);
    assert_eq!((code, printed.lines().count()), (0, 1), "{complaints}");
    assert_eq!(edge.ask("GET /b", &[&mallory]).status(), 401);
    let (code, printed, _) = portreeve(&edge, &["session", "list"]);
    assert_eq!((code, printed.as_str()), (0, ""));
}

#[test]
fn an_order_that_means_nobody_says_what_is_wrong() {
    let edge = Edge::with_policy(BOTH);
    for (words, code, why) in [
        (&["session", "revoke"][..], 2, "required"),
        (
            &["session", "revoke", "x", "--all"],
            2,
            "cannot be used with",
        ),
        (
            &["session", "revoke", "x"],
            1,
            "`x` is not a session's handle",
        ),
        (
            &["session", "revoke", "AAAAAAAAAAAA"],
            1,
            "no session `AAAAAAAAAAAA` is in force",
        ),
        (
            &["session", "revoke", "--user", "alice"],
            1,
            "`alice` is not a user",
        ),
        (
            &["session", "list", "--user", "alice"],
            1,
            "`alice` is not a user",
        ),
    ] {
        let (ended, printed, complaints) = portreeve(&edge, words);
        assert_eq!((ended, printed.as_str()), (code, ""), "{words:?}");
        assert!(complaints.contains(why), "{words:?}: {complaints}");
    }
    let cookie = format!("cookie: {}", edge.alice);
    edge.passes("GET /a", &[&cookie]);
}

#[test]
fn where_no_sidecar_listens_it_is_said_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let ask = |option: &str, path: &std::path::Path| {
        let ended = Command::new(env!("CARGO_BIN_EXE_portreeve"))
            .args(["session", "list", option])
            .arg(path)
            .output()
            .unwrap();
        assert_eq!(ended.status.code(), Some(1));
        String::from_utf8(ended.stderr).unwrap()
    };
    let nowhere = ask("--socket", &folder.path().join("admin.sock"));
    assert!(nowhere.contains("no sidecar answers at `"), "{nowhere}");
    let file = folder.path().join("sidecar.yaml");
    let text = "trust_domain: mesh.example
identity: { embedded: { dir: ca, id: \"spiffe://mesh.example/a\" } }
outbound: [{ listen: \"127.0.0.1:0\", to: \"127.0.0.1:1\", expect: \"spiffe://mesh.example/b\", service: b }]
policy: { dir: policy }
audit: { stdout: true }
admin: { listen: \"127.0.0.1:0\" }
";
    std::fs::write(&file, text).unwrap();
    let unnamed = ask("--config", &file);
    assert!(
        unnamed.contains("names no socket: say `admin.socket: PATH`"),
        "{unnamed}"
    );
    let named = text.replace(
        "127.0.0.1:0\" }\n",
        "127.0.0.1:0\", socket: s/admin.sock }\n",
    );
    std::fs::write(&file, named).unwrap();
    let named = ask("--config", &file);
    assert!(named.contains("s/admin.sock`"), "{named}");
}
