//! Conditions of every kind, in every combination, mean what they mean to Cedar.

use super::*;
use crate::tables::ATOMS;
use crate::tables::ROUTES;

fn with_routes(lines: Vec<String>) -> (Policy, String) {
    let routes = ROUTES.map(str::to_owned);
    valid(named(routes.into_iter().chain(lines).collect()))
}

fn expression() -> impl Strategy<Value = String> {
    let atom = prop::sample::select(ATOMS.to_vec()).prop_map(str::to_owned);
    atom.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(a, b, c)| format!("(if {a} then {b} else {c})")),
        ]
    })
}

fn conditional() -> impl Strategy<Value = String> {
    let clause = (prop::sample::select(vec!["when", "unless"]), expression());
    (
        prop::sample::select(vec!["permit", "permit", "forbid"]),
        prop::sample::select(ACTIONS.to_vec()),
        prop::collection::vec(clause, 1..3),
    )
        .prop_map(|(effect, action, clauses)| {
            let clauses = clauses
                .iter()
                .map(|(word, text)| format!("{word} {{ {text} }}"));
            let condition = clauses.collect::<Vec<_>>().join(" ");
            world::line([effect, "principal", action, "resource", &condition])
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn conditions_mean_what_they_mean_to_cedar(
        lines in prop::collection::vec(conditional(), 1..5),
        requests in prop::collection::vec(asked(), 1..24),
    ) {
        let (policy, text) = with_routes(lines);
        agrees((policy, &text), &plain_set(&text), &requests)?;
    }
}

#[test]
fn each_part_of_a_condition_is_one_that_a_policy_may_have() {
    for atom in ATOMS {
        let condition = format!("when {{ {atom} }}");
        let line = world::line(["permit", "principal", "action", "resource", &condition]);
        let (policy, text) = with_routes(vec![line]);
        assert_eq!(policy.names().len(), 3, "{atom}\n{text}");
    }
}

/// What generated conditions meet by chance, each for itself.
#[test]
fn each_part_of_a_condition_means_what_it_means_to_cedar() {
    let requests: Vec<Asked> = (0..60_usize)
        .map(|nth| Asked {
            caller: nth % CALLERS.len(),
            service: picked(&SERVICES, nth),
            method: picked(&METHODS, nth / 3),
            path: picked(&PATHS, nth / 2),
            header: picked(&HEADERS, nth / 5),
            query: picked(&QUERIES, nth / 7),
            minute: picked(&MINUTES, nth / 2),
            source: picked(&SOURCES, nth / 3),
            tls: picked(&GROUPS, nth / 4),
        })
        .collect();
    for atom in ATOMS {
        let lines = ["when", "unless"].map(|word| {
            let condition = format!("{word} {{ {atom} }}");
            world::line(["permit", "principal", "action", "resource", &condition])
        });
        let (policy, text) = with_routes(lines.into());
        agrees((policy, &text), &plain_set(&text), &requests).unwrap();
    }
}

fn picked<T: Copy>(all: &[T], nth: usize) -> T {
    all[nth % all.len()]
}

/// As many as no single number has bits for.
#[test]
fn the_policies_of_a_large_set_are_all_heard() {
    let line = |number: usize| {
        let effect = if number == 99 { "forbid" } else { "permit" };
        let condition = format!("when {{ context.utc.minuteOfDay < {number} }}");
        world::line([effect, "principal", "action", "resource", &condition])
    };
    let (policy, text) = valid(named((0..=99).map(line).collect()));
    assert_eq!(policy.names().len(), 100);
    let (set, policy) = (plain_set(&text), Arc::new(policy));
    let mut decider = Decider::new();
    for minute in [0, 30, 63, 64, 65, 98, 99, 900] {
        let asked = Asked {
            caller: 0,
            service: "s",
            method: "GET",
            path: "/",
            header: None,
            minute,
            source: "10.1.2.3",
            query: None,
            tls: None,
        };
        let found = indexed(&mut decider, &policy, &asked);
        assert_eq!(found, plain(&policy, &set, &asked), "{minute}");
    }
}
