//! Whom the authority believes no longer.

use portreeve::rpc::authority as rpc;
use portreeve::rpc::authority::revoke_request::What;

use crate::authority::petitioner::by_token;
use crate::authority::petitioner::key;
use crate::authority::renewal::joined;
use crate::authority::town::Town;
use crate::authority::town::refused;

#[test]
fn a_revoked_certificate_is_not_renewed_and_its_workload_is() {
    let (town, svid) = joined("");
    let twin = town.workload(&svid).enrol(&key(), None).unwrap();
    town.records.next();
    let serial = svid.leaf().serial().to_ascii_uppercase();
    revoke(&town, What::Serial(serial));
    let told = refused(town.workload(&svid).enrol(&key(), None));
    assert_eq!(told, "PermissionDenied: it is revoked");
    assert_eq!(
        town.records
            .next()
            .says(["event", "decision", "reason", "caller_serial"]),
        format!("svid_issue deny revoked {}", svid.leaf().serial())
    );
    assert_eq!(
        refused(town.workload(&svid).follow()),
        "PermissionDenied: the SVID that was shown has ended or is revoked"
    );
    town.workload(&twin).enrol(&key(), None).unwrap();
    assert_eq!(town.records.next().text("decision"), "permit");
}

#[test]
fn a_revoked_workload_is_named_by_no_proof() {
    let (town, svid) = joined("");
    let id = svid.id().to_string();
    let token = town.token("web");
    let other = town.token("orders");
    revoke(&town, What::SpiffeId(id.clone()));
    for outcome in [
        town.workload(&svid).enrol(&key(), None),
        town.newcomer().enrol(&key(), by_token(&token)),
    ] {
        assert_eq!(refused(outcome), "PermissionDenied: it is revoked");
        assert_eq!(
            town.records.next().says(["event", "decision", "reason"]),
            "svid_issue deny revoked"
        );
    }
    town.newcomer().enrol(&key(), by_token(&other)).unwrap();
    town.records.next();

    let request = rpc::UnrevokeRequest {
        what: Some(rpc::unrevoke_request::What::SpiffeId(id)),
    };
    town.wait(town.operator().unrevoke(request.clone()))
        .unwrap();
    assert_eq!(
        town.records.next().says(["event", "decision"]),
        "unrevoke permit"
    );
    // The token was not spent in vain.
    town.newcomer().enrol(&key(), by_token(&token)).unwrap();
    town.workload(&svid).enrol(&key(), None).unwrap();
    let told = refused(town.wait(town.operator().unrevoke(request)));
    assert_eq!(told, "NotFound: that is not revoked");
}

#[test]
fn the_authority_itself_is_not_revoked() {
    let town = Town::new();
    let request = |id: &str| rpc::RevokeRequest {
        reason: String::new(),
        what: Some(What::SpiffeId(id.to_owned())),
    };
    let own = request("spiffe://mesh.example/portreeve/authority");
    let told = refused(town.wait(town.operator().revoke(own)));
    assert!(
        told.starts_with("InvalidArgument: that is the authority itself"),
        "{told}"
    );
    assert_eq!(
        town.records.next().says(["event", "decision"]),
        "revoke refused"
    );
    let other = request("spiffe://mesh.example/portreeve");
    town.wait(town.operator().revoke(other)).unwrap();
}

#[test]
fn followers_are_told_and_the_revoked_is_cut_off() {
    let (town, svid) = joined("");
    let token = town.token("orders");
    let orders = town.newcomer().enrol(&key(), by_token(&token)).unwrap();
    let mut told = town.workload(&orders).follow().unwrap();
    let mut cut = town.workload(&svid).follow().unwrap();
    for states in [&mut told, &mut cut] {
        let state = town.wait(states.message()).unwrap().unwrap();
        assert_eq!(state.revocations, []);
    }
    town.shows("portreeve_authority_followers 2");
    town.records.next();
    revoke(&town, What::SpiffeId(svid.id().to_string()));
    let state = town.wait(told.message()).unwrap().unwrap();
    assert_eq!(
        state.revocations[0].what,
        Some(rpc::revocation::What::SpiffeId(svid.id().to_string()))
    );
    while let Ok(Some(_)) = town.wait(cut.message()) {}
    town.shows("portreeve_authority_followers 1");
}

#[test]
fn what_is_neither_a_name_nor_a_number_is_not_revoked() {
    let town = Town::new();
    for what in [
        None,
        Some(What::SpiffeId("web".to_owned())),
        Some(What::Serial("xyz".to_owned())),
        Some(What::Serial(String::new())),
    ] {
        let reason = "lost".to_owned();
        let request = rpc::RevokeRequest { reason, what };
        let told = refused(town.wait(town.operator().revoke(request)));
        assert!(
            told.starts_with("InvalidArgument: say a SPIFFE ID"),
            "{told}"
        );
        assert_eq!(
            town.records.next().says(["event", "decision", "why"]),
            "revoke refused lost"
        );
    }
}

/// Revokes `what`, which is recorded.
pub(crate) fn revoke(town: &Town, what: What) {
    let value = match &what {
        What::SpiffeId(id) => id.clone(),
        What::Serial(serial) => serial.to_ascii_lowercase(),
    };
    let request = rpc::RevokeRequest {
        reason: "stolen".to_owned(),
        what: Some(what),
    };
    town.wait(town.operator().revoke(request)).unwrap();
    let record = town.records.next();
    assert_eq!(
        record.says(["event", "decision", "why"]),
        "revoke permit stolen"
    );
    let said = record.text("spiffe_id") + &record.text("serial");
    assert_eq!(said, value);
}
