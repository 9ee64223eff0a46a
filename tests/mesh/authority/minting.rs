//! Tokens for whoever shows an SVID.

use std::time::Duration;

use portreeve::identity::Svid;
use portreeve::jwt::BundleDocument;
use portreeve::jwt::JwtBundles;
use portreeve::jwt::JwtSvid;
use portreeve::rpc::authority as rpc;
use portreeve::rpc::authority::authority_client::AuthorityClient;
use portreeve::rpc::authority::revoke_request::What;
use portreeve::time::Clock as _;
use tonic::Response;
use tonic::Status;

use crate::authority::petitioner::Petitioner;
use crate::authority::renewal::joined;
use crate::authority::revocation::revoke;
use crate::authority::town::Town;
use crate::authority::town::refused;

#[test]
fn whoever_shows_an_svid_gets_a_token_for_its_own_name() {
    let (town, svid) = joined("");
    let keys = keys(&town, &svid);
    let workload = town.workload(&svid);
    let token = mint(&town, &workload, &["orders", "billing"]).unwrap();
    let now = town.calendar.now();
    for audience in ["orders", "billing"] {
        let minted = JwtSvid::verify(&token, audience, &keys, now).unwrap();
        assert_eq!(minted.id(), svid.id());
        assert_eq!(minted.expires_at(), now + Duration::from_secs(300));
    }
    let others = JwtSvid::verify(&token, "others", &keys, now);
    assert!(others.is_err(), "{others:?}");
    assert_eq!(
        town.records.next().says([
            "event",
            "decision",
            "proof",
            "caller",
            "caller_serial",
            "spiffe_id",
            "audience",
            "not_after"
        ]),
        format!(
            "jwt_svid_issue permit svid {id} {} {id} billing orders 2030-01-01T00:05:00Z",
            svid.leaf().serial(),
            id = svid.id()
        )
    );
    town.shows("portreeve_authority_jwt_svid_requests_total{proof=\"svid\",result=\"issued\"} 1");
    let records = std::fs::read_to_string(town.path("authority.db"));
    assert!(!records.unwrap_or_default().contains(&token));
}

#[test]
fn a_token_never_outlives_the_svid_that_it_rests_on() {
    let (town, svid) = joined("svid_ttl_s: 2592000\njwt_svid_ttl_s: 600");
    let keys = keys(&town, &svid);
    let workload = town.workload(&svid);
    town.pass(3500);
    let token = mint(&town, &workload, &["orders"]).unwrap();
    let minted = JwtSvid::verify(&token, "orders", &keys, town.calendar.now()).unwrap();
    assert!(minted.expires_at() <= svid.not_after());
    assert!(minted.expires_at() + Duration::from_secs(1) > svid.not_after());
    town.records.next();
    town.pass(200);
    let told = refused(mint(&town, &town.workload(&svid), &["orders"]));
    assert_eq!(told, "PermissionDenied: the SVID that was shown has ended");
    assert_eq!(
        town.records
            .next()
            .says(["event", "decision", "reason", "caller"]),
        format!("jwt_svid_issue deny svid_ended {}", svid.id())
    );
}

#[test]
fn nobody_gets_a_token_and_none_is_for_nobody() {
    let (town, svid) = joined("");
    let long = "a".repeat(513);
    let many: Vec<String> = (0..17).map(|number| number.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let workload = town.workload(&svid);
    for (audience, why) in [
        (&[][..], "the audience must name somebody"),
        (&["orders", ""], "a name in the audience is empty"),
        (
            &[&long],
            "a name in the audience has 513 bytes, more than 512",
        ),
        (&many, "the audience has more than 16 names"),
    ] {
        let told = refused(mint(&town, &workload, audience));
        assert_eq!(
            told,
            format!("InvalidArgument: the audience is not acceptable: {why}")
        );
        assert_eq!(
            town.records.next().says(["event", "decision", "reason"]),
            "jwt_svid_issue refused bad_audience"
        );
    }
    mint(&town, &workload, &many[1..]).unwrap();
    town.records.next();

    let told = refused(mint(&town, &town.newcomer(), &["orders"]));
    assert!(
        told.starts_with("Unauthenticated: nothing was proved"),
        "{told}"
    );
    assert_eq!(
        town.records
            .next()
            .says(["event", "decision", "reason", "caller"]),
        "jwt_svid_issue deny no_proof "
    );
    revoke(&town, What::SpiffeId(svid.id().to_string()));
    let told = refused(mint(&town, &town.workload(&svid), &["orders"]));
    assert_eq!(told, "PermissionDenied: it is revoked");
    assert_eq!(
        town.records.next().says(["event", "decision", "reason"]),
        "jwt_svid_issue deny revoked"
    );
}

#[test]
fn an_address_that_asks_for_too_many_waits() {
    let (town, svid) = joined("issues_per_second: 1");
    let workload = town.workload(&svid);
    let told = (0..200).find_map(|_| mint(&town, &workload, &["orders"]).err());
    assert_eq!(
        refused(Err::<(), _>(told.unwrap())),
        "ResourceExhausted: too many requests from this address; ask again in a second"
    );
    while town.record_of("jwt_svid_issue").text("reason") != "too_many_requests" {}
}

fn mint(town: &Town, workload: &Petitioner<'_>, audience: &[&str]) -> Result<String, Status> {
    let mut client = AuthorityClient::new(workload.channel.clone());
    let audience = audience.iter().map(ToString::to_string).collect();
    let minted = town.wait(client.mint_jwt(rpc::MintJwtRequest { audience }));
    minted.map(Response::into_inner).map(|minted| minted.token)
}

/// What the authority tells whoever has `svid` to check tokens with.
fn keys(town: &Town, svid: &Svid) -> JwtBundles {
    let mut told = town.workload(svid).follow().unwrap();
    let state = town.wait(told.message()).unwrap().unwrap();
    let read = |bundle: rpc::Bundle| {
        let document = BundleDocument::parse(&bundle.jwt_keys).unwrap();
        (bundle.trust_domain.parse().unwrap(), document.jwt_keys)
    };
    state.bundles.into_iter().map(read).collect()
}
