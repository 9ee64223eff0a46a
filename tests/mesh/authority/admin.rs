//! Who may give orders, and what becomes of them.

use std::os::unix::fs::PermissionsExt as _;

use portreeve::rpc::authority as rpc;
use portreeve::rpc::authority::admin_client::AdminClient;
use tonic::Response;
use tonic::Status;
use tonic::transport::Channel;

use crate::authority::kubernetes;
use crate::authority::petitioner::by_token;
use crate::authority::petitioner::key;
use crate::authority::renewal::joined;
use crate::authority::town::Town;
use crate::authority::town::refused;

#[test]
fn the_owner_of_the_socket_gives_orders() {
    let town = Town::new();
    let mode = std::fs::metadata(town.path("authority.sock"))
        .unwrap()
        .permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    town.enter("web", &["k8s:sa:web"], "spiffe://mesh.example/web");
    town.try_token("spiffe://mesh.example/web", 0).unwrap();
    let operator = town.records.next().text("operator");
    let ours = format!("pid:{}", std::process::id());
    assert!(
        operator.starts_with("uid:") && operator.ends_with(&ours),
        "{operator}"
    );
}

#[test]
fn over_tls_only_admins_give_orders() {
    let town = Town::with("admins: [\"spiffe://mesh.example/admin\"]");
    let [admin, web] = ["admin", "web"].map(|name| {
        let token = town.token(name);
        let svid = town.newcomer().enrol(&key(), by_token(&token)).unwrap();
        town.records.next();
        svid
    });
    let by_admin = AdminClient::new(town.workload(&admin).channel);
    list(&town, by_admin.clone()).unwrap();
    create(&town, by_admin, entry("one")).unwrap();
    assert_eq!(
        town.records
            .next()
            .says(["event", "operator", "entry", "decision"]),
        "entry_create spiffe://mesh.example/admin one permit"
    );

    let by_web = AdminClient::new(town.workload(&web).channel);
    let by_nobody = AdminClient::new(town.newcomer().channel);
    for (client, why) in [
        (
            by_web,
            "PermissionDenied: `spiffe://mesh.example/web` is not among the authority's `admins`",
        ),
        (
            by_nobody,
            "Unauthenticated: administration wants an SVID in force",
        ),
    ] {
        assert_eq!(refused(list(&town, client.clone())), why);
        assert_eq!(refused(create(&town, client.clone(), entry("two"))), why);
        assert_eq!(refused(token(&town, client.clone())), why);
        assert_eq!(refused(rotate(&town, client)), why);
    }
    // An admin whose SVID has ended may renew it, and nothing else.
    town.pass(3601);
    let ended = AdminClient::new(town.workload(&admin).channel);
    assert_eq!(
        refused(create(&town, ended, entry("three"))),
        "Unauthenticated: administration wants an SVID in force"
    );
    for name in ["two", "three"] {
        assert!(!town.has_entry(name));
    }
}

#[test]
fn an_admin_who_is_revoked_gives_no_orders() {
    use crate::authority::revocation::revoke;
    use portreeve::rpc::authority::revoke_request::What;

    let (town, web) = joined("admins: [\"spiffe://mesh.example/web\"]");
    let before = AdminClient::new(town.workload(&web).channel);
    list(&town, before.clone()).unwrap();
    let id = web.id().to_string();
    revoke(&town, What::SpiffeId(id));
    assert!(create(&town, before, entry("one")).is_err());
    let after = AdminClient::new(town.workload(&web).channel);
    assert_eq!(
        refused(create(&town, after, entry("two"))),
        "PermissionDenied: `spiffe://mesh.example/web` is revoked"
    );
    town.enter("three", &["k8s:sa:web"], "spiffe://mesh.example/x");
    assert!(!town.has_entry("one") && !town.has_entry("two"));
}

#[test]
fn an_entry_has_a_name_of_its_own() {
    let town = Town::new();
    let one = entry("one");
    create(&town, town.operator(), one.clone()).unwrap();
    town.records.next();
    let again = rpc::Entry {
        spiffe_id: "spiffe://mesh.example/other".to_owned(),
        ..one.clone()
    };
    assert_eq!(
        refused(create(&town, town.operator(), again)),
        "AlreadyExists: there is an entry `one` already"
    );
    assert_eq!(
        town.records
            .next()
            .says(["event", "entry", "decision", "reason"]),
        "entry_create one refused there is an entry `one` already"
    );
    let listed = list(&town, town.operator()).unwrap();
    let listed: Vec<_> = listed.entries.into_iter().collect();
    assert_eq!(
        listed,
        [rpc::Entry {
            origin: "api".to_owned(),
            ..one
        }]
    );
    delete(&town, "one").unwrap();
    assert!(!town.has_entry("one"));
    assert_eq!(
        refused(delete(&town, "one")),
        "NotFound: there is no entry `one`"
    );
    assert!(refused(delete(&town, "One")).starts_with("InvalidArgument: "));
}

#[test]
fn an_entry_that_makes_no_sense_is_refused() {
    let town = Town::new();
    let base = entry("one");
    let id = |id: &str| rpc::Entry {
        spiffe_id: id.to_owned(),
        ..base.clone()
    };
    let groups = |groups: &[&str]| rpc::Entry {
        groups: groups.iter().map(ToString::to_string).collect(),
        ..base.clone()
    };
    let selectors = |selectors: &[&str]| rpc::Entry {
        selectors: selectors.iter().map(ToString::to_string).collect(),
        ..base.clone()
    };
    for bad in [
        entry(""),
        entry("One"),
        entry("a/b"),
        id(""),
        id("spiffe://mesh.example"),
        id("spiffe://other.example/web"),
        id("spiffe://mesh.example/portreeve/authority"),
        groups(&["Ops"]),
        groups(&["a/b"]),
        id("spiffe://mesh.example/{k8s:sb}"),
        id("spiffe://mesh.example/{k8s:sa"),
        selectors(&[]),
        selectors(&["k8s:sa:web", "k8s:sb:web"]),
        selectors(&["k8s:sa:"]),
    ] {
        let told = refused(create(&town, town.operator(), bad.clone()));
        assert!(told.starts_with("InvalidArgument: "), "{bad:?}: {told}");
        assert_eq!(
            town.records.next().says(["event", "decision"]),
            "entry_create refused"
        );
    }
    create(&town, town.operator(), base).unwrap();
}

#[test]
fn an_entry_of_a_file_is_removed_there() {
    let town = kubernetes::town(&[]);
    assert!(town.has_entry("pods"));
    assert_eq!(
        refused(delete(&town, "pods")),
        "FailedPrecondition: `pods` is from a file: remove it there"
    );
    assert_eq!(
        town.records.next().says(["event", "entry", "decision"]),
        "entry_delete pods refused"
    );
    assert_eq!(
        refused(create(&town, town.operator(), entry("pods"))),
        "AlreadyExists: there is an entry `pods` already"
    );
    assert!(town.has_entry("pods"));
}

fn entry(name: &str) -> rpc::Entry {
    rpc::Entry {
        id: name.to_owned(),
        selectors: vec!["k8s:ns:shop".to_owned(), "k8s:sa:web".to_owned()],
        spiffe_id: "spiffe://mesh.example/{k8s:sa}".to_owned(),
        svid_ttl_s: 60,
        origin: String::new(),
        groups: vec!["ops".to_owned()],
    }
}

type Client = AdminClient<Channel>;

fn create(town: &Town, mut client: Client, entry: rpc::Entry) -> Result<(), Status> {
    let request = rpc::CreateEntryRequest { entry: Some(entry) };
    town.wait(client.create_entry(request)).map(drop)
}

fn delete(town: &Town, name: &str) -> Result<(), Status> {
    let request = rpc::DeleteEntryRequest {
        id: name.to_owned(),
    };
    town.wait(town.operator().delete_entry(request)).map(drop)
}

fn list(town: &Town, mut client: Client) -> Result<rpc::ListEntriesResponse, Status> {
    let request = rpc::ListEntriesRequest {};
    town.wait(client.list_entries(request))
        .map(Response::into_inner)
}

fn token(town: &Town, mut client: Client) -> Result<(), Status> {
    let request = rpc::CreateJoinTokenRequest {
        spiffe_id: "spiffe://mesh.example/web".to_owned(),
        ..rpc::CreateJoinTokenRequest::default()
    };
    town.wait(client.create_join_token(request)).map(drop)
}

fn rotate(town: &Town, mut client: Client) -> Result<(), Status> {
    let request = rpc::RotateRequest {
        step: rpc::rotate_request::Step::Prepare.into(),
        key: String::new(),
    };
    town.wait(client.rotate(request)).map(drop)
}
