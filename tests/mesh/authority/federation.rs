//! Two towns whose workloads call each other.

use std::fs;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::TcpListener;

use portreeve::rpc::authority::revoke_request::What;
use portreeve::rpc::authority::rotate_request::Step;

use crate::application::Application;
use crate::authority::foreign::told;
use crate::authority::load::Two;
use crate::authority::load::willing;
use crate::authority::petitioner::by_token;
use crate::authority::petitioner::key;
use crate::authority::renewal::cannot_call;
use crate::authority::revocation::revoke;
use crate::authority::steps::rotate;
use crate::authority::town::Town;
use crate::authority::town::refused;
use crate::authority::town::until;
use crate::authority::workload_api::user;
use crate::caller::Caller;
use crate::trial::served;

#[test]
fn a_workload_of_another_trust_domain_may_do_what_the_policy_lets_it_by_its_name() {
    let towns = Towns::federate();
    let application = Application::start();
    let orders = towns
        .here
        .orders(application.address(), &towns.here.by_token("orders"));
    let web = towns
        .there
        .web(orders.inbound(), &towns.there.by_token("web"));
    let mut caller = Caller::plain(web.outbound());
    caller.send(GET);
    served(&mut application.call());
    assert_eq!(caller.answer().text(), "ok");
    for sidecar in [&web, &orders] {
        assert_eq!(
            sidecar
                .records
                .next()
                .says(["decision", "status", "caller"]),
            "permit 200 spiffe://other.example/web"
        );
    }
    // Its neighbour is believed as much, and may nothing.
    let ops = towns
        .there
        .web(orders.inbound(), &towns.there.by_token("ops"));
    let mut caller = Caller::plain(ops.outbound());
    caller.send(GET);
    assert_eq!(caller.answer().status(), 403);
    assert_eq!(
        orders.records.next().says(["decision", "reason", "caller"]),
        "deny no_permit spiffe://other.example/ops"
    );
    application.was_not_called();
}

#[test]
fn a_token_of_one_trust_domain_is_believed_in_the_other_until_that_is_left() {
    let mut towns = Towns::federate();
    let Towns { here, there } = &towns;
    for (town, domain) in [(here, "mesh.example"), (there, "other.example")] {
        let id = format!("spiffe://{domain}/web");
        town.enter_later("web", &[&user()], &id);
    }
    let (ours, theirs) = (here.program(), there.program());
    let told = ours.next(&mut ours.svids().unwrap()).unwrap();
    let foreign: Vec<_> = told.federated_bundles.keys().collect();
    assert_eq!(foreign, ["spiffe://other.example"]);
    let keys = ours.next(&mut ours.keys().unwrap()).unwrap();
    assert_eq!(keys.bundles.len(), 2);
    let token = &theirs.tokens("orders", "").unwrap()[0].svid;
    let named = ours.validate("orders", token).unwrap();
    assert_eq!(named, "spiffe://other.example/web");
    let told = refused(ours.validate("billing", token));
    assert!(
        told.starts_with("InvalidArgument: the token is refused"),
        "{told}"
    );
    let token = token.clone();

    // Beside a sidecar it is the same.
    let door = "outbound: [{ listen: \"127.0.0.1:0\", to: \"127.0.0.1:1\", expect: \"spiffe://mesh.example/orders\", service: orders }]
workload_api: { socket: web.sock }";
    let web = here.sidecar("web", door, &here.by_token("web"));
    let beside = here.program_at(here.path("web.sock"));
    assert_eq!(beside.validate("orders", &token).unwrap(), named);
    drop((ours, theirs, beside));

    towns.here.settings = endpoint(towns.here.bundle_endpoint(), "");
    towns.here.stop();
    towns.here.start();
    let ours = towns.here.program();
    let told = refused(ours.validate("orders", &token));
    assert!(
        told.starts_with("InvalidArgument: the token is refused"),
        "{told}"
    );
    let beside = towns.here.program_at(towns.here.path("web.sock"));
    until(|| beside.validate("orders", &token).is_err());
    drop(web);
}

#[test]
fn roots_rotate_in_one_trust_domain_and_no_request_to_the_other_fails() {
    let towns = Towns::federate();
    let Towns { here, there } = &towns;
    let orders = here.orders(willing(), &here.by_token("orders"));
    let web = there.web(orders.inbound(), &there.by_token("web"));
    let load = Two { orders, web }.load();

    rotate(there, Step::Prepare).unwrap();
    towns.asks_again("2");
    load.show_at_orders("portreeve_identity_renewals_total 1");
    rotate(there, Step::Activate).unwrap();
    rotate(there, Step::Taint).unwrap();
    load.show_at_web("portreeve_identity_renewals_total 2");
    load.reaches_anew(3);
    rotate(there, Step::Revoke).unwrap();
    towns.asks_again("1");
    load.show_at_orders("portreeve_identity_renewals_total 2");
    load.end();
}

#[test]
fn a_trust_domain_that_is_left_is_believed_no_longer_and_cut() {
    let mut towns = Towns::federate();
    let application = Application::start();
    let orders = towns
        .here
        .orders(application.address(), &towns.here.by_token("orders"));
    let web = towns
        .there
        .web(orders.inbound(), &towns.there.by_token("web"));
    let (mut caller, mut call) = crate::trial::begin(Caller::plain(web.outbound()), &application);
    call.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n");
    caller.until("1\r\na\r\n");

    towns.here.settings = endpoint(towns.here.bundle_endpoint(), "");
    towns.here.stop();
    towns.here.start();
    assert_eq!(caller.rest(), "");
    assert_eq!(call.rest(), "");
    assert_eq!(
        orders.records.next().says(["caller", "status", "reason"]),
        "spiffe://other.example/web 200 no_longer_trusted"
    );
    let mut caller = Caller::plain(web.outbound());
    caller.send(GET);
    assert_eq!(caller.answer().status(), 502);
    assert_eq!(
        orders.records.next().says(["decision", "reason"]),
        "refused bad_certificate:unknown_trust_domain"
    );
}

#[test]
fn a_workload_of_another_trust_domain_can_be_revoked_here() {
    let towns = Towns::federate();
    let application = Application::start();
    let orders = towns
        .here
        .orders(application.address(), &towns.here.by_token("orders"));
    let web = towns
        .there
        .web(orders.inbound(), &towns.there.by_token("web"));
    let (mut caller, mut call) = crate::trial::begin(Caller::plain(web.outbound()), &application);
    call.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n");
    caller.until("1\r\na\r\n");
    towns.here.record_of("svid_issue");
    revoke(
        &towns.here,
        What::SpiffeId("spiffe://other.example/web".to_owned()),
    );
    assert_eq!(caller.rest(), "");
    assert_eq!(
        orders.records.next().says(["caller", "status", "reason"]),
        "spiffe://other.example/web 200 revoked"
    );
}

#[test]
fn whoever_another_trust_domain_names_is_nobody_to_our_authority() {
    let towns = Towns::federate();
    let Towns { here, there } = &towns;
    let pair = key();
    let token = there.token("web");
    let svid = there.newcomer().enrol(&pair, by_token(&token)).unwrap();
    assert!(cannot_call(here, &svid), "it may ask our authority");
    let token = here.token("web");
    let twin = here.newcomer().enrol(&pair, by_token(&token)).unwrap();
    here.workload(&twin).enrol(&key(), None).unwrap();
}

#[test]
fn a_sidecar_that_starts_again_alone_believes_the_other_trust_domain_as_before() {
    let mut towns = Towns::federate();
    let application = Application::start();
    let kept = "join_token_file: orders.token, state_dir: orders-state";
    towns.here.by_token("orders");
    let orders = towns.here.orders(application.address(), kept);
    towns.here.stop();
    orders.running.stop().unwrap();
    let orders = towns.here.orders(application.address(), kept);
    let web = towns
        .there
        .web(orders.inbound(), &towns.there.by_token("web"));
    let mut caller = Caller::plain(web.outbound());
    caller.send(GET);
    served(&mut application.call());
    assert_eq!(caller.answer().text(), "ok");
}

/// Two towns, each of which asks the other for its bundle.
struct Towns {
    here: Town,
    there: Town,
}

impl Towns {
    fn federate() -> Self {
        let addresses = [free(), free()];
        let mut here = Town::with(&endpoint(addresses[0], ""));
        let folder = tempfile::tempdir().unwrap();
        fs::copy(here.path("roots.pem"), folder.path().join("first.pem")).unwrap();
        let with = relation("mesh.example", addresses[0]);
        let settings = format!(
            "trust_domain: other.example\n{}",
            endpoint(addresses[1], &with)
        );
        let there = Town::on(folder, &settings);
        fs::copy(there.path("roots.pem"), here.path("first.pem")).unwrap();
        here.stop();
        here.settings = endpoint(addresses[0], &relation("other.example", addresses[1]));
        here.start();
        for (town, other) in [(&here, "other.example"), (&there, "mesh.example")] {
            let record = town.record_of("bundle_fetched");
            assert_eq!(
                record.says(["decision", "trust_domain"]),
                format!("permit {other}")
            );
            until(|| told(town).contains(&format!("{other} 1+1")));
        }
        for (town, policy) in [(&here, WEB_ONLY), (&there, EVERYBODY)] {
            fs::create_dir_all(town.path("policy")).unwrap();
            fs::write(town.path("policy/other.cedar"), policy).unwrap();
        }
        Self { here, there }
    }

    /// `here` looks at the other's bundle again, which has so many roots by now.
    fn asks_again(&self, roots: &str) {
        self.here.pass(400);
        let record = self.here.record_of("bundle_fetched");
        assert_eq!(record.text("roots"), roots);
    }
}

/// An address that nobody else has.
fn free() -> SocketAddr {
    let [.., high, low] = std::process::id().to_be_bytes();
    let host = IpAddr::V4(Ipv4Addr::new(127, 101, high, low));
    let listener = TcpListener::bind((host, 0)).unwrap();
    listener.local_addr().unwrap()
}

fn endpoint(address: SocketAddr, with: &str) -> String {
    format!(
        "federation: {{ listen: \"{address}\", profile: https_spiffe, with: [ {with} ] }}\n{PROGRAMS}"
    )
}

const PROGRAMS: &str = "workload_api: { socket: api.sock }";

fn relation(domain: &str, address: SocketAddr) -> String {
    format!(
        "{{ trust_domain: {domain}, url: \"https://{address}/\", profile: https_spiffe, \
         spiffe_id: \"spiffe://{domain}/portreeve/authority\", bundle: first.pem }}"
    )
}

const GET: &str = "GET /a HTTP/1.1\r\nhost: orders\r\n\r\n";

const WEB_ONLY: &str = r#"
@id("their-web-calls-orders")
permit (
  principal == Workload::"spiffe://other.example/web",
  action in Action::"http",
  resource in Service::"orders"
);
"#;

const EVERYBODY: &str = r#"
@id("whoever-is-ours-calls")
permit (
  principal in TrustDomain::"other.example",
  action in Action::"http",
  resource in Service::"orders"
);
"#;
