//! What Pomerium decides, modelled from its documentation, beside what the
//! translation decides; and what has no translation.

use portreeve::import::Route;
use portreeve::import::pomerium;
use proptest::prelude::*;

use crate::plain::ALICE;
use crate::plain::Asking;
use crate::plain::NOBODY;
use crate::plain::WEB;
use crate::plain::permits;
use crate::pomerium::imported;
use crate::pomerium::route;

#[test]
fn what_has_no_translation_is_refused_with_its_line() {
    for (criterion, why) in CRITERIA {
        let text = format!("allow:\n  and:\n    - accept: true\n    - {{ {criterion} }}\n");
        refused(&text, &route(), 4, why);
    }
    let anonymous = Route {
        provider: None,
        ..route()
    };
    for criterion in ["user: { is: a }", "groups: { has: a }"] {
        let text = format!("allow:\n  and: [{{ {criterion} }}]\n");
        refused(&text, &anonymous, 2, "--provider NAME");
    }
    for (text, line, why) in FILES {
        refused(text, &route(), *line, why);
    }
    let from = Route {
        from: Some("https://b".to_owned()),
        ..route()
    };
    refused("from: https://a\n", &from, 0, "no route is from there");
}

fn refused(text: &str, route: &Route, line: u64, why: &str) {
    let Err(refused) = pomerium(text, route) else {
        panic!("{why}\n{text}");
    };
    let shown = format!("{why}\n{refused:?}\n{text}");
    assert!(refused.iter().any(|one| one.text.contains(why)), "{shown}");
    assert!(refused.iter().any(|one| one.line == line), "{line} {shown}");
}

#[test]
fn nothing_in_a_value_gets_out_of_its_quotes() {
    let evil = r#"{ "allow": { "or": [{ "email": { "is": "\") || true || (\"" } }, { "email": { "contains": "a\\*" } }, { "http_method": "\u0007" }] } }"#;
    let imported = imported(evil);
    for asking in [ALICE, NOBODY, WEB] {
        assert!(!permits(&imported.cedar, &asking), "{}", imported.cedar);
    }
    let named = Asking {
        email: Some("\") || true || (\""),
        ..ALICE
    };
    assert!(permits(&imported.cedar, &named), "{}", imported.cedar);
}

/// A criterion as it is written, and as it holds.
type Kind = (&'static str, fn(&Asking) -> bool);

fn email(asking: &Asking) -> Option<&'static str> {
    is_person(asking).then(|| asking.email.unwrap_or_default())
}

fn is_person(asking: &Asking) -> bool {
    !asking.who.is_empty() && !asking.who.starts_with("spiffe:")
}

fn domain(asking: &Asking) -> Option<&'static str> {
    Some(email(asking)?.split_once('@')?.1)
}

const KINDS: [Kind; 16] = [
    ("accept: 1", |_| true),
    ("reject: 1", |_| false),
    ("authenticated_user: 1", is_person),
    ("email: { is: a@x.org }", |a| email(a) == Some("a@x.org")),
    ("email: { not: a@x.org, not_in: [b@x.org] }", |a| {
        email(a).is_some_and(|e| e != "a@x.org" && e != "b@x.org")
    }),
    ("domain: x.org", |a| domain(a) == Some("x.org")),
    ("domain: { not: x.org }", |a| {
        domain(a).is_some_and(|d| d != "x.org")
    }),
    ("domain: { contains: x, starts_with: \"y\" }", |a| {
        domain(a).is_some_and(|d| d.contains('x') && d.starts_with('y'))
    }),
    ("user: { in: [alice, bob] }", |a| {
        ["alice", "bob"].contains(&a.who)
    }),
    ("groups: { exclude: ops }", |a| {
        is_person(a) && !a.groups.contains(&"ops")
    }),
    ("groups: ops", |a| is_person(a) && a.groups.contains(&"ops")),
    ("claim/team: ops", |a| {
        is_person(a) && a.teams.contains(&"ops")
    }),
    ("claims/staff: true", |a| {
        is_person(a) && a.staff == Some(true)
    }),
    ("http_method: { in: [GET, PUT] }", |a| {
        ["GET", "PUT"].contains(&a.method)
    }),
    ("http_path: { starts_with: /a }", |a| {
        a.path.starts_with("/a")
    }),
    ("client_certificate: { san_uri: { ends_with: web } }", |a| {
        a.who.starts_with("spiffe:") && a.who.ends_with("web")
    }),
];

/// Whether it denies, its operator, and its criteria.
type Rule = (bool, usize, Vec<usize>);

const OPERATORS: [&str; 4] = ["and", "or", "not", "nor"];

fn holds((denies, operator, criteria): &Rule, asking: &Asking) -> bool {
    // Whose address is not known may have one with two domains.
    let of_domains = criteria.iter().any(|&at| KINDS[at].0.starts_with("domain"));
    if of_domains && is_person(asking) && asking.email.is_none() {
        return *denies;
    }
    let mut all = criteria.iter().map(|&at| KINDS[at].1(asking));
    match (criteria.is_empty(), OPERATORS[*operator]) {
        (true, _) => false,
        (_, "and") => all.all(|holds| holds),
        (_, "or") => all.any(|holds| holds),
        (_, "not") => all.all(|holds| !holds),
        _ => all.any(|holds| !holds),
    }
}

fn write((denies, operator, criteria): &Rule) -> String {
    let action = if *denies { "deny" } else { "allow" };
    let criteria = criteria.iter().map(|&at| format!("{{ {} }}", KINDS[at].0));
    let criteria = criteria.collect::<Vec<_>>().join(", ");
    format!("- {action}: {{ {}: [{criteria}] }}\n", OPERATORS[*operator])
}

fn callers() -> Vec<Asking> {
    let person = |who, email, groups| Asking {
        who,
        email,
        groups,
        ..ALICE
    };
    let of_team = |teams, staff| Asking {
        teams,
        staff,
        ..person("fay", Some("f@x.org"), &[])
    };
    let web = |who| Asking { who, ..WEB };
    let callers = [
        NOBODY,
        WEB,
        web("spiffe://td/x"),
        person("alice", Some("a@x.org"), &["ops"]),
        person("bob", Some("b@x.org"), &[]),
        person("carol", Some("c@yx.org"), &["ops", "dev"]),
        person("dan", None, &["dev"]),
        person("erin", Some("no-domain"), &[]),
        of_team(&["ops"], Some(false)),
        of_team(&[], None),
    ];
    let of = |asking: Asking| {
        [("GET", "/a/1"), ("POST", "/a"), ("PUT", "/b")].map(|(method, path)| Asking {
            method,
            path,
            ..asking
        })
    };
    callers.into_iter().flat_map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn a_translation_decides_as_pomerium_does(
        rules in prop::collection::vec(
            (any::<bool>(), 0..4_usize, prop::collection::vec(0..KINDS.len(), 0..4)), 1..4),
    ) {
        let text: String = rules.iter().map(write).collect();
        // What nobody can be, such as a workload that has signed in, is refused.
        let Ok(imported) = pomerium(&text, &route()) else {
            let refused = pomerium(&text, &route()).unwrap_err();
            prop_assert!(refused.iter().all(|one| one.text.contains("impossible")), "{:?}", refused);
            return Ok(());
        };
        for asking in callers() {
            let some = |denies: bool| rules.iter().any(|rule| rule.0 == denies && holds(rule, &asking));
            prop_assert_eq!(
                permits(&imported.cedar, &asking),
                some(false) && !some(true),
                "{:?}\n{}\n{}", asking, text, imported.cedar
            );
        }
    }

    #[test]
    fn any_text_is_translated_or_refused(text in "((allow|deny|and|or|not|from|policy|routes|email|is): ?)?([ a-z:{}\\[\\],\n\"*/-]{0,12}){0,12}") {
        if let Err(refused) = pomerium(&text, &route()) {
            prop_assert!(!refused.is_empty());
        }
    }
}

/// Criteria without a translation, and why.
const CRITERIA: &[(&str, &str)] = &[
    ("claim/a.b: Smith", "may be inside of another"),
    ("claim/a/b: Smith", "may be inside of another"),
    ("claim: Smith", "may be inside of another"),
    ("\"claim/a b\": Smith", "is not the name of a claim"),
    ("claim/level: 7", "with a text or a flag"),
    ("claim/a: [b]", "with a text or a flag"),
    ("device: { type: any }", "devices are not known"),
    ("mcp_tool: { is: query }", "tools are not known"),
    ("record: { type: a, exists: true }", "external records"),
    ("ssh_username: { is: a }", "no SSH"),
    ("pomerium_routes: true", "no such routes"),
    (
        "invalid_client_certificate: true",
        "leave it out of a `deny`",
    ),
    ("day_of_week: tue-fri", "in which time zone"),
    ("header: a", "no such criterion"),
    ("accept: false", "`false` changes nothing"),
    (
        "date: { after: \"2020-01-02T16:20:00\" }",
        "its offset from UTC",
    ),
    (
        "date: { since: \"2020-01-02T16:20:00Z\" }",
        "the operator `since`",
    ),
    ("date: { after: \"1960-01-02T16:20:00Z\" }", "before 1970"),
    ("time_of_day: { after: \"10:00\" }", "no `timezone`"),
    (
        "time_of_day: { timezone: Mars/Base, after: \"10:00\" }",
        "not an IANA time zone",
    ),
    (
        "time_of_day: { timezone: UTC, after: \"10:00:30\" }",
        "no full minute",
    ),
    (
        "time_of_day: { timezone: UTC, at: \"10:00\" }",
        "the operator `at`",
    ),
    (
        "client_certificate: { fingerprint: a }",
        "known by its SPIFFE ID",
    ),
    (
        "client_certificate: { san_dns: { is: a } }",
        "known by its SPIFFE ID",
    ),
    ("client_certificate: a", "where a map is due"),
    ("email: { matches: a }", "the operator `matches`"),
    ("email: { is: \"\" }", "an empty value"),
    ("email: { is: 7 }", "a number where a text is due"),
    ("email: [a]", "a list where a text is due"),
    ("email: {}", "without an operator"),
    ("email: { in: a }", "a text where a list is due"),
    ("domain: { is: \"a@b\" }", "part of no domain"),
    ("user: { starts_with: a }", "compared as a whole"),
    (
        "groups: { is: a }",
        "`has` and `exclude` have a translation",
    ),
    ("groups: {}", "without an operator"),
    ("http_path: { is: \"/a b\" }", "written in several ways"),
    (
        "http_path: { contains: 20 }",
        "a number where a text is due",
    ),
    ("http_path: { contains: \"20\" }", "inside of an escape"),
    ("source_ip: 10.0.0.0/33", "no block of addresses"),
    ("source_ip: { is: 10.0.0.1 }", "where a text is due"),
    ("email: a, user: b", "a map with one key"),
    ("email: a, email: b", ""),
];

/// What is refused elsewhere, in which line, and why.
const FILES: &[(&str, u64, &str)] = &[
    ("permit:\n  or: []\n", 1, "the action `permit`"),
    ("allow:\n  xor: []\n", 2, "the operator `xor`"),
    ("allow:\n  - or: []\n", 2, "a list where a map is due"),
    (
        "allow:\n  or:\n    accept: true\n",
        3,
        "a map where a list is due",
    ),
    (
        "- allow: { or: [] }\n- a\n",
        2,
        "a text where a rule is due",
    ),
    ("a", 1, "a text where a rule is due"),
    (
        "from: https://a\nregex: a\n",
        2,
        "`regex` has no translation",
    ),
    (
        "from: https://a\nsub_policies: []\n",
        2,
        "`sub_policies` has no translation",
    ),
    (
        "from: https://a\nallowed_idp_claims: { a: [7] }\n",
        2,
        "with a text or a flag",
    ),
    (
        "from: https://a\nallowed_idp_claims: [b]\n",
        2,
        "a map is due",
    ),
    (
        "allow:\n  or:\n  - claim/a: b\n  - claim/a: true\n",
        4,
        "a text in one place and a flag in another",
    ),
    ("from: ssh://a\n", 1, "not from `https://`"),
    (
        "from: https://a\nprefix: /a%20\n",
        2,
        "written in several ways",
    ),
    (
        "from: https://a\nallow_any_authenticated_user: yes please\n",
        2,
        "where a flag is due",
    ),
    (
        "downstream_mtls: {}\nroutes: [{ from: https://a }]\n",
        1,
        "which certificates callers need",
    ),
    (
        "routes:\n- from: https://a\n- from: https://a\n",
        3,
        "another route",
    ),
    ("a: [", 1, ""),
];
