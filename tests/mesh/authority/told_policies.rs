//! What the authority says of policies, message by message.

use portreeve::rpc::authority as rpc;
use portreeve::rpc::authority::authority_client::AuthorityClient;
use tonic::Response;
use tonic::Streaming;

use crate::authority::petitioner::Petitioner;
use crate::authority::petitioner::by_token;
use crate::authority::petitioner::key;
use crate::authority::policies;
use crate::authority::policies::permit;
use crate::authority::policies::rule;
use crate::authority::town::Town;

#[test]
fn who_wants_no_policies_is_told_none_and_who_has_a_document_does_not_get_it_again() {
    let town = policies::town();
    let token = town.token("web");
    let svid = town.newcomer().enrol(&key(), by_token(&token)).unwrap();
    let workload = town.workload(&svid);

    let mut silent = follow(&town, &workload, None);
    assert_eq!(next(&town, &mut silent).policy, None);
    let wish = |digest: &[u8]| {
        Some(rpc::PolicyWish {
            known_digest: digest.to_vec(),
        })
    };
    let mut states = follow(&town, &workload, wish(b""));
    let first = next(&town, &mut states).policy.unwrap();
    assert!(!first.document.is_empty());
    assert_eq!(first.version, 1);

    // Something else changes: the set is named, and its document left out.
    let revoke = rpc::RevokeRequest {
        reason: String::new(),
        what: Some(rpc::revoke_request::What::Serial("abcd".to_owned())),
    };
    town.wait(town.operator().revoke(revoke)).unwrap();
    let state = next(&town, &mut states);
    assert_eq!(state.revocations.len(), 1);
    let again = state.policy.unwrap();
    assert!(again.document.is_empty());
    assert_eq!(again.digest, first.digest);
    let mut knowing = follow(&town, &workload, wish(&first.digest));
    let known = next(&town, &mut knowing).policy.unwrap();
    assert!(known.document.is_empty());

    // Another set comes whole, to those who followed before as well.
    rule(&town, &permit("somebody"));
    for states in [&mut states, &mut knowing] {
        let other = next(&town, states).policy.unwrap();
        assert_eq!(other.version, 2);
        assert!(!other.document.is_empty());
    }
    // And nothing of it to who has not asked.
    let state = next(&town, &mut silent);
    assert_eq!((state.revocations.len(), state.policy), (1, None));

    let request = |policy| rpc::IssueRequest {
        csr: portreeve::x509::make_request(&key()).unwrap().to_vec(),
        spiffe_id: String::new(),
        proof: None,
        policy,
    };
    let mut client = AuthorityClient::new(workload.channel);
    for (wish, is_told, has_document) in [(None, false, false), (wish(&first.digest), true, true)] {
        let given = town.wait(client.issue(request(wish))).unwrap().into_inner();
        let told = given.state.unwrap().policy;
        assert_eq!(told.is_some(), is_told);
        let document = told.is_some_and(|told| !told.document.is_empty());
        assert_eq!(document, has_document);
    }
}

#[test]
fn the_last_ten_sets_are_kept_and_listed() {
    let town = policies::town();
    town.record_of("policy_publish");
    for number in 2..=12 {
        rule(&town, &permit(&format!("w{number}")));
        let record = town.record_of("policy_publish");
        assert_eq!(
            record.says(["decision", "version"]),
            format!("permit {number}")
        );
    }
    let list = || {
        let mut operator = town.operator();
        let listed = operator.list_policies(rpc::ListPoliciesRequest {});
        let listed = town.wait(listed).unwrap().into_inner();
        let versions: Vec<u64> = listed
            .policies
            .iter()
            .map(|policy| policy.version)
            .collect();
        (versions, listed.refused)
    };
    assert_eq!(list(), ((3..=12).rev().collect(), String::new()));
    rule(
        &town,
        "@id(\"a\") permit (principal, action, resource) when { context.x };",
    );
    town.shows("portreeve_authority_policy_load_failures_total 1");
    let (versions, refused) = list();
    assert_eq!(versions.len(), 10);
    assert!(refused.starts_with("mesh.cedar:1:"), "{refused}");
}

fn follow(
    town: &Town,
    workload: &Petitioner<'_>,
    policy: Option<rpc::PolicyWish>,
) -> Streaming<rpc::State> {
    let mut client = AuthorityClient::new(workload.channel.clone());
    let request = rpc::FollowRequest { policy };
    town.wait(client.follow(request))
        .map(Response::into_inner)
        .unwrap()
}

fn next(town: &Town, states: &mut Streaming<rpc::State>) -> rpc::State {
    town.wait(states.message()).unwrap().unwrap()
}
