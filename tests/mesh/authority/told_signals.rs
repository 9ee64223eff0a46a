//! What a sidecar's own files say of callers, under policies of the authority.

use std::fs;
use std::path::Path;

use crate::authority::load::Two;
use crate::authority::policies::KEEPING;
use crate::authority::policies::keeping;
use crate::authority::policies::rule;
use crate::authority::policies::with_policies;
use crate::authority::town::Town;
use crate::authority::town::until;
use crate::caller::Caller;

#[test]
fn what_the_files_of_a_sidecar_say_decides_at_once_and_with_a_mistake_all_stays() {
    let town = town();
    let two = Two::join(&town);
    two.pass();
    for (file, denies, permits) in [
        ("signals.yaml", said("9"), said("1")),
        ("signals.yaml", "{}\n".to_owned(), said("2")),
        ("groups.yaml", "{}\n".to_owned(), FRIENDS.to_owned()),
    ] {
        write(&town, file, &denies);
        until(|| two.request().0.status() == 403);
        write(&town, file, &permits);
        until(|| two.request().0.status() == 200);
    }
    write(&town, "signals.yaml", &said("much"));
    for sidecar in [&two.orders, &two.web] {
        sidecar.says("/status", "signals.yaml:1:");
    }
    two.pass();
    // A set that is read with such a file is refused until the file is mended.
    rule(&town, &policy("2"));
    for sidecar in [&two.orders, &two.web] {
        sidecar.says("/status", "policy set 2 of the authority is refused");
        sidecar.says("/status", "\"version\":1,");
    }
    two.pass();
    write(&town, "signals.yaml", &said("3"));
    for sidecar in [&two.orders, &two.web] {
        sidecar.says("/status", "\"version\":2,");
        until(|| !sidecar.window("/status").contains("is refused"));
    }
    assert_eq!(two.request().1, "deny 403 no_permit");
    write(&town, "signals.yaml", &said("1"));
    until(|| two.request().0.status() == 200);
}

#[test]
fn a_set_and_its_signals_outlive_a_restart_while_the_authority_is_away() {
    let mut town = town();
    let Two { orders, web } = Two::with(&town, keeping(&town));
    for state in ["orders-state", "web-state"] {
        until(|| town.path(state).join("policy.pb").exists());
    }
    town.stop();
    orders.stop();
    web.stop();
    let two = Two::with(&town, KEEPING.map(str::to_owned));
    two.pass();
    write(&town, "signals.yaml", &said("9"));
    until(|| two.request().0.status() == 403);
}

#[test]
fn a_header_says_the_signal_that_the_authority_has_named() {
    let words = "policy: { dir: policies, services: { orders: {} }, signals: { site: string }, signal_headers: { site: x-site } }";
    let policy = "@id(\"here\") permit (principal, action in Action::\"http\", resource in Service::\"orders\") when { context.signals has site && context.signals.site == \"vienna\" };";
    let town = with_policies(policy, words);
    let two = Two::join(&town);
    let status = |field: &str| {
        let mut caller = Caller::plain(two.web.outbound());
        caller.send(format!(
            "GET /a HTTP/1.1\r\nhost: orders\r\nconnection: close\r\n{field}\r\n"
        ));
        caller.last_answer().status()
    };
    assert_eq!(status("x-site: vienna\r\n"), 200);
    for other in ["", "x-site: graz\r\n"] {
        assert_eq!(status(other), 403, "{other}");
    }
}

/// Whose set asks for a group and for a signal, which its sidecars have in files.
fn town() -> Town {
    let words = "policy: { dir: policies, services: { orders: {} }, signals: { risk: long }, workload_groups: { friends: [] } }";
    let mut town = with_policies(&policy("5"), words);
    town.policy =
        "from_authority: true, workload_groups_file: groups.yaml, signals_file: signals.yaml"
            .to_owned();
    write(&town, "groups.yaml", FRIENDS);
    write(&town, "signals.yaml", &said("1"));
    town
}

fn policy(below: &str) -> String {
    format!(
        "@id(\"friends\") permit (principal in WorkloadGroup::\"friends\", action, resource in Service::\"orders\") when {{ context.signals has risk && context.signals.risk < {below} }};"
    )
}

/// Puts another file in the place of that which is there.
fn write(town: &Town, name: &str, text: &str) {
    let next: &Path = &town.path("next.yaml");
    fs::write(next, text).unwrap();
    fs::rename(next, town.path(name)).unwrap();
}

fn said(risk: &str) -> String {
    format!("spiffe://mesh.example/web: {{ risk: {risk} }}\n")
}

const FRIENDS: &str = "spiffe://mesh.example/web: [friends]\n";
