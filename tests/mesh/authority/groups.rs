//! Groups that entries have, and policies that name them.

use std::fs;

use portreeve::rpc::authority as rpc;
use tonic::Status;

use crate::application::Application;
use crate::authority::cluster::Key;
use crate::authority::cluster::Token;
use crate::authority::cluster::by_kubernetes;
use crate::authority::cluster::key_set;
use crate::authority::load::Two;
use crate::authority::petitioner::key;
use crate::authority::policies;
use crate::authority::policies::WORDS;
use crate::authority::town::Town;
use crate::authority::town::refused;
use crate::authority::town::until;
use crate::caller::Caller;

#[test]
fn who_comes_into_a_group_is_let_in_and_who_leaves_it_is_not() {
    let town = policies::with_policies(CALLERS, &with_entries());
    // A policy that names a group which no entry has is a mistake.
    town.shows("portreeve_authority_policy_load_failures_total 1");
    town.enter_group("callers", "nobody");
    let record = town.record_of("policy_publish");
    assert_eq!(record.text("decision"), "refused");
    let record = town.record_of("policy_publish");
    assert_eq!(record.says(["decision", "version"]), "permit 1");
    let two = Two::join(&town);
    assert_eq!(two.request().1, "deny 403 no_permit");
    town.enter_group("webs", "web");
    until(|| two.request().0.status() == 200);
    town.leave("webs");
    until(|| two.request().0.status() == 403);
    // In a file, as well.
    entry_file(&town, "spiffe://mesh.example/web");
    until(|| two.request().0.status() == 200);
    entry_file(&town, "spiffe://mesh.example/other");
    until(|| two.request().0.status() == 403);
    two.show("portreeve_policy_loads_total{outcome=\"loaded\"} 1");
}

#[test]
fn what_is_in_flight_ends_with_its_callers_place_in_a_group() {
    let town = policies::with_policies(CALLERS, WORDS);
    town.enter_group("webs", "web");
    town.shows("portreeve_authority_policy_version 1");
    let application = Application::start();
    let orders = town.orders(application.address(), &town.by_token("orders"));
    let web = town.web(orders.inbound(), &town.by_token("web"));
    let mut caller = Caller::plain(web.outbound());
    caller.send("GET /a HTTP/1.1\r\nhost: orders\r\n\r\n");
    let mut call = application.call();
    call.head();
    call.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n");
    caller.until("one\r\n");
    // Another comes, which is asked about, once or twice, and changes nothing.
    town.enter_group("more", "somebody");
    let asked = r#"portreeve_redecisions_total{cause="policy",decision="permit"} "#;
    for sidecar in [&orders, &web] {
        until(|| {
            let metrics = sidecar.window("/metrics");
            let count = metrics.lines().find_map(|line| line.strip_prefix(asked));
            count.is_some_and(|count| count != "0")
        });
    }
    call.send("3\r\ntwo\r\n");
    caller.until("two\r\n");
    town.leave("webs");
    assert_eq!(caller.rest(), "", "the answer looks whole");
    assert_eq!(call.rest(), "");
}

#[test]
fn a_folder_of_the_sidecars_own_may_name_them_too() {
    let mut town = Town::new();
    town.enter_group("webs", "web");
    fs::create_dir(town.path("policy")).unwrap();
    fs::write(town.path("policy/mesh.cedar"), CALLERS).unwrap();
    let two = Two::with(&town, policies::keeping(&town));
    two.pass();
    // A restart without the authority knows who is in it.
    town.stop();
    let Two { orders, web } = two;
    orders.stop();
    web.stop();
    let two = Two::with(&town, policies::KEEPING.map(str::to_owned));
    two.pass();
    town.start();
    town.leave("webs");
    until(|| two.request().0.status() == 403);
    // The set names what is there no longer, and stays: nobody is in it.
    town.enter_group("again", "web");
    until(|| two.request().0.status() == 200);
    two.show("portreeve_policy_loads_total{outcome=\"loaded\"} 1");
    two.show("portreeve_policy_loads_total{outcome=\"refused\"} 0");
}

#[test]
fn a_group_that_no_entry_has_is_a_mistake_in_a_folder_of_our_own() {
    let town = Town::new();
    let proof = town.by_token("web");
    fs::create_dir(town.path("policy")).unwrap();
    fs::write(town.path("policy/mesh.cedar"), CALLERS).unwrap();
    let told = town.failure_of_web(&proof);
    assert!(told.contains("mesh.cedar:1:"), "{told}");
    assert!(told.contains("callers"), "{told}");
    town.enter_group("webs", "web");
    let proof = town.by_token("web");
    let orders = town.by_token("orders");
    Two::with(&town, [orders, proof]).pass();
}

#[test]
fn a_template_has_in_its_group_only_whom_it_has_named() {
    let signer = Key::ecdsa();
    let town = with_cluster(&signer);
    let members = || {
        let svid = town.svid_of("somebody");
        let mut states = town.workload(&svid).follow().unwrap();
        let state = town.wait(states.message()).unwrap().unwrap();
        let groups = state.groups.into_iter();
        let groups = groups.map(|group| format!("{}: {}", group.name, group.members.join(" ")));
        groups.collect::<Vec<_>>().join(", ")
    };
    let name = |account: &str| name(&town, &signer, account).unwrap();
    town.add(pods(&["k8s:ns:shop"]));
    assert_eq!(members(), "callers: ");
    name("web");
    until(|| members() == "callers: spiffe://mesh.example/web");
    // That an ID would fit is not enough: another entry has named this one.
    let token = town.token("sneaky");
    town.newcomer()
        .enrol(&key(), crate::authority::petitioner::by_token(&token))
        .unwrap();
    name("orders");
    let both = "callers: spiffe://mesh.example/orders spiffe://mesh.example/web";
    until(|| members() == both);

    // Another entry of the same name asks for more, and has named nobody.
    town.leave("pods");
    assert_eq!(members(), "");
    town.add(pods(&["k8s:ns:shop", "k8s:node:node-9"]));
    assert_eq!(members(), "callers: ");
    town.leave("pods");
    town.add(pods(&["k8s:node:node-1"]));
    assert_eq!(members(), both);
}

#[test]
fn who_takes_name_after_name_does_not_fill_what_everybody_is_told() {
    let signer = Key::ecdsa();
    let town = with_cluster(&signer);
    let name = |account: &str| name(&town, &signer, account);
    town.add(pods(&["k8s:ns:shop"]));
    name("web").unwrap();
    // As if somebody had been named so for an hour.
    let change = |sql: &'static str| {
        town.with_database(async |connection| {
            sqlx::query(sql).execute(connection).await.unwrap();
        });
        town.enter_group("other", "other");
        town.leave("other");
    };
    change(FILL);
    let told = refused(name("orders"));
    assert!(
        told.starts_with("ResourceExhausted: the groups of entries have no room"),
        "{told}"
    );
    // Who is in one already is named again.
    name("web").unwrap();
    change("DELETE FROM issued WHERE serial LIKE 'fill%'");
    name("orders").unwrap();
}

#[test]
fn who_is_revoked_is_told_though_who_is_in_a_group_cannot_be_read() {
    let town = Town::new();
    town.add(pods(&["k8s:ns:shop"]));
    let svid = town.svid_of("somebody");
    let mut states = town.workload(&svid).follow().unwrap();
    town.wait(states.message()).unwrap();
    town.with_database(async |connection| {
        let damaged = "INSERT INTO issued (serial, entry, spiffe_id, selectors, not_after_s)
                       VALUES ('4f0a', 'pods', 'spiffe://mesh.example/web', 'k8z', 9000000000)";
        sqlx::query(damaged).execute(connection).await.unwrap();
    });
    let request = rpc::RevokeRequest {
        reason: String::new(),
        what: Some(rpc::revoke_request::What::Serial("abcd".to_owned())),
    };
    town.wait(town.operator().revoke(request)).unwrap();
    let state = town.wait(states.message()).unwrap().unwrap();
    assert_eq!(state.revocations.len(), 1);
    assert_eq!(state.groups.len(), 1);
}

/// A town that takes tokens of the cluster whose key is `signer`.
fn with_cluster(signer: &Key) -> Town {
    let folder = tempfile::tempdir().unwrap();
    let keys = key_set(&[signer.published("one")]);
    fs::write(folder.path().join("jwks.json"), keys).unwrap();
    Town::on(folder, CLUSTER)
}

/// An entry that names service accounts, and has them in `callers`.
fn pods(selectors: &[&str]) -> rpc::Entry {
    rpc::Entry {
        id: "pods".to_owned(),
        selectors: selectors.iter().map(ToString::to_string).collect(),
        spiffe_id: "spiffe://mesh.example/{k8s:sa}".to_owned(),
        svid_ttl_s: 3600,
        origin: String::new(),
        groups: vec!["callers".to_owned()],
    }
}

/// A pod of `account` asks for its name.
fn name(town: &Town, signer: &Key, account: &str) -> Result<(), Status> {
    let token = Token::new(signer, "one")
        .with("/kubernetes.io/serviceaccount/name", account.into())
        .signed(signer);
    let named = town.newcomer().enrol(&key(), by_kubernetes(&token));
    named.map(drop)
}

/// 4200 names of a thousand bytes.
const FILL: &str = "
    WITH RECURSIVE name (number, text) AS (
        SELECT 1, printf('%01000d', 1)
        UNION ALL
        SELECT number + 1, printf('%01000d', number + 1) FROM name WHERE number < 4200
    )
    INSERT INTO issued (serial, entry, spiffe_id, selectors, not_after_s)
    SELECT 'fill' || number, 'pods', 'spiffe://mesh.example/' || text,
           'k8s:ns:shop' || char(10) || 'k8s:sa:' || text, 9000000000
    FROM name";

impl Town {
    /// An entry by which `name` is in the group `callers`.
    fn enter_group(&self, entry: &str, name: &str) {
        self.add(rpc::Entry {
            id: entry.to_owned(),
            selectors: vec![format!("k8s:sa:{name}")],
            spiffe_id: format!("spiffe://mesh.example/{name}"),
            svid_ttl_s: 3600,
            origin: String::new(),
            groups: vec!["callers".to_owned()],
        });
    }

    fn add(&self, entry: rpc::Entry) {
        let request = rpc::CreateEntryRequest { entry: Some(entry) };
        self.wait(self.operator().create_entry(request)).unwrap();
    }

    fn leave(&self, entry: &str) {
        let request = rpc::DeleteEntryRequest {
            id: entry.to_owned(),
        };
        self.wait(self.operator().delete_entry(request)).unwrap();
    }

    fn svid_of(&self, name: &str) -> portreeve::identity::Svid {
        let token = self.token(name);
        let proof = crate::authority::petitioner::by_token(&token);
        self.newcomer().enrol(&key(), proof).unwrap()
    }
}

fn with_entries() -> String {
    format!("{WORDS}\nentries: policies")
}

/// An entry in a file, by which `id` is in the group.
fn entry_file(town: &Town, id: &str) {
    let text = format!(
        "entries: [{{ name: filed, selectors: [\"k8s:sa:x\"], spiffe_id: \"{id}\", groups: [callers] }}]"
    );
    fs::write(town.path("policies/next"), text).unwrap();
    fs::rename(town.path("policies/next"), town.path("policies/filed.yaml")).unwrap();
}

const CALLERS: &str = "@id(\"callers\") permit (principal in WorkloadGroup::\"callers\", action, resource in Service::\"orders\");";

const CLUSTER: &str = "proofs: { kubernetes: [{ name: east, issuer: \"https://kubernetes.default.svc\", jwks_file: jwks.json }] }";
