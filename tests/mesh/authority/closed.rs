//! Nothing is given out that cannot be recorded, and nothing to whoever asks too often.

use std::fs;
use std::os::unix::fs::symlink;

use portreeve::rpc::authority as rpc;

use crate::authority::petitioner::by_token;
use crate::authority::petitioner::key;
use crate::authority::renewal::joined;
use crate::authority::town::Town;
use crate::authority::town::refused;
use crate::records::Records;

#[test]
fn an_authority_that_cannot_record_gives_out_nothing() {
    let (mut town, svid) = joined("");
    let token = town.token("orders");
    let workload = town.workload(&svid);
    let log = town.path("authority.jsonl");
    fs::remove_file(&log).unwrap();
    symlink("/dev/full", &log).unwrap();
    town.reopen_log();
    town.records.are_over();
    // There was room for this one's record, which now waits.
    workload.enrol(&key(), None).unwrap();
    town.says("/readyz", "audit_sink_failing");
    let issued = count(&town, "SELECT COUNT(*) FROM issued");
    for _ in 0..3 {
        let told = refused(workload.enrol(&key(), None));
        assert!(
            told.starts_with("Unavailable: there is no room for the record"),
            "{told}"
        );
        let told = refused(town.newcomer().enrol(&key(), by_token(&token)));
        assert!(
            told.starts_with("Unavailable: there is no room for the record"),
            "{told}"
        );
    }
    for told in [
        refused(town.try_token("spiffe://mesh.example/web", 0)),
        refused(
            town.wait(
                town.operator()
                    .delete_entry(rpc::DeleteEntryRequest::default()),
            ),
        ),
        refused(town.wait(town.operator().rotate(rpc::RotateRequest {
            step: rpc::rotate_request::Step::Prepare.into(),
            key: String::new(),
        }))),
    ] {
        assert!(told.starts_with("Unavailable: "), "{told}");
    }
    assert_eq!(count(&town, "SELECT COUNT(*) FROM issued"), issued);
    assert_eq!(count(&town, "SELECT COUNT(*) FROM signing_key"), 1);
    assert_eq!(count(&town, "SELECT COUNT(*) FROM join_token"), 2);

    fs::remove_file(&log).unwrap();
    let pipe = Records::make_pipe(&log);
    town.reopen_log();
    town.records = Records::read(pipe);
    assert_eq!(
        town.records.next().says(["event", "decision", "proof"]),
        "svid_issue permit svid"
    );
    town.says("/readyz", r#"{"ready":true}"#);
    // The token is as good as it was.
    town.newcomer().enrol(&key(), by_token(&token)).unwrap();
    assert_eq!(
        town.records.next().says(["event", "decision", "proof"]),
        "svid_issue permit join_token"
    );
}

#[test]
fn whoever_asks_too_often_is_refused_and_others_are_not() {
    let town = Town::with("issues_per_second: 1");
    let hasty = town.approach(None, "127.0.0.2").unwrap();
    let mut told = String::new();
    for _ in 0..1000 {
        told = refused(hasty.enrol(&key(), by_token("x")));
        if told.starts_with("ResourceExhausted: ") {
            break;
        }
        assert!(told.starts_with("Unauthenticated: "), "{told}");
        assert_eq!(town.records.next().text("reason"), "join_token_unknown");
    }
    assert_eq!(
        told,
        "ResourceExhausted: too many requests from this address; ask again in a second"
    );
    let record = town.records.next();
    assert_eq!(
        record.says(["decision", "reason", "proof"]),
        "refused too_many_requests join_token"
    );
    assert!(record.text("source").starts_with("127.0.0.2:"));

    let token = town.token("web");
    let calm = town.approach(None, "127.0.0.3").unwrap();
    calm.enrol(&key(), by_token(&token)).unwrap();
    assert_eq!(town.records.next().text("decision"), "permit");
}

#[test]
fn an_authority_without_its_database_tells_nobody_what_may_be_old() {
    let town = Town::new();
    let token = town.token("web");
    let svid = town.newcomer().enrol(&key(), by_token(&token)).unwrap();
    let change = |sql: &'static str| {
        town.with_database(async |connection| {
            sqlx::query(sql).execute(connection).await.unwrap();
        });
    };
    change("ALTER TABLE change_counter RENAME TO elsewhere");
    let told = refused(town.workload(&svid).follow());
    assert!(told.starts_with("Unavailable: "), "{told}");
    change("ALTER TABLE elsewhere RENAME TO change_counter");
    let mut states = town.workload(&svid).follow().unwrap();
    assert!(town.wait(states.message()).unwrap().is_some());
}

fn count(town: &Town, sql: &'static str) -> i64 {
    town.with_database(async |connection| {
        let query = sqlx::query_scalar(sql);
        query.fetch_one(connection).await.unwrap()
    })
}
