//! A shadow changes no decision, and says what it would change.

use portreeve::policy::PolicyName;

use super::*;
use crate::explained::explained;

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_shadow_decides_nothing_and_says_what_it_would(
        lines in prop::collection::vec((line(), any::<bool>()), 0..24),
        requests in prop::collection::vec(asked(), 1..12),
    ) {
        let is_shadow: Vec<bool> = lines.iter().map(|(_, is_shadow)| *is_shadow).collect();
        let lines = named(lines.into_iter().map(|(line, _)| line).collect());
        let marked = lines.iter().zip(&is_shadow).map(|(line, is_shadow)| {
            let mark = if *is_shadow { "@shadow(\"to be seen\") " } else { "" };
            format!("{mark}{line}")
        });
        let (policy, text) = valid(marked.collect());
        let enforced: Vec<&str> = text.lines().filter(|line| !line.contains("@shadow")).collect();
        let (enforced, all) = (plain_set(&enforced.join("\n")), plain_set(&text));
        let policy = Arc::new(policy);
        let mut decider = Decider::new();
        for asked in &requests {
            let decided = indexed(&mut decider, &policy, asked);
            prop_assert_eq!(&decided, &plain(&policy, &enforced, asked), "{:?}\n{}", asked, text);
            let would = plain(&policy, &all, asked);
            let told = explained(&policy, asked).answer.shadow;
            let word = told.as_ref().map_or(decided.0, |shadow| {
                shadow.denial.as_ref().map_or("permit", |reason| reason.as_str())
            });
            prop_assert_eq!(word, would.0, "{:?}\n{}", asked, text);
            if let Some(shadow) = told {
                let is_other = (would.0 == "permit") != (decided.0 == "permit");
                prop_assert_eq!(shadow.is_other, is_other);
                let named = |name: &PolicyName| text.lines().find(|line| line.contains(name.as_str()));
                for name in shadow.policies.iter() {
                    prop_assert!(named(name).unwrap().contains("@shadow"), "{}", name);
                }
                prop_assert!(!shadow.policies.is_empty());
            }
        }
    }
}
