//! What Istio decides, modelled from its documentation, beside what the translation decides.

use portreeve::policy::Connection;
use proptest::prelude::*;

use super::*;

/// Conditions by the word of their field: those that must hold, and those that must not.
type Fields = Vec<(usize, Vec<usize>, Vec<usize>)>;

#[derive(Clone, Debug)]
struct Rule {
    from: Vec<Fields>,
    to: Vec<Fields>,
    when: Fields,
}

#[derive(Clone, Debug)]
struct Doc {
    denies: bool,
    rules: Vec<Rule>,
}

/// A field with its values. Its negation has the same values.
type Kind = (
    &'static str,
    &'static str,
    [&'static str; 4],
    fn(&str, &Asked) -> bool,
);

const SOURCES: [Kind; 5] = [
    (
        "principals",
        "notPrincipals",
        [
            "cluster.local/ns/shop/sa/web",
            "td/ns/shop*",
            "*/sa/web",
            "*",
        ],
        principal,
    ),
    (
        "namespaces",
        "notNamespaces",
        ["shop", "shop*", "*ping", "x"],
        namespace,
    ),
    (
        "serviceAccounts",
        "notServiceAccounts",
        ["web", "shop/web", "shop/cart", "x/web"],
        account,
    ),
    (
        "trustDomains",
        "notTrustDomains",
        ["td", "other", "ot*", "*d"],
        domain,
    ),
    (
        "ipBlocks",
        "notIpBlocks",
        ["10.0.0.0/8", "10.1.2.3", "192.168.0.0/16", "fd00::/8"],
        block,
    ),
];

const OPERATIONS: [Kind; 2] = [
    (
        "methods",
        "notMethods",
        ["GET", "P*", "*T", "PURGE"],
        |value, asked| matches(value, asked.method),
    ),
    (
        "paths",
        "notPaths",
        ["/orders*", "/{*}/7", "*/7", "/{**}"],
        |value, asked| matches(value, asked.path),
    ),
];

const CONDITIONS: [Kind; 4] = [
    (
        "source.ip",
        "",
        ["10.0.0.0/8", "10.1.2.3", "192.168.0.0/16", "fd00::/8"],
        block,
    ),
    (
        "source.namespace",
        "",
        ["shop", "shop*", "*ping", "x"],
        namespace,
    ),
    (
        "source.principal",
        "",
        [
            "cluster.local/ns/shop/sa/web",
            "td/ns/shop*",
            "*/sa/web",
            "*",
        ],
        principal,
    ),
    (
        "request.headers[x-tenant]",
        "",
        ["a", "a*", "*b", "*"],
        |value, asked| {
            asked
                .header
                .is_some_and(|header| value == "*" || matches(value, header))
        },
    ),
];

/// Istio's matching of strings.
fn matches(pattern: &str, text: &str) -> bool {
    if pattern == "*" {
        return !text.is_empty();
    }
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        _ if pattern == "/{**}" => text.starts_with('/'),
        _ if pattern == "/{*}/7" => text.split('/').count() == 3 && text.ends_with("/7"),
        (Some(end), _) => text.ends_with(end),
        (_, Some(beginning)) => text.starts_with(beginning),
        _ => text == pattern,
    }
}

fn principal(pattern: &str, asked: &Asked) -> bool {
    let pattern = pattern.replace("cluster.local/", "td/");
    matches(&pattern, asked.caller.strip_prefix("spiffe://").unwrap())
}

/// `.*/ns/<namespace>/.*`, where a `*` goes over slashes, as `.*` does.
fn namespace(pattern: &str, asked: &Asked) -> bool {
    let mut rests = asked.caller.match_indices("/ns/").map(|(at, _)| {
        let (_, rest) = asked.caller.split_at(at + "/ns/".len());
        rest
    });
    rests.any(|rest| {
        let mut ends = rest.match_indices('/').map(|(end, _)| rest.split_at(end).0);
        ends.any(|name| matches(pattern, name))
    })
}

/// `spiffe://.+/ns/<namespace>/(.+/|)sa/<account>(/.+)?`
fn account(value: &str, asked: &Asked) -> bool {
    let (namespace, account) = value.split_once('/').unwrap_or(("shop", value));
    let ns = format!("/ns/{namespace}/");
    let Some((_, after)) = asked.caller.split_once(&ns) else {
        return false;
    };
    let after = format!("/{after}/");
    after.contains(&format!("/sa/{account}/"))
}

fn domain(pattern: &str, asked: &Asked) -> bool {
    matches(pattern, asked.caller.split('/').nth(2).unwrap())
}

fn block(value: &str, asked: &Asked) -> bool {
    match value {
        "10.0.0.0/8" => asked.source.starts_with("10."),
        "192.168.0.0/16" => asked.source.starts_with("192.168."),
        "fd00::/8" => asked.source.starts_with("fd"),
        one => asked.source == one,
    }
}

impl Rule {
    fn holds(&self, asked: &Asked) -> bool {
        let all = |kinds: &[Kind], fields: &Fields| {
            fields.iter().all(|(kind, values, others)| {
                let (.., choices, is_so) = kinds[*kind];
                let some = |of: &[usize]| of.iter().any(|&at| is_so(choices[at], asked));
                (values.is_empty() || some(values)) && !some(others)
            })
        };
        let one_of = |kinds: &[Kind], list: &[Fields]| {
            list.is_empty() || list.iter().any(|fields| all(kinds, fields))
        };
        one_of(&SOURCES, &self.from)
            && one_of(&OPERATIONS, &self.to)
            && all(&CONDITIONS, &self.when)
    }

    fn write(&self) -> String {
        let list = |choices: [&str; 4], of: &[usize]| {
            let values: Vec<String> = of.iter().map(|&at| format!("{:?}", choices[at])).collect();
            format!("[{}]", values.join(", "))
        };
        let fields = |kinds: &[Kind], fields: &Fields| {
            let written = fields.iter().map(|(kind, values, others)| {
                let (key, not, choices, _) = kinds[*kind];
                let one = |key: &str, of: &[usize]| {
                    (!of.is_empty()).then(|| format!("{key}: {}", list(choices, of)))
                };
                let written = [one(key, values), one(not, others)];
                written.into_iter().flatten().collect::<Vec<_>>().join(", ")
            });
            written.collect::<Vec<_>>().join(", ")
        };
        let lists = |word: &str, kinds: &[Kind], all: &[Fields]| {
            let all = all
                .iter()
                .map(|one| format!("{{ {word}: {{ {} }} }}", fields(kinds, one)));
            all.collect::<Vec<_>>().join(", ")
        };
        let when = self.when.iter().map(|(kind, values, others)| {
            let (key, _, choices, _) = CONDITIONS[*kind];
            format!(
                "{{ key: {key:?}, values: {}, notValues: {} }}",
                list(choices, values),
                list(choices, others)
            )
        });
        let mut parts = vec![format!("when: [{}]", when.collect::<Vec<_>>().join(", "))];
        if !self.from.is_empty() {
            parts.push(format!("from: [{}]", lists("source", &SOURCES, &self.from)));
        }
        if !self.to.is_empty() {
            parts.push(format!(
                "to: [{}]",
                lists("operation", &OPERATIONS, &self.to)
            ));
        }
        format!("{{ {} }}", parts.join(", "))
    }
}

impl Doc {
    fn write(&self, number: usize) -> String {
        let action = if self.denies { "DENY" } else { "ALLOW" };
        let rules: Vec<String> = self.rules.iter().map(Rule::write).collect();
        let rules = rules.join(",\n    ");
        document(&format!("  action: {action}\n  rules: [{rules}]"))
            .replace("name: p", &format!("name: p{number}"))
    }
}

impl Doc {
    /// Whether a rule is about the connection: of an ALLOW, none that looks at
    /// requests is, and of a DENY, each by the rest of what it says.
    fn holds_for_connection(&self, asked: &Asked) -> bool {
        let of_requests = |field: &(usize, Vec<usize>, Vec<usize>)| field.0 == HEADER;
        self.rules.iter().any(|rule| {
            let looks = !rule.to.is_empty() || rule.when.iter().any(of_requests);
            let when = rule.when.iter().filter(|field| !of_requests(field));
            let rest = Rule {
                from: rule.from.clone(),
                to: Vec::new(),
                when: when.cloned().collect(),
            };
            (self.denies || !looks) && rest.holds(asked)
        })
    }
}

/// The place of the header among the conditions.
const HEADER: usize = 3;

fn decides_on_connections(docs: &[Doc], asked: &Asked) -> bool {
    let one = |denies: bool| {
        let mut docs = docs.iter().filter(move |doc| doc.denies == denies);
        docs.any(|doc| doc.holds_for_connection(asked))
    };
    !one(true) && one(false)
}

/// Whether the translation lets the connection pass.
fn connects(imported: &Imported, asked: &Asked) -> bool {
    let settings = Settings {
        services: [("orders".parse().unwrap(), Vec::new())].into(),
        ..Settings::default()
    };
    let (policy, _) = Policy::parse(&[("a.cedar", &imported.cedar)], &settings).unwrap();
    let connection = Connection {
        caller: &Caller::workload(&asked.caller.parse().unwrap()),
        service: &"orders".parse().unwrap(),
        source: asked.source.parse().unwrap(),
        now: SystemTime::UNIX_EPOCH,
    };
    let policy = Arc::new(policy);
    Decider::new()
        .decide_connection(&policy, &connection)
        .is_ok()
}

/// DENY before ALLOW; without an ALLOW, ours is closed.
fn decides(docs: &[Doc], asked: &Asked) -> bool {
    let one = |denies: bool| {
        let docs = docs.iter().filter(move |doc| doc.denies == denies);
        docs.flat_map(|doc| &doc.rules)
            .any(|rule| rule.holds(asked))
    };
    !one(true) && one(false)
}

/// Some of `kinds`, each once, none without a value.
fn fields(kinds: usize, least: usize, others: usize) -> impl Strategy<Value = Fields> {
    let values = |most: usize| prop::collection::vec(0..most, 0..3);
    let all = prop::sample::subsequence((0..kinds).collect::<Vec<_>>(), least..=kinds.min(2));
    (all, prop::collection::vec((values(4), values(others)), 4)).prop_map(|(all, values)| {
        let one = |(kind, (mut values, others)): (usize, (Vec<usize>, Vec<usize>))| {
            if values.is_empty() && others.is_empty() {
                values.push(0);
            }
            (kind, values, others)
        };
        all.into_iter().zip(values).map(one).collect()
    })
}

fn rule() -> impl Strategy<Value = Rule> {
    // What is to be there and is not to be is refused: nothing could be so.
    let when = fields(CONDITIONS.len(), 0, 3);
    let from = prop::collection::vec(fields(SOURCES.len(), 1, 4), 0..3);
    let to = prop::collection::vec(fields(OPERATIONS.len(), 1, 4), 0..3);
    (from, to, when).prop_map(|(from, to, when)| Rule { from, to, when })
}

fn doc() -> impl Strategy<Value = Doc> {
    (any::<bool>(), prop::collection::vec(rule(), 0..3))
        .prop_map(|(denies, rules)| Doc { denies, rules })
}

fn requests() -> Vec<Asked> {
    let callers = [
        "spiffe://td/ns/shop/sa/web",
        "spiffe://td/ns/shop/x/sa/web/y",
        "spiffe://td/ns/shopping/sa/cart",
        "spiffe://other/ns/shop/sa/web",
        "spiffe://td/plain",
    ];
    let mut all = Vec::new();
    for caller in callers {
        for (method, path, source, header) in [
            ("GET", "/orders/7", "10.1.2.3", None),
            ("POST", "/orders", "10.9.9.9", Some("a")),
            ("PURGE", "/x/7", "192.168.1.1", Some("ab")),
            ("PUT", "/", "fd00::1", Some("b")),
        ] {
            all.push(Asked {
                caller,
                method,
                path,
                source,
                header,
            });
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_translation_decides_as_istio_does(docs in prop::collection::vec(doc(), 1..4)) {
        let written = docs.iter().enumerate().map(|(number, doc)| doc.write(number));
        let text = written.collect::<Vec<_>>().join("---\n");
        let imported = imported(&text);
        for asked in requests() {
            prop_assert_eq!(
                passes(&imported, &asked),
                decides(&docs, &asked),
                "{:?}\n{}\n{}", asked, text, imported.cedar
            );
        }
    }

    #[test]
    fn a_translation_decides_on_connections_as_istio_does(docs in prop::collection::vec(doc(), 1..4)) {
        let written = docs.iter().enumerate().map(|(number, doc)| doc.write(number));
        let text = written.collect::<Vec<_>>().join("---\n");
        let imported = istio(&text, &Target { is_tcp: true, ..target() }).unwrap();
        for asked in requests() {
            prop_assert_eq!(
                connects(&imported, &asked),
                decides_on_connections(&docs, &asked),
                "{:?}\n{}\n{}", asked, text, imported.cedar
            );
        }
    }

    #[test]
    fn any_text_is_translated_or_refused(text in "(apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n)?([ a-z:{}\\[\\],\n\"*/-]{0,20}){0,12}") {
        if let Err(refused) = istio(&text, &target()) {
            prop_assert!(!refused.is_empty());
        }
    }
}
