//! Who comes with a token that an operator made.

use futures_util::future::join_all;
use portreeve::x509::make_request;

use crate::application::Application;
use crate::authority::petitioner::by_token;
use crate::authority::petitioner::key;
use crate::authority::town::Town;
use crate::authority::town::refused;
use crate::caller::Caller;
use crate::trial::served;

#[test]
fn two_sidecars_join_and_a_request_passes_between_them() {
    let town = Town::new();
    let application = Application::start();
    let proof = town.by_token("orders");
    let orders = town.orders(application.address(), &proof);
    let record = town.records.next();
    assert_eq!(
        record.says([
            "event",
            "decision",
            "reason",
            "proof",
            "spiffe_id",
            "caller"
        ]),
        "svid_issue permit  join_token spiffe://mesh.example/orders "
    );
    let proof = town.by_token("web");
    let web = town.web(orders.inbound(), &proof);
    let record = town.records.next();
    assert_eq!(
        record.says(["decision", "spiffe_id", "not_after"]),
        "permit spiffe://mesh.example/web 2030-01-01T01:00:00Z"
    );
    let name = record.text("selectors").replace("join_token:", "token-");
    assert_eq!(record.text("entry"), name);
    assert_eq!(record.text("serial").len(), 32);

    let mut caller = Caller::plain(web.outbound());
    caller.send("GET /a HTTP/1.1\r\nhost: orders\r\n\r\n");
    served(&mut application.call());
    assert_eq!(caller.answer().text(), "ok");
    for sidecar in [&web, &orders] {
        assert_eq!(
            sidecar
                .records
                .next()
                .says(["decision", "status", "caller"]),
            "permit 200 spiffe://mesh.example/web"
        );
    }
    town.records.are_all_read();
    town.shows(r#"portreeve_authority_svid_requests_total{proof="join_token",result="issued"} 2"#);
}

#[test]
fn a_token_is_good_for_one_key_however_often_that_asks() {
    let town = Town::new();
    let token = town.token("web");
    let (ours, theirs) = (key(), key());
    let first = town.newcomer().enrol(&ours, by_token(&token)).unwrap();
    let record = town.records.next();
    assert_eq!(
        record.says(["decision", "serial"]),
        format!("permit {}", first.leaf().serial())
    );
    assert_eq!(
        refused(town.newcomer().enrol(&theirs, by_token(&token))),
        "Unauthenticated: nothing was proved: the join token was used before"
    );
    let record = town.records.next();
    assert_eq!(
        record.says(["decision", "reason", "proof", "serial"]),
        "deny join_token_used join_token "
    );
    assert_eq!(record.text("selectors").len(), "join_token:".len() + 16);
    // The answer may have been lost.
    let again = town.newcomer().enrol(&ours, by_token(&token)).unwrap();
    assert_eq!(again.id(), first.id());
    assert_ne!(again.leaf().serial(), first.leaf().serial());
    assert_eq!(town.records.next().text("decision"), "permit");
}

#[test]
fn of_many_that_come_at_once_with_one_token_one_joins() {
    let town = Town::new();
    let token = town.token("web");
    let callers: Vec<_> = (0..8).map(|_| town.newcomer()).collect();
    let asked = callers
        .iter()
        .map(|caller| caller.asks(&make_request(&key()).unwrap(), by_token(&token)));
    let outcomes = town.wait(join_all(asked));
    let (joined, others): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(joined.len(), 1);
    for other in others {
        assert_eq!(
            refused(other),
            "Unauthenticated: nothing was proved: the join token was used before"
        );
    }
    let mut records: Vec<_> = callers
        .iter()
        .map(|_| town.records.next().says(["decision", "reason"]))
        .collect();
    records.sort();
    let mut expected = vec!["deny join_token_used"; 7];
    expected.push("permit ");
    assert_eq!(records, expected);
}

#[test]
fn a_token_ends() {
    let town = Town::new();
    let id = "spiffe://mesh.example/web";
    let made = [10, 30].map(|ttl_s| town.try_token(id, ttl_s).unwrap());
    for _ in &made {
        town.records.next();
    }
    town.pass(11);
    let [short, long] = made.map(|made| town.newcomer().enrol(&key(), by_token(&made.token)));
    assert_eq!(
        refused(short),
        "Unauthenticated: nothing was proved: the join token has expired"
    );
    assert_eq!(
        town.records.next().says(["decision", "reason"]),
        "deny join_token_expired"
    );
    assert_eq!(long.unwrap().id().as_str(), id);
    assert_eq!(town.records.next().text("decision"), "permit");
}

#[test]
fn a_token_that_nobody_made_proves_nothing() {
    let town = Town::new();
    let token = town.token("web");
    for unknown in [
        "",
        "portreeve_join_",
        &token[..token.len() - 1],
        &token.to_ascii_uppercase(),
        &format!("{token}0"),
    ] {
        assert_eq!(
            refused(town.newcomer().enrol(&key(), by_token(unknown))),
            "Unauthenticated: nothing was proved: the join token is unknown",
            "{unknown}"
        );
        assert_eq!(
            town.records.next().says(["decision", "reason", "proof"]),
            "deny join_token_unknown join_token"
        );
    }
    town.newcomer().enrol(&key(), by_token(&token)).unwrap();
}

#[test]
fn a_token_names_nobody_whom_the_authority_may_not_name() {
    let town = Town::new();
    for (id, why) in [
        (
            "spiffe://other.example/web",
            "it is in trust domain `other.example`, not `mesh.example`",
        ),
        (
            "spiffe://mesh.example/portreeve/authority",
            "names under `/portreeve` are the authority's own",
        ),
        (
            "spiffe://mesh.example/portreeve",
            "names under `/portreeve` are the authority's own",
        ),
        (
            "spiffe://mesh.example",
            "the SPIFFE ID has no path: that is the name of the trust domain itself",
        ),
    ] {
        assert_eq!(
            refused(town.try_token(id, 0)),
            format!("InvalidArgument: {why}")
        );
        let record = town.records.next();
        assert_eq!(
            record.says(["event", "decision", "spiffe_id", "reason"]),
            format!("join_token_create refused {id} {why}")
        );
    }
    // A place in it could never be filled: the token proves nothing to fill it with.
    for id in ["web", "spiffe://mesh.example/{k8s:sa}"] {
        let refused = refused(town.try_token(id, 0));
        assert!(refused.starts_with("InvalidArgument: "), "{refused}");
        assert_eq!(town.records.next().text("decision"), "refused");
    }
    town.token("portreeves");
}
