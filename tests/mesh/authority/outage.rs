//! The authority is away for a while.

use crate::authority::load::Two;
use crate::authority::town::Town;
use crate::authority::town::until;

#[test]
fn an_outage_of_half_an_svids_life_fails_no_request_and_a_longer_one_denies() {
    let mut town = Town::new();
    town.svid_ttl_s = 6;
    let two = Two::join(&town);
    two.pass();
    town.stop();
    for second in 0..5 {
        two.pass();
        if second == 4 {
            // Both have tried to renew, in vain.
            two.show("portreeve_identity_generation 0");
            for sidecar in [&two.orders, &two.web] {
                until(|| failures(&sidecar.window("/metrics")) > 0);
            }
            two.pass();
        }
        town.pass(1);
    }
    town.pass(2);
    // What is under way notices within a second that the calendar was moved.
    until(|| two.request().0.status() != 200);
    let (answer, record) = two.request();
    assert_eq!(answer.status(), 503, "{}", answer.reason());
    assert_eq!(record, DENIED, "{}", answer.reason());
    two.web.says("/readyz", "identity_expired");

    town.start();
    until(|| two.request().0.status() == 200);
    let mut renewed = [(), ()].map(|()| town.records.next().says(["decision", "proof", "caller"]));
    renewed.sort();
    assert_eq!(
        renewed,
        ["orders", "web"].map(|name| format!("permit svid spiffe://mesh.example/{name}"))
    );
    two.pass();
}

/// How often the metrics say that a renewal has failed.
fn failures(metrics: &str) -> u32 {
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("portreeve_identity_renewal_failures_total "));
    line.unwrap().parse().unwrap()
}

const DENIED: &str = "permit 503 identity_expired";
