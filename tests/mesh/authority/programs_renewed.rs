//! Programs' certificates, which are kept fresh and cost little.

use portreeve::rpc::authority::rotate_request::Step;

use crate::authority::petitioner::believed;
use crate::authority::steps::rotate;
use crate::authority::town::Town;
use crate::authority::town::refused;
use crate::authority::workload_api::user;

#[test]
fn a_hundred_calls_cost_one_signature_for_each_certificate() {
    let mut town = Town::with_programs("");
    town.svid_ttl_s = 4;
    town.enter("web", &[&user()], WEB);
    let programs = [town.program(), town.program()];
    let calls = (0..100).map(|at| &programs[at % 2]);
    let mut calls: Vec<_> = calls
        .map(|program| (program, program.svids().unwrap()))
        .collect();
    let mut first = Vec::new();
    for (program, told) in &mut calls {
        first.push(program.next(told).unwrap().svids[0].clone());
    }
    assert!(first.iter().all(|svid| *svid == first[0]));
    town.shows(&issued(1));
    town.shows("portreeve_workload_api_streams 100");

    // Half of its life is over.
    town.pass(3);
    for (program, told) in &mut calls {
        let next = program.next(told).unwrap();
        assert_ne!(next.svids[0], first[0]);
        assert_ne!(next.svids[0].x509_svid_key, first[0].x509_svid_key);
    }
    town.shows(&issued(2));
    drop(calls);
    town.shows("portreeve_workload_api_streams 0");
}

#[test]
fn a_key_that_is_tainted_is_replaced_at_once() {
    let town = Town::with_programs("");
    town.enter("web", &[&user()], WEB);
    let program = town.program();
    let mut told = program.svids().unwrap();
    let first = program.next(&mut told).unwrap();
    rotate(&town, Step::Prepare).unwrap();
    let prepared = program.next(&mut told).unwrap();
    assert_eq!(prepared.svids[0].x509_svid, first.svids[0].x509_svid);
    assert_ne!(prepared.svids[0].bundle, first.svids[0].bundle);
    rotate(&town, Step::Activate).unwrap();
    rotate(&town, Step::Taint).unwrap();
    let mut next = prepared.clone();
    while next.svids[0].x509_svid == first.svids[0].x509_svid {
        next = program.next(&mut told).unwrap();
    }
    rotate(&town, Step::Revoke).unwrap();
    while next.svids[0].bundle == prepared.svids[0].bundle {
        next = program.next(&mut told).unwrap();
    }
    let leaf = believed(&town, std::slice::from_ref(&next.svids[0].x509_svid));
    assert_eq!(leaf.id().as_str(), WEB);
}

#[test]
fn a_user_who_asks_for_too_much_waits_and_others_do_not() {
    let town = Town::with_programs("issues_per_second: 1");
    town.enter("web", &[&user()], WEB);
    let program = town.program();
    let told = (0..200).find_map(|_| program.tokens("orders", "").err());
    assert_eq!(
        refused(Err::<(), _>(told.unwrap())),
        "Unavailable: too many requests of this user; ask again in a second"
    );
    while town.record_of("jwt_svid_issue").text("reason") != "too_many_requests" {}
    // Certificates are counted apart.
    assert_eq!(program.names().unwrap(), [WEB]);
}

fn issued(count: u32) -> String {
    format!(
        "portreeve_authority_svid_requests_total{{proof=\"workload_api\",result=\"issued\"}} {count}"
    )
}

const WEB: &str = "spiffe://mesh.example/web";
