//! Tokens that a sidecar gets from the authority for the programs beside it.

use futures_util::future::join_all;
use portreeve::rpc::authority::revoke_request::What;

use crate::authority::revocation::revoke;
use crate::authority::town::Town;
use crate::authority::town::refused;
use crate::authority::town::until;
use crate::stage::Sidecar;

#[test]
fn programs_beside_a_sidecar_share_its_tokens_until_half_of_their_life() {
    let (town, web) = town();
    let program = town.program_at(town.path("web.sock"));
    let asked: Vec<_> = (0..20)
        .map(|_| program.asks_for_tokens("orders", ""))
        .collect();
    let minted = town.wait(join_all(asked));
    let minted: Vec<_> = minted
        .into_iter()
        .map(|minted| minted.unwrap().into_inner().svids)
        .collect();
    assert!(minted.iter().all(|svids| *svids == minted[0]));
    let token = &minted[0][0];
    assert_eq!(token.spiffe_id, WEB);
    assert_eq!(program.validate("orders", &token.svid).unwrap(), WEB);
    let told = refused(program.validate("billing", &token.svid));
    assert!(
        told.starts_with("InvalidArgument: the token is refused"),
        "{told}"
    );
    assert_eq!(
        refused(program.tokens("orders", "spiffe://mesh.example/orders")),
        "PermissionDenied: no identity issued"
    );
    assert_eq!(program.tokens("orders", WEB).unwrap(), minted[0]);
    assert_ne!(program.tokens("billing", "").unwrap(), minted[0]);
    town.pass(149);
    assert_eq!(program.tokens("orders", "").unwrap(), minted[0]);
    town.pass(2);
    assert_ne!(program.tokens("orders", "").unwrap(), minted[0]);
    for audience in ["orders", "billing", "orders"] {
        assert_eq!(
            town.record_of("jwt_svid_issue")
                .says(["decision", "caller", "audience"]),
            format!("permit {WEB} {audience}")
        );
    }
    web.shows("portreeve_workload_api_calls_total{code=\"Ok\",method=\"FetchJWTSVID\"} 24");

    let mut keys = program.keys().unwrap();
    let keys = program.next(&mut keys).unwrap();
    assert_eq!(
        keys.bundles.keys().collect::<Vec<_>>(),
        ["spiffe://mesh.example"]
    );
}

#[test]
fn while_the_authority_is_away_tokens_of_before_are_good_to_their_end() {
    let (mut town, web) = town();
    let socket = town.path("web.sock");
    let first = town
        .program_at(socket.clone())
        .tokens("orders", "")
        .unwrap();
    town.stop();
    town.pass(200);
    {
        let program = town.program_at(socket.clone());
        assert_eq!(program.tokens("orders", "").unwrap(), first);
        assert_eq!(
            refused(program.tokens("billing", "")),
            "Unavailable: the authority gives no token now"
        );
        town.pass(100);
        assert_eq!(
            refused(program.tokens("orders", "")),
            "Unavailable: the authority gives no token now"
        );
    }
    town.start();
    let program = town.program_at(socket);
    until(|| program.tokens("orders", "").is_ok());
    assert_ne!(program.tokens("orders", "").unwrap(), first);

    revoke_heard(&town);
    assert_eq!(
        refused(program.tokens("others", "")),
        "PermissionDenied: no identity issued"
    );
    drop(web);
}

fn revoke_heard(town: &Town) {
    while town.record_of("jwt_svid_issue").text("decision") != "permit" {}
    revoke(town, What::SpiffeId(WEB.to_owned()));
}

fn town() -> (Town, Sidecar) {
    let town = Town::new();
    let proof = town.by_token("web");
    let door = "outbound: [{ listen: \"127.0.0.1:0\", to: \"127.0.0.1:1\", expect: \"spiffe://mesh.example/orders\", service: orders }]
workload_api: { socket: web.sock }";
    let web = town.sidecar("web", door, &proof);
    (town, web)
}

const WEB: &str = "spiffe://mesh.example/web";
