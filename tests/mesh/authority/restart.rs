//! Sidecars that start again while the authority is down.

use std::fs;

use portreeve::rpc::authority as rpc;
use portreeve::rpc::authority::revoke_request::What;
use portreeve::rpc::authority::rotate_request::Step;

use crate::authority::load::Two;
use crate::authority::steps::rotate;
use crate::authority::town::Town;
use crate::authority::town::until;

#[test]
fn a_sidecar_that_has_kept_its_svid_needs_neither_token_nor_authority() {
    let mut town = Town::new();
    let two = Two::with(&town, proofs(&town));
    two.pass();
    town.stop();
    let two = again(two, &town);
    two.pass();
    // In the second half of its life it would be renewed, if that were possible.
    town.pass(3000);
    let two = again(two, &town);
    two.pass();
    town.start();
    town.shows("portreeve_authority_followers 2");
    two.pass();
}

#[test]
fn a_sidecar_that_starts_again_believes_the_roots_that_it_has_last_heard_of() {
    let mut town = Town::new();
    let two = Two::with(&town, proofs(&town));
    let first = fs::read(town.path("roots.pem")).unwrap();
    rotate(&town, Step::Prepare).unwrap();
    two.show("portreeve_identity_renewals_total 1");
    rotate(&town, Step::Activate).unwrap();
    // The file that it was given at first is old.
    fs::write(town.path("first.pem"), first).unwrap();
    town.bundle = "first.pem".to_owned();
    let two = again(two, &town);
    town.shows("portreeve_authority_followers 2");
    two.pass();
}

#[test]
fn a_sidecar_that_starts_again_serves_nobody_who_was_revoked_before() {
    let mut town = Town::new();
    let two = Two::with(&town, proofs(&town));
    revoke(&town, What::Serial("4f0a".to_owned()));
    until(|| kept(&town).contains("4f0a"));
    two.pass();
    town.stop();
    let two = again(two, &town);
    two.pass();
    town.start();
    town.shows("portreeve_authority_followers 2");
    revoke(
        &town,
        What::SpiffeId("spiffe://mesh.example/web".to_owned()),
    );
    until(|| kept(&town).contains("mesh.example/web"));
    town.stop();
    let two = again(two, &town);
    assert_ne!(two.request().0.status(), 200);
    assert_ne!(two.request().0.status(), 200);
}

fn revoke(town: &Town, what: What) {
    let request = rpc::RevokeRequest {
        reason: String::new(),
        what: Some(what),
    };
    town.wait(town.operator().revoke(request)).unwrap();
}

/// What `orders` has kept of revocations.
fn kept(town: &Town) -> String {
    fs::read_to_string(town.path("orders-state/revocations.json")).unwrap_or_default()
}

/// Both start again, without their tokens.
fn again(two: Two, town: &Town) -> Two {
    let Two { orders, web } = two;
    for (sidecar, token) in [(orders, "orders.token"), (web, "web.token")] {
        sidecar.running.stop().unwrap();
        let _gone_before = fs::remove_file(town.path(token));
    }
    Two::with(town, PROOFS.map(str::to_owned))
}

/// How both prove themselves, with folders for what they are given.
fn proofs(town: &Town) -> [String; 2] {
    for name in ["orders", "web"] {
        town.by_token(name);
    }
    PROOFS.map(str::to_owned)
}

const PROOFS: [&str; 2] = [
    "join_token_file: orders.token, state_dir: orders-state",
    "join_token_file: web.token, state_dir: web-state",
];
