//! The indexed decision is that of plain Cedar over the whole set.
//!
//! Sets are generated heavy on scopes, with forbids, groups, overlapping
//! routes and conditions that fail. The oracle knows nothing of the index: it
//! gives Cedar's authorizer every policy, the whole context, and the entities
//! as JSON.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot be set up has failed"
)]

use std::sync::Arc;

use cedar_policy::PolicySet;
use portreeve::policy::Decider;
use portreeve::policy::Policy;
use proptest::prelude::*;

mod conditions;
mod explained;
mod oracle;
mod shadows;
mod tables;
mod world;

use oracle::plain;
use oracle::plain_set;
use tables::ACTIONS;
use tables::Asked;
use tables::CALLERS;
use tables::CONDITIONS;
use tables::EFFECTS;
use tables::GROUPS;
use tables::HEADERS;
use tables::METHODS;
use tables::MINUTES;
use tables::PATHS;
use tables::PRINCIPALS;
use tables::QUERIES;
use tables::RESOURCES;
use tables::SERVICES;
use tables::SOURCES;
use world::indexed;
use world::named;
use world::valid;

fn line() -> impl Strategy<Value = String> {
    (
        prop::sample::select(EFFECTS.to_vec()),
        prop::sample::select(PRINCIPALS.to_vec()),
        prop::sample::select(ACTIONS.to_vec()),
        prop::sample::select(RESOURCES.to_vec()),
        prop::sample::select(CONDITIONS.to_vec()),
    )
        .prop_map(|(effect, principal, action, resource, condition)| {
            world::line([effect, principal, action, resource, condition])
        })
}

fn asked() -> impl Strategy<Value = Asked> {
    (
        0..CALLERS.len(),
        prop::sample::select(SERVICES.to_vec()),
        prop::sample::select(METHODS.to_vec()),
        prop::sample::select(PATHS.to_vec()),
        prop::sample::select(HEADERS.to_vec()),
        prop::sample::select(QUERIES.to_vec()),
        prop::sample::select(MINUTES.to_vec()),
        prop::sample::select(SOURCES.to_vec()),
        prop::sample::select(GROUPS.to_vec()),
    )
        .prop_map(
            |(caller, service, method, path, header, query, minute, source, tls)| Asked {
                caller,
                service,
                method,
                path,
                header,
                query,
                minute,
                source,
                tls,
            },
        )
}

/// Whether the index says what plain Cedar says, also when it is asked again.
fn agrees(
    (policy, text): (Policy, &str),
    set: &PolicySet,
    requests: &[Asked],
) -> Result<(), TestCaseError> {
    let policy = Arc::new(policy);
    let mut decider = Decider::new();
    for asked in requests.iter().chain(requests) {
        let expected = plain(&policy, set, asked);
        let found = indexed(&mut decider, &policy, asked);
        prop_assert_eq!(found, expected, "{:?}\n{}", asked, text);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_index_changes_nothing(
        lines in prop::collection::vec(line(), 0..24),
        requests in prop::collection::vec(asked(), 1..24),
    ) {
        let (policy, text) = valid(named(lines));
        let set = plain_set(&text);
        prop_assert_eq!(set.num_of_policies(), policy.names().len());
        agrees((policy, &text), &set, &requests)?;
    }
}

#[test]
fn the_generated_sets_reach_every_outcome() {
    let lines = |lines: &[&str]| named(lines.iter().map(|&line| line.to_owned()).collect());
    let sets = [
        (lines(&[]), "no_permit"),
        (lines(&["permit(principal, action, resource);"]), "permit"),
        (
            lines(&[
                "permit(principal, action, resource);",
                "forbid(principal, action, resource);",
            ]),
            "forbidden",
        ),
        (
            lines(&[
                "permit(principal, action, resource) when { context.utc.minuteOfDay * 9223372036854775807 > 0 };",
            ]),
            "evaluation_error",
        ),
    ];
    let asked = Asked {
        caller: 0,
        service: "s",
        method: "GET",
        path: "/",
        query: None,
        header: None,
        minute: 2,
        source: "10.1.2.3",
        tls: None,
    };
    for (lines, outcome) in sets {
        let (policy, text) = valid(lines);
        let (set, policy) = (plain_set(&text), Arc::new(policy));
        let found = indexed(&mut Decider::new(), &policy, &asked);
        assert_eq!(found.0, outcome);
        assert_eq!(found, plain(&policy, &set, &asked));
    }
}
