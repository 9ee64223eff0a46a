//! Tokens for the programs of the authority's own machine.

use portreeve::jwt::BundleDocument;
use portreeve::jwt::JwtBundles;
use portreeve::jwt::JwtSvid;
use portreeve::rpc::authority as rpc;
use portreeve::time::Clock as _;

use crate::authority::town::Town;
use crate::authority::town::refused;
use crate::authority::workload_api::user;

#[test]
fn a_program_gets_tokens_for_all_that_it_is_or_for_what_it_names() {
    let town = town();
    let program = town.program();
    let all = program.tokens("orders", "").unwrap();
    let names: Vec<_> = all
        .iter()
        .map(|svid| (&*svid.spiffe_id, &*svid.hint))
        .collect();
    assert_eq!(names, [(OTHER, "other"), (WEB, "web")]);
    for minted in &all {
        let named = program.validate("orders", &minted.svid).unwrap();
        assert_eq!(named, minted.spiffe_id);
    }
    let record = town.record_of("jwt_svid_issue");
    let uid = rustix::process::geteuid().as_raw();
    assert_eq!(
        record.says(["decision", "proof", "spiffe_id", "audience", "not_after"]),
        format!("permit workload_api {OTHER} orders 2030-01-01T00:05:00Z")
    );
    assert!(
        record
            .text("source")
            .starts_with(&format!("uid:{uid} pid:"))
    );
    let one = program.tokens("orders", WEB).unwrap();
    assert_eq!((one.len(), one[0].spiffe_id.as_str()), (1, WEB));

    let nobody = "PermissionDenied: no identity issued";
    let another = "spiffe://mesh.example/another";
    assert_eq!(refused(program.tokens("orders", another)), nobody);
    let record = town.record_of("workload_attest");
    assert_eq!(
        record.says(["decision", "wished"]),
        format!("deny {another}")
    );
    for (audience, why) in [
        ("", "a name in the audience is empty"),
        ("a\nb", "a name in the audience has a control character"),
        (
            &"a".repeat(513),
            "a name in the audience has 513 bytes, more than 512",
        ),
    ] {
        let told = refused(program.tokens(audience, ""));
        assert_eq!(told, format!("InvalidArgument: {why}"));
    }
    let told = refused(program.validate("billing", &one[0].svid));
    assert!(
        told.starts_with("InvalidArgument: the token is refused: "),
        "{told}"
    );
    town.pass(361);
    let told = refused(program.validate("orders", &one[0].svid));
    assert!(
        told.starts_with("InvalidArgument: the token is refused: "),
        "{told}"
    );
}

#[test]
fn a_token_holds_no_longer_than_what_its_entry_names() {
    let mut town = Town::with_programs("");
    for (name, ttl_s, ends) in [("web", 60, "01:00"), ("other", 3600, "05:00")] {
        town.svid_ttl_s = ttl_s;
        let id = format!("spiffe://mesh.example/{name}");
        town.enter(name, &[&user()], &id);
        town.program().tokens("orders", &id).unwrap();
        assert_eq!(
            town.record_of("jwt_svid_issue")
                .says(["spiffe_id", "not_after"]),
            format!("{id} 2030-01-01T00:{ends}Z")
        );
    }
}

#[test]
fn keys_are_told_until_the_program_is_nobody() {
    let town = town();
    let program = town.program();
    let mut keys = program.keys().unwrap();
    let told = program.next(&mut keys).unwrap();
    let document = &told.bundles["spiffe://mesh.example"];
    let document = BundleDocument::parse(document).unwrap();
    let domain = "mesh.example".parse().unwrap();
    let bundles = JwtBundles::from_iter([(domain, document.jwt_keys)]);
    let token = &program.tokens("orders", WEB).unwrap()[0].svid;
    let svid = JwtSvid::verify(token, "orders", &bundles, town.calendar.now()).unwrap();
    assert_eq!(svid.id().as_str(), WEB);

    for id in ["other", "web"] {
        let id = id.to_owned();
        let request = rpc::DeleteEntryRequest { id };
        town.wait(town.operator().delete_entry(request)).unwrap();
    }
    let nobody = "PermissionDenied: no identity issued";
    assert_eq!(refused(program.next(&mut keys)), nobody);
    assert_eq!(refused(program.tokens("orders", "")), nobody);
    assert_eq!(refused(program.validate("orders", token)), nobody);
}

/// A program here is two.
fn town() -> Town {
    let town = Town::with_programs("");
    let gid = format!("unix:gid:{}", rustix::process::getegid().as_raw());
    town.enter("other", &[&user(), &gid], OTHER);
    town.enter("web", &[&user()], WEB);
    town
}

const WEB: &str = "spiffe://mesh.example/web";
const OTHER: &str = "spiffe://mesh.example/other";
