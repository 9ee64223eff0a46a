//! The indexed decision is that of plain Cedar over the whole set, with the
//! tables and the oracle of the property test.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::arbitrary;
use libfuzzer_sys::arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;
use portreeve::policy::Decider;

#[path = "../../tests/policy_index/oracle.rs"]
mod oracle;
#[path = "../../tests/policy_index/tables.rs"]
mod tables;
#[path = "../../tests/policy_index/world.rs"]
mod world;

use tables::Asked;

fuzz_target!(|data: &[u8]| {
    // What is left when the input ends is chosen as the first of each table.
    let _ended = check(&mut Unstructured::new(data));
});

fn check(input: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let count = input.int_in_range(0..=23)?;
    let lines = (0..count)
        .map(|_| line(input))
        .collect::<Result<Vec<_>, _>>()?;
    let routes = tables::ROUTES.map(str::to_owned);
    let lines = routes.into_iter().chain(lines).collect();
    let (policy, text) = world::valid(world::named(lines));
    let set = oracle::plain_set(&text);
    assert_eq!(set.num_of_policies(), policy.names().len());
    let policy = Arc::new(policy);
    let mut decider = Decider::new();
    for _ in 0..input.int_in_range(1..=8)? {
        let asked = asked(input)?;
        let expected = oracle::plain(&policy, &set, &asked);
        // Asked twice: what is remembered must say the same.
        for _ in 0..2 {
            let found = world::indexed(&mut decider, &policy, &asked);
            assert_eq!(found, expected, "{asked:?}\n{text}");
        }
    }
    Ok(())
}

fn line(input: &mut Unstructured<'_>) -> arbitrary::Result<String> {
    let condition = match input.arbitrary()? {
        false => (*input.choose(&tables::CONDITIONS)?).to_owned(),
        true => {
            let word = input.choose(&["when", "unless"])?;
            format!("{word} {{ {} }}", expression(input, 3)?)
        }
    };
    Ok(world::line([
        input.choose(&tables::EFFECTS)?,
        input.choose(&tables::PRINCIPALS)?,
        input.choose(&tables::ACTIONS)?,
        input.choose(&tables::RESOURCES)?,
        &condition,
    ]))
}

/// An expression, of expressions no deeper than `depth`.
fn expression(input: &mut Unstructured<'_>, depth: u8) -> arbitrary::Result<String> {
    let kind = if depth == 0 {
        0
    } else {
        input.int_in_range(0..=4)?
    };
    let mut part = || expression(input, depth.saturating_sub(1));
    Ok(match kind {
        1 => format!("!({})", part()?),
        2 => format!("({} && {})", part()?, part()?),
        3 => format!("({} || {})", part()?, part()?),
        4 => format!("(if {} then {} else {})", part()?, part()?, part()?),
        _ => (*input.choose(&tables::ATOMS)?).to_owned(),
    })
}

fn asked(input: &mut Unstructured<'_>) -> arbitrary::Result<Asked> {
    Ok(Asked {
        caller: input.choose_index(tables::CALLERS.len())?,
        service: input.choose(&tables::SERVICES)?,
        method: input.choose(&tables::METHODS)?,
        path: input.choose(&tables::PATHS)?,
        header: *input.choose(&tables::HEADERS)?,
        query: *input.choose(&tables::QUERIES)?,
        tls: *input.choose(&tables::GROUPS)?,
        minute: *input.choose(&tables::MINUTES)?,
        source: input.choose(&tables::SOURCES)?,
    })
}
