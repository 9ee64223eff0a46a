//! Pomerium's documentation and tests, case by case.

use std::fs;

use portreeve::import::Route;
use portreeve::import::pomerium;
use serde::Deserialize;
use serde_json::Value;

use crate::corpus::Counts;
use crate::corpus::tables;
use crate::plain::ALICE;
use crate::plain::Asking;
use crate::plain::permits;

/// The route, and whose people are meant.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Meant {
    from: Option<String>,
    /// Without `--provider`.
    no_provider: bool,
}

#[test]
fn what_pomerium_documents_and_tests_is_decided_as_there_or_refused() {
    let mut counts = Counts::default();
    for table in tables::<Value, Meant>("pomerium") {
        for case in &table.cases {
            let provider = (!case.to.no_provider).then(|| "idp".to_owned());
            let route = Route {
                from: case.to.from.clone(),
                provider,
                service: "orders".parse().unwrap(),
            };
            let text = serde_json::to_string_pretty(&case.policies).unwrap();
            let became = pomerium(&text, &route);
            let lets_in = |row: &str| {
                let imported = pomerium(&text, &route).unwrap();
                permits(&imported.cedar, &asking(row))
            };
            case.check((&table.from, &text), &became, &lets_in, &mut counts);
        }
    }
    assert!(counts.faults.is_empty(), "{}", counts.faults.join("\n\n"));
    let said = counts.said();
    let readme = fs::read_to_string("deploy/policy/README.md").unwrap();
    let readme = readme.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(readme.contains(&format!("Pomerium: {said}.")), "{said}");
}

/// Whom the row speaks of: `nobody`, a SPIFFE ID or a user; then a method and a
/// path, if they matter, and `email=`, `groups=`, `from=`, `at=` (UTC), `origin`
/// (a preflight's headers); every other word is a claim.
fn asking(row: &str) -> Asking {
    let kept = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
    let several =
        |text: &str| -> &'static [&'static str] { Box::leak(text.split(',').map(kept).collect()) };
    let mut words = row.split(' ');
    let who = words.next().unwrap();
    let mut asking = Asking {
        who: if who == "nobody" { "" } else { kept(who) },
        email: None,
        teams: &[],
        staff: None,
        groups: &[],
        path: "/",
        ..ALICE
    };
    let mut claims = Vec::new();
    while let Some(word) = words.next() {
        match word.split_once('=') {
            None if word == "origin" => asking.origin = true,
            None => {
                asking.method = kept(word);
                asking.path = kept(words.next().unwrap());
            }
            Some(("email", email)) => asking.email = Some(kept(email)),
            Some(("groups", groups)) => asking.groups = several(groups),
            Some(("from", source)) => asking.source = kept(source),
            Some(("at", time)) => {
                let (hour, minute) = time.split_once(':').unwrap();
                let (hour, minute): (i64, i64) = (hour.parse().unwrap(), minute.parse().unwrap());
                asking.minute = hour * 60 + minute;
            }
            Some((claim, values)) => claims.push((kept(claim), several(values))),
        }
    }
    asking.claims = Box::leak(claims.into_boxed_slice());
    asking
}
