//! Hosts with and without ports: nobody is let in whom Istio shuts out.

use portreeve::proxy::Described;
use portreeve::proxy::Terms;
use proptest::prelude::*;

use super::*;

/// What callers ask for, as their doors compare it.
const ASKED: [&str; 10] = [
    "a.example",
    "a.example:80",
    "a.example:8080",
    "b.a.example",
    "b.a.example:80",
    "a.b",
    "a.b:80",
    "a",
    "a80",
    "b80.a:8",
];

/// Istio's matching: the text of the host with its port, in any case.
fn fits(pattern: &str, asked: &str) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        _ if pattern == "*" => true,
        (Some(end), _) => asked.ends_with(end),
        (_, Some(beginning)) => asked.starts_with(beginning),
        _ => asked == pattern,
    }
}

fn is_let_in(imported: &Imported, host: &str) -> bool {
    let settings = Settings {
        services: [("orders".parse().unwrap(), Vec::new())].into(),
        ..Settings::default()
    };
    let (policy, _) = Policy::parse(&[("a.cedar", &imported.cedar)], &settings).unwrap();
    let read = Described::read(Method::GET, "/", host, HeaderMap::new(), Terms::default());
    let read = read.unwrap();
    let caller = Caller::workload(&WEB.caller.parse().unwrap());
    let service = "orders".parse().unwrap();
    let source = WEB.source.parse().unwrap();
    let question = read.question(&caller, &service, source, SystemTime::UNIX_EPOCH);
    Decider::new().decide(&Arc::new(policy), &question).is_ok()
}

fn pattern() -> impl Strategy<Value = String> {
    let host = prop::sample::select(vec![
        "a.example",
        "A.example",
        "b.a.example",
        ".example",
        "example",
        "a.",
        "a",
        "80",
        ".b",
        "b",
    ]);
    let port = prop::sample::select(vec!["", "", ":80", ":8080", ":", ":8"]);
    (host, port, 0..4_u8).prop_map(|(host, port, star)| match star {
        0 => format!("*{host}{port}"),
        1 => format!("{host}{port}*"),
        _ => format!("{host}{port}"),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_host_is_let_in_that_istio_shuts_out(
        denies in any::<bool>(),
        negated in any::<bool>(),
        patterns in prop::collection::vec(pattern(), 1..4),
    ) {
        let (key, action) = (
            if negated { "notHosts" } else { "hosts" },
            if denies { "DENY" } else { "ALLOW" },
        );
        let rule = document(&format!(
            "  action: {action}\n  rules: [{{ to: [{{ operation: {{ {key}: {patterns:?} }} }}] }}]"
        ));
        let everybody = document("  rules: [{}]").replace("name: p", "name: q");
        let text = if denies { format!("{rule}---\n{everybody}") } else { rule };
        let Ok(imported) = istio(&text, &target()) else { return Ok(()) };
        let is_narrower = imported.cedar.contains("// Its hosts are shut out");
        for asked in ASKED {
            let some = patterns.iter().any(|pattern| fits(pattern, asked));
            let there = (some != negated) != denies;
            let here = is_let_in(&imported, asked);
            prop_assert!(there || !here, "{asked}\n{text}\n{}", imported.cedar);
            prop_assert!(here == there || is_narrower, "{asked}\n{text}\n{}", imported.cedar);
        }
    }
}
