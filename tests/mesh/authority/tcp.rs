//! Connections that are not HTTP, when one of their ends is believed no longer.

use std::fs;
use std::net::SocketAddr;

use portreeve::rpc::authority as rpc;
use portreeve::rpc::authority::revoke_request::What;

use crate::application::Application;
use crate::application::Call;
use crate::authority::town::Town;
use crate::caller::Caller;
use crate::stage::Sidecar;

#[test]
fn a_connection_ends_when_whoever_is_at_either_end_is_revoked() {
    for (revoked, cut_by_its_peer) in [("web", "orders"), ("orders", "web")] {
        let town = Town::new();
        fs::create_dir_all(town.path("policy")).unwrap();
        fs::write(town.path("policy/mesh.cedar"), CONNECT).unwrap();
        let application = Application::start();
        let orders = beside("orders", &town, application.address());
        let door = orders.running.addresses().tcp_inbound[0];
        let [web, ops] = ["web", "ops"].map(|name| beside(name, &town, door));
        town.shows("portreeve_authority_followers 3");
        let (mut caller, mut call) = talking(&web, &application);
        let (mut other, mut twin) = talking(&ops, &application);

        revoke(&town, revoked);
        assert!(caller.is_reset(), "an orderly end");
        assert!(call.is_reset(), "an orderly end");
        let peer = if cut_by_its_peer == "web" {
            &web
        } else {
            &orders
        };
        let record = peer.records.next();
        assert_eq!(
            record.says(["decision", "protocol", "reason", "bytes_in"]),
            "permit TCP revoked 3"
        );
        if revoked == "web" {
            other.send("still;");
            assert_eq!(twin.until(";"), "still;");
        } else {
            assert!(other.is_reset(), "an orderly end");
        }
    }
}

/// The sidecar beside `name`: `orders`, with its application at `to`, or one that calls it there.
fn beside(name: &str, town: &Town, to: SocketAddr) -> Sidecar {
    let door = if name == "orders" {
        format!("inbound: [{{ listen: \"127.0.0.1:0\", service: db, app: \"{to}\" }}]")
    } else {
        format!(
            "outbound: [{{ listen: \"127.0.0.1:0\", to: \"{to}\", expect: \"spiffe://mesh.example/orders\", service: db }}]"
        )
    };
    town.sidecar(name, &format!("tcp: {{ {door} }}"), &town.by_token(name))
}

/// A connection through `sidecar` on which a word has crossed.
fn talking(sidecar: &Sidecar, application: &Application) -> (Caller, Call) {
    let mut caller = Caller::plain(sidecar.running.addresses().tcp_outbound[0]);
    caller.send("in;");
    let mut call = application.call();
    assert_eq!(call.until(";"), "in;");
    (caller, call)
}

fn revoke(town: &Town, name: &str) {
    let id = format!("spiffe://mesh.example/{name}");
    let request = rpc::RevokeRequest {
        reason: String::new(),
        what: Some(What::SpiffeId(id)),
    };
    town.wait(town.operator().revoke(request)).unwrap();
}

const CONNECT: &str = r#"
@id("workloads-connect")
permit (principal, action == Action::"connect", resource in Service::"db");
"#;
