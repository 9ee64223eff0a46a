//! What the authority does when the calendar says so, and where it jumps.

use std::fs;
use std::os::unix::fs::symlink;

use crate::authority::damage::failure;
use crate::authority::load::Two;
use crate::authority::renewal::cannot_call;
use crate::authority::renewal::joined;
use crate::authority::rotation::outsider;
use crate::authority::steps::keys;
use crate::authority::steps::states;
use crate::authority::town::Town;
use crate::authority::town::until;
use crate::records::Records;

#[test]
fn the_calendar_rotates_the_keys_by_itself() {
    // A root begins an hour before it is made: it holds for 25 hours.
    let (mut town, _) = joined("root_ttl_s: 86400\nsvid_ttl_s: 86400");
    town.pass(41_000);
    is_tended(&town, &brief_token(&town));
    assert_eq!(states(&keys(&town)), "active", "it is too early");
    town.pass(400);
    calendar(&town, "key_prepared");
    assert_eq!(states(&keys(&town)), "active prepared");
    town.pass(71_300 - 41_460);
    is_tended(&town, &brief_token(&town));
    assert_eq!(states(&keys(&town)), "active prepared", "it is too early");
    town.pass(60);
    calendar(&town, "key_activated");
    assert_eq!(states(&keys(&town)), "active old");
    // Longer than the old root would have allowed.
    town.svid_ttl_s = 86_400;
    let (fresh, _) = outsider(&town);
    let left = 41_460 + 86_400 - 71_420;
    assert_eq!(fresh.leaf().lifetime().as_secs(), left + 10);
    town.pass(86_401 - 71_420);
    calendar(&town, "key_prepared");
    assert_eq!(states(&keys(&town)), "active old prepared");
    // The first has ended as long ago as it held.
    town.pass(90_000);
    calendar(&town, "key_revoked");
    calendar(&town, "key_activated");
    assert_eq!(states(&keys(&town)), "active old");
}

/// The next step is `event`, and it was the calendar that took it.
fn calendar(town: &Town, event: &str) {
    let record = town.records.next();
    assert_eq!(
        record.says(["event", "operator", "decision"]),
        format!("{event} calendar permit")
    );
}

/// A token that ends with the next minute, and its entry with it.
fn brief_token(town: &Town) -> String {
    let made = town.try_token("spiffe://mesh.example/x", 1).unwrap();
    town.records.next();
    made.entry
}

/// A minute passes, in which the authority looks at the calendar.
fn is_tended(town: &Town, entry: &str) {
    town.pass(60);
    until(|| !town.has_entry(entry));
}

#[test]
fn a_step_that_cannot_be_recorded_is_not_taken() {
    let mut town = Town::with("root_ttl_s: 86400");
    let token = brief_token(&town);
    let log = town.path("authority.jsonl");
    fs::remove_file(&log).unwrap();
    symlink("/dev/full", &log).unwrap();
    town.reopen_log();
    town.records.are_over();
    // There was room for this one's record, which now waits.
    let waits = town.try_token("spiffe://mesh.example/web", 0).unwrap();
    town.says("/readyz", "audit_sink_failing");
    town.pass(43_200);
    is_tended(&town, &token);
    assert_eq!(states(&keys(&town)), "active");

    fs::remove_file(&log).unwrap();
    let pipe = Records::make_pipe(&log);
    town.reopen_log();
    town.records = Records::read(pipe);
    assert_eq!(town.records.next().text("entry"), waits.entry);
    town.says("/readyz", "{\"ready\":true}");
    town.pass(60);
    calendar(&town, "key_prepared");
    assert_eq!(states(&keys(&town)), "active prepared");
}

#[test]
fn a_root_that_ended_while_nobody_was_there_makes_way_for_the_next() {
    let (mut town, svid) = joined("root_ttl_s: 86400");
    town.stop();
    town.pass(400 * 86_400);
    // It may be the clock that is wrong: only an operator knows.
    let told = failure(&town);
    assert!(told.contains("replace_ended_root: true"), "{told}");
    town.settings.push_str("\nreplace_ended_root: true");
    town.start();
    calendar(&town, "key_prepared");
    calendar(&town, "key_activated");
    assert!(cannot_call(&town, &svid), "the old root is believed");
    Two::join(&town).pass();
}

#[test]
fn where_the_calendar_was_set_back_an_authority_does_not_start() {
    let mut town = Town::new();
    town.stop();
    let now = town.calendar.set_back(86_400);
    let told = failure(&town);
    assert!(told.contains("the authority cannot name itself"), "{told}");
    assert!(
        told.contains("the root that signs is not in force"),
        "{told}"
    );
    town.calendar.set(now);
    town.start();
    outsider(&town);
}
