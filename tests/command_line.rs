//! What a stranger types, and what is answered: each mistake with what to do next.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

/// The exit code, and what was said on either side.
fn portreeve(dir: &Path, line: &str) -> (i32, String) {
    let ended = Command::new(env!("CARGO_BIN_EXE_portreeve"))
        .current_dir(dir)
        .args(line.split_whitespace())
        .output()
        .unwrap();
    let told = [ended.stdout, ended.stderr].concat();
    (
        ended.status.code().unwrap(),
        String::from_utf8(told).unwrap(),
    )
}

#[test]
fn every_mistake_is_answered_with_what_to_do_next() {
    let dir = tempfile::tempdir().unwrap();
    for (line, code, advice) in [
        ("", 2, "\n  run          Run the sidecar until SIGTERM\n"),
        ("--hlep", 2, "a similar argument exists: '--help'"),
        ("rum", 2, "a similar subcommand exists: 'run'"),
        ("policy", 2, "Example:\n  portreeve policy check policy\n"),
        (
            "policy chek",
            2,
            "For example: portreeve policy check policy\n",
        ),
        (
            "run",
            2,
            "For example: portreeve run --config orders.yaml\n",
        ),
        (
            "run orders.yaml",
            2,
            "For example: portreeve run --config orders.yaml\n",
        ),
        ("run --confg x", 2, "a similar argument exists: '--config'"),
        (
            "health localhost",
            2,
            "such as 127.0.0.1:15020 or [::1]:15020",
        ),
        (
            "health 127.0.0.1:1",
            1,
            "does it run, and is that its `admin.listen`?",
        ),
        (
            "authority rotate x",
            2,
            "[possible values: prepare, activate, taint, revoke]",
        ),
        ("authority keys", 1, "(see --socket)"),
        ("completions tcsh", 2, "[possible values: bash, fish, zsh]"),
        ("token http://x", 2, "write `https://HOST`"),
        ("token https://x", 1, "`portreeve login https://x`"),
        ("manual none", 1, "cannot write to `none`"),
    ] {
        let (ended, told) = portreeve(dir.path(), line);
        assert!(told.contains(advice), "`{line}` says {told}");
        assert_eq!(ended, code, "`{line}` says {told}");
    }
}

#[test]
fn a_configuration_that_cannot_be_read_is_named_once_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("folder")).unwrap();
    for command in ["run", "check", "authority", "authority check"] {
        for (name, advice) in [
            (
                "none.yaml",
                "or write one: `portreeve schema` tells every key",
            ),
            ("folder", "name the file in it"),
        ] {
            let (code, told) = portreeve(dir.path(), &format!("{command} --config {name}"));
            assert!(
                told.starts_with(&format!("{name}: cannot be read: ")),
                "{told}"
            );
            assert!(told.contains(advice), "{told}");
            assert_eq!((code, told.matches(name).count()), (1, 1), "{told}");
        }
    }
}

#[test]
fn each_cause_is_said_once() {
    let (code, told) = portreeve(Path::new("."), "svid show unix:///none");
    assert_eq!(
        (code, told.matches("No such file").count()),
        (1, 1),
        "{told}"
    );
}

#[test]
fn the_manual_has_a_page_for_each_command_with_what_a_reader_looks_for() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(portreeve(dir.path(), "manual ."), (0, String::new()));
    let page = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    let whole = page("portreeve.1");
    assert!(whole.contains("mutual TLS 1.3"), "{whole}");
    for heading in [
        "NAME",
        "SYNOPSIS",
        "OPTIONS",
        "COMMANDS",
        "\"EXIT STATUS\"",
        "FILES",
    ] {
        assert!(
            whole.contains(&format!("\n.SH {heading}\n")),
            "{heading}: {whole}"
        );
    }
    let run = page("portreeve-run.1");
    for heading in [
        "SIGNALS",
        "\"EXIT STATUS\"",
        "FILES",
        "EXAMPLES",
        "\"SEE ALSO\"",
    ] {
        assert!(
            run.contains(&format!("\n.SH {heading}\n")),
            "{heading}: {run}"
        );
    }
    assert!(page("portreeve-policy-test.1").contains("The answer is no."));
    assert!(!run.contains("The answer is no."));
    // What is not for everybody has none.
    let names: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(names.len() > 30, "{names:?}");
    let hidden = |name: &String| name.contains("develop") || name.contains("manual");
    assert!(!names.iter().any(hidden), "{names:?}");
}
