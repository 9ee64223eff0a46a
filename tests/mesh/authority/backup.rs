//! An authority whose database was put back from a copy.

use std::fs;

use portreeve::rpc::authority::rotate_request::Step;

use crate::authority::load::Two;
use crate::authority::steps::keys;
use crate::authority::steps::rotate;
use crate::authority::steps::states;
use crate::authority::town::Town;

#[test]
fn sidecars_follow_an_authority_that_remembers_less_than_they_do() {
    let mut town = Town::new();
    let two = Two::join(&town);
    town.put_away();
    let copy = fs::read(town.path("authority.db")).unwrap();
    town.start();
    for name in ["a", "b", "c", "d"] {
        town.token(name);
    }
    rotate(&town, Step::Prepare).unwrap();
    two.show("portreeve_identity_renewals_total 1");

    town.put_away();
    fs::write(town.path("authority.db"), copy).unwrap();
    town.start();
    assert_eq!(states(&keys(&town)), "active");
    two.show("portreeve_identity_renewals_total 2");
    // What is told from now on has the numbers that were used before.
    let load = two.load();
    rotate(&town, Step::Prepare).unwrap();
    load.show("portreeve_identity_renewals_total 3");
    rotate(&town, Step::Activate).unwrap();
    rotate(&town, Step::Taint).unwrap();
    load.show("portreeve_identity_renewals_total 4");
    load.reaches_anew(5);
    rotate(&town, Step::Revoke).unwrap();
    load.show("portreeve_identity_renewals_total 5");
    load.end().pass();
}
