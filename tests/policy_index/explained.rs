//! An explanation says what was decided, and no more than is so.

use portreeve::policy::Effect;
use portreeve::policy::Explanation;
use portreeve::policy::Outcome as Found;
use portreeve::policy::Policy;
use portreeve::policy::PolicyName;

use super::*;
use crate::oracle::Outcome;

pub(crate) fn explained(policy: &Arc<Policy>, asked: &Asked) -> Explanation {
    world::put(asked, |what| match what {
        Ok(question) => policy.explain(question),
        Err(connection) => policy.explain_connection(connection),
    })
}

/// The policies of one effect with one outcome, sorted.
fn those(explanation: &Explanation, effect: Option<Effect>, word: &str) -> Vec<String> {
    let found = explanation.policies.iter();
    let found = found.filter(|f| effect.is_none_or(|effect| f.effect == effect));
    let found = found.filter(|f| f.outcome.as_str() == word);
    let mut names: Vec<String> = found.map(|f| f.policy.to_string()).collect();
    names.sort_unstable();
    names
}

/// What Cedar would make of what each policy says alone.
fn together(explanation: &Explanation) -> Outcome {
    let failed = those(explanation, None, "fails");
    if !failed.is_empty() {
        return ("evaluation_error", failed);
    }
    let forbids = those(explanation, Some(Effect::Forbid), "holds");
    if !forbids.is_empty() {
        return ("forbidden", forbids);
    }
    let permits = those(explanation, Some(Effect::Permit), "holds");
    let word = if permits.is_empty() {
        "no_permit"
    } else {
        "permit"
    };
    (word, permits)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn an_explanation_agrees_with_the_decision(
        lines in prop::collection::vec(line(), 0..24),
        requests in prop::collection::vec(asked(), 1..12),
    ) {
        let (policy, text) = valid(named(lines));
        let policy = Arc::new(policy);
        let mut decider = Decider::new();
        for asked in &requests {
            let decided = indexed(&mut decider, &policy, asked);
            let explanation = explained(&policy, asked);
            let answer = &explanation.answer;
            let word = answer.denial.as_ref().map_or("permit", |reason| reason.as_str());
            let names: Vec<String> = answer.policies.iter().map(PolicyName::to_string).collect();
            prop_assert_eq!(&(word, names), &decided, "{:?}\n{}", asked, text);
            prop_assert_eq!(together(&explanation), decided, "{:?}\n{}", asked, text);
            for found in &explanation.policies {
                // The whole is what its parts make in their order.
                let parts = found.conditions.iter().map(|condition| &condition.outcome);
                let whole = parts.clone().find(|part| **part != Found::Holds);
                let whole = whole.unwrap_or(&Found::Holds);
                prop_assert_eq!(whole.as_str(), found.outcome.as_str(), "{:?}\n{}", found, text);
            }
        }
    }

    #[test]
    fn who_misses_by_one_part_is_not_in_scope(
        lines in prop::collection::vec(line(), 0..24),
        asked in asked(),
    ) {
        let (policy, text) = valid(named(lines));
        let explanation = explained(&Arc::new(policy), &asked);
        for near in &explanation.near {
            let is_in_scope = explanation.policies.iter().any(|found| found.policy == near.policy);
            prop_assert!(!is_in_scope, "{}\n{}", near.policy, text);
            // `principal`, `action in …` and `resource in …` as they stand in the policy.
            let line = text.lines().find(|line| line.contains(near.policy.as_str())).unwrap();
            if near.part != "action" {
                let stands = format!("{} {}", near.part, near.demand);
                prop_assert!(line.contains(&stands), "{} in {}", stands, line);
            }
        }
    }
}
