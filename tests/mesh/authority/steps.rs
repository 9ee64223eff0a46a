//! Steps in the life of the signing keys, as an operator takes them.

use portreeve::rpc::authority as rpc;
use portreeve::rpc::authority::rotate_request::Step;
use tonic::Status;

use crate::authority::town::Town;
use crate::authority::town::refused;

#[test]
fn a_step_out_of_order_is_not_taken() {
    let town = Town::new();
    let refuse = |step, event: &str, why: &str| {
        assert_eq!(refused(rotate(&town, step)), why);
        let record = town.records.next();
        assert_eq!(
            record.says(["event", "decision"]),
            format!("{event} refused")
        );
    };
    let take = |step, then: &str| {
        assert_eq!(states(&rotate(&town, step).unwrap()), then);
        assert_eq!(town.records.next().text("decision"), "permit");
    };
    refuse(
        Step::Activate,
        "key_activated",
        "FailedPrecondition: there is no prepared key",
    );
    refuse(
        Step::Taint,
        "key_tainted",
        "FailedPrecondition: there is no old key",
    );
    refuse(
        Step::Revoke,
        "key_revoked",
        "FailedPrecondition: there is no tainted key",
    );
    take(Step::Prepare, "active prepared");
    refuse(
        Step::Prepare,
        "key_prepared",
        "FailedPrecondition: a key is prepared already",
    );
    refuse(
        Step::Taint,
        "key_tainted",
        "FailedPrecondition: there is no old key",
    );
    take(Step::Activate, "active old");
    refuse(
        Step::Activate,
        "key_activated",
        "FailedPrecondition: there is no prepared key",
    );
    refuse(
        Step::Revoke,
        "key_revoked",
        "FailedPrecondition: there is no tainted key",
    );
    take(Step::Taint, "active tainted");
    refuse(
        Step::Taint,
        "key_tainted",
        "FailedPrecondition: there is no old key",
    );
}

#[test]
fn of_several_keys_one_is_named() {
    let town = Town::new();
    let round = [Step::Prepare, Step::Activate, Step::Taint];
    for step in [round, round].concat() {
        rotate(&town, step).unwrap();
        assert_eq!(town.records.next().text("decision"), "permit");
    }
    assert_eq!(
        refused(rotate(&town, Step::Revoke)),
        "InvalidArgument: there are several tainted keys; name one"
    );
    assert_eq!(town.records.next().text("decision"), "refused");
    let keys = keys(&town);
    let active = keys.iter().find(|key| key.state == "active").unwrap();
    let why = format!(
        "FailedPrecondition: there is no tainted key `{}`",
        active.id
    );
    assert_eq!(refused(rotate_key(&town, Step::Revoke, &active.id)), why);
    town.records.next();
    let tainted = keys.iter().find(|key| key.state == "tainted").unwrap();
    let left = rotate_key(&town, Step::Revoke, &tainted.id).unwrap();
    assert_eq!(states(&left), "active tainted");
    let record = town.records.next();
    assert_eq!(
        record.says(["event", "key"]),
        format!("key_revoked {}", tainted.id)
    );
    let told = refused(rotate(&town, Step::Unspecified));
    assert_eq!(told, "InvalidArgument: say which step is to be taken");
}

pub(crate) fn rotate(town: &Town, step: Step) -> Result<Vec<rpc::Key>, Status> {
    rotate_key(town, step, "")
}

pub(crate) fn rotate_key(town: &Town, step: Step, key: &str) -> Result<Vec<rpc::Key>, Status> {
    let request = rpc::RotateRequest {
        step: step.into(),
        key: key.to_owned(),
    };
    let rotated = town.wait(town.operator().rotate(request))?;
    Ok(rotated.into_inner().keys)
}

pub(crate) fn keys(town: &Town) -> Vec<rpc::Key> {
    let listed = town.wait(town.operator().list_keys(rpc::ListKeysRequest {}));
    listed.unwrap().into_inner().keys
}

pub(crate) fn states(keys: &[rpc::Key]) -> String {
    let mut states: Vec<&str> = keys.iter().map(|key| key.state.as_str()).collect();
    states.sort_unstable();
    states.join(" ")
}
