//! The signing keys change while everybody works.

use portreeve::rpc::authority as rpc;
use portreeve::rpc::authority::rotate_request::Step;
use portreeve::x509::Leaf;

use crate::authority::load::Two;
use crate::authority::petitioner::by_token;
use crate::authority::petitioner::key;
use crate::authority::renewal::cannot_call;
use crate::authority::steps::rotate;
use crate::authority::steps::states;
use crate::authority::town::Town;
use crate::authority::town::until;
use crate::caller::Caller;
use crate::strangers;
use crate::strangers::Shown;

#[test]
fn keys_rotate_under_load_and_no_request_fails() {
    let town = Town::new();
    let two = Two::join(&town);
    let (before, shown) = outsider(&town);
    let load = two.load();
    let mut follower = town.workload(&before).follow().unwrap();
    let mut next = || town.wait(follower.message()).unwrap().unwrap();
    assert_eq!(roots_in(&next()), 1);

    assert_eq!(
        states(&rotate(&town, Step::Prepare).unwrap()),
        "active prepared"
    );
    assert_eq!(town.record_of("key_prepared").text("decision"), "permit");
    assert_eq!(roots_in(&next()), 2);
    load.show("portreeve_identity_renewals_total 1");

    assert_eq!(
        states(&rotate(&town, Step::Activate).unwrap()),
        "active old"
    );
    assert_eq!(town.record_of("key_activated").text("decision"), "permit");
    let (after, _) = outsider(&town);
    assert_ne!(issuer(before.leaf(), &town), issuer(after.leaf(), &town));

    // Both renew at once, though their SVIDs are young.
    assert_eq!(
        states(&rotate(&town, Step::Taint).unwrap()),
        "active tainted"
    );
    assert_eq!(next().tainted.len(), 1);
    let fields = ["event", "decision", "proof", "caller"];
    let mut records = [(); 3].map(|()| town.records.next().says(fields));
    records.sort();
    assert_eq!(
        records,
        [
            "key_tainted permit  ",
            "svid_issue permit svid spiffe://mesh.example/orders",
            "svid_issue permit svid spiffe://mesh.example/web",
        ]
    );
    load.show("portreeve_identity_renewals_total 2");
    // Whom they reached before that one had renewed, they reach anew.
    load.reaches_anew(3);
    assert!(is_served(&load.inbound(), &shown), "tainted is not revoked");

    assert_eq!(states(&rotate(&town, Step::Revoke).unwrap()), "active");
    assert_eq!(town.record_of("key_revoked").text("decision"), "permit");
    let state = next();
    assert_eq!((roots_in(&state), state.tainted.len()), (1, 0));
    load.show("portreeve_identity_renewals_total 3");
    assert!(
        !is_served(&load.inbound(), &shown),
        "the old root is believed"
    );
    let two = load.end();
    two.pass();
    let domain = "mesh.example".parse().unwrap();
    until(|| town.roots().get(&domain).unwrap().certificates().count() == 1);
    assert!(cannot_call(&town, &before), "the old root is believed");
    town.workload(&after).enrol(&key(), None).unwrap();
}

#[test]
fn a_sidecar_renews_at_half_life_also_after_it_has_heard_of_new_roots() {
    let mut town = Town::new();
    town.svid_ttl_s = 4;
    let two = Two::join(&town);
    rotate(&town, Step::Prepare).unwrap();
    two.show("portreeve_identity_renewals_total 1");
    town.record_of("key_prepared");
    town.pass(3);
    let mut renewed = [(), ()].map(|()| town.records.next().says(["decision", "proof", "caller"]));
    renewed.sort();
    assert_eq!(
        renewed,
        ["orders", "web"].map(|name| format!("permit svid spiffe://mesh.example/{name}"))
    );
    two.pass();
}

/// Somebody who is `web` too, and can be shown to be.
pub(crate) fn outsider(town: &Town) -> (portreeve::identity::Svid, Shown) {
    let token = town.token("web");
    let pair = key();
    let svid = town.newcomer().enrol(&pair, by_token(&token)).unwrap();
    let secret = pair.serialize_der().try_into().unwrap();
    let shown = (svid.chain().to_vec(), secret);
    assert_eq!(town.record_of("svid_issue").text("decision"), "permit");
    (svid, shown)
}

pub(crate) fn is_served(door: &std::net::SocketAddr, (chain, key): &Shown) -> bool {
    let shown = (chain.clone(), key.clone_key());
    let mut caller = Caller::secure(*door, strangers::client(Some(shown), &[b"http/1.1"]));
    let sent = caller.try_send("TRACE / HTTP/1.1\r\nhost: orders\r\nconnection: close\r\n\r\n");
    sent.is_ok() && caller.rest().starts_with("HTTP/1.1 405 ")
}

fn roots_in(state: &rpc::State) -> usize {
    state
        .bundles
        .iter()
        .map(|bundle| bundle.x509_authorities.len())
        .sum()
}

/// Which of the town's roots has signed `leaf`.
fn issuer(leaf: &Leaf, town: &Town) -> usize {
    let roots = town.roots();
    let domain = "mesh.example".parse().unwrap();
    let mut roots = roots.get(&domain).unwrap().roots();
    roots.position(|root| leaf.names_as_issuer(root)).unwrap()
}
