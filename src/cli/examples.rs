//! An example of every command, as it is typed.

/// Those of the command that these words lead to.
pub(super) fn of(words: &str) -> &'static [&'static str] {
    EXAMPLES
        .iter()
        .find(|(command, _)| *command == words)
        .map_or(&[], |(_, examples)| examples)
}

/// The words that lead to those that have one, in order.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    EXAMPLES.iter().map(|(words, _)| *words)
}

/// By the words that lead to each command.
const EXAMPLES: &[(&str, &[&str])] = &[
    (
        "audit",
        &[
            "portreeve audit verify decisions*.jsonl",
            "portreeve audit query decisions.jsonl --decision deny --since -1h",
        ],
    ),
    (
        "audit key",
        &[
            "portreeve audit key checkpoints.key --name orders.example.org",
            "portreeve audit key checkpoints.key",
        ],
    ),
    (
        "audit query",
        &[
            "portreeve audit query decisions.jsonl --decision deny --since -1h",
            "portreeve audit query decisions*.jsonl \\\n      --caller spiffe://example.org/ns/shop/* --status 5xx --count",
        ],
    ),
    (
        "audit verify",
        &[
            "portreeve audit verify decisions*.jsonl",
            "portreeve audit verify decisions*.jsonl --checkpoint kept.txt \\\n      --key a.example+292af9a6+AdM3WjT6eBDj7UyKa0DkzyVcNnSbbfOStK6IbErlzm1Y",
        ],
    ),
    (
        "authority",
        &[
            "portreeve authority --config authority.yaml",
            "portreeve authority keys",
        ],
    ),
    (
        "authority check",
        &["portreeve authority check --config authority.yaml"],
    ),
    (
        "authority keys",
        &["portreeve authority keys --socket /var/lib/portreeve/authority.sock"],
    ),
    (
        "authority policy",
        &[
            "portreeve authority policy",
            "portreeve authority policy rollback 6f1c02be",
        ],
    ),
    (
        "authority policy rollback",
        &["portreeve authority policy rollback 6f1c02be"],
    ),
    ("authority rotate", &["portreeve authority rotate prepare"]),
    ("check", &["portreeve check --config orders.yaml"]),
    (
        "completions",
        &[
            "portreeve completions bash \\\n      > ~/.local/share/bash-completion/completions/portreeve",
            "portreeve completions zsh > ~/.zfunc/_portreeve",
            "portreeve completions fish > ~/.config/fish/completions/portreeve.fish",
        ],
    ),
    ("demo", &["portreeve demo", "portreeve demo --once"]),
    ("develop", &["portreeve develop files --dir edge"]),
    ("develop files", &["portreeve develop files --dir edge"]),
    (
        "develop provider",
        &["portreeve develop provider --dir edge --port 8444 --edge-port 8443"],
    ),
    ("entry", &["portreeve entry list"]),
    (
        "entry create",
        &[
            "portreeve entry create web --id spiffe://example.org/web \\\n      --selector k8s:ns:shop --selector k8s:sa:web",
        ],
    ),
    ("entry delete", &["portreeve entry delete web"]),
    ("entry list", &["portreeve entry list"]),
    ("health", &["portreeve health 127.0.0.1:15020"]),
    (
        "init-net",
        &[
            "portreeve init-net --config web.yaml --uid 1337",
            "portreeve init-net --config web.yaml --uid 1337 --apply",
            "portreeve init-net --remove",
        ],
    ),
    (
        "injector",
        &[
            "portreeve injector --config injector.yaml",
            "portreeve injector files --dir files --trust-domain cluster.local",
        ],
    ),
    (
        "injector files",
        &["portreeve injector files --dir files --trust-domain cluster.local"],
    ),
    ("login", &["portreeve login https://shop.example.org"]),
    ("logout", &["portreeve logout https://shop.example.org"]),
    ("manual", &["portreeve manual man1"]),
    ("policy", &["portreeve policy check policy"]),
    (
        "policy check",
        &["portreeve policy check policy --config orders.yaml"],
    ),
    (
        "policy explain",
        &[
            "portreeve policy explain --config orders.yaml \\\n      --caller spiffe://example.org/web --path /orders/7",
        ],
    ),
    (
        "policy import",
        &[
            "portreeve policy import istio istio.yaml \\\n      --service orders --namespace shop --trust-domain example.org",
        ],
    ),
    (
        "policy import istio",
        &[
            "portreeve policy import istio istio.yaml \\\n      --service orders --namespace shop --trust-domain example.org",
        ],
    ),
    (
        "policy import pomerium",
        &["portreeve policy import pomerium config.yaml --service shop --provider corp"],
    ),
    (
        "policy test",
        &["portreeve policy test policy --config orders.yaml"],
    ),
    (
        "revocation",
        &["portreeve revocation add --id spiffe://example.org/web"],
    ),
    (
        "revocation add",
        &["portreeve revocation add --id spiffe://example.org/web --reason stolen"],
    ),
    ("revocation list", &["portreeve revocation list"]),
    (
        "revocation remove",
        &["portreeve revocation remove --id spiffe://example.org/web"],
    ),
    ("run", &["portreeve run --config orders.yaml"]),
    ("schema", &["portreeve schema > portreeve.schema.json"]),
    (
        "session",
        &["portreeve session list --socket /run/portreeve/admin.sock"],
    ),
    (
        "session list",
        &["portreeve session list --config edge.yaml --user corp/alice"],
    ),
    (
        "session revoke",
        &["portreeve session revoke --config edge.yaml --user corp/alice"],
    ),
    ("signal", &["portreeve signal list --config orders.yaml"]),
    (
        "signal clear",
        &["portreeve signal clear risk --of corp/alice --config orders.yaml"],
    ),
    (
        "signal list",
        &["portreeve signal list --config orders.yaml"],
    ),
    (
        "signal set",
        &["portreeve signal set risk 9 --of corp/alice --for 10m --config edge.yaml"],
    ),
    ("svid", &["portreeve svid show orders.crt"]),
    (
        "svid show",
        &[
            "portreeve svid show orders.crt --bundle ca.pem",
            "portreeve svid show unix:///run/spire/agent.sock",
        ],
    ),
    (
        "tap",
        &[
            "portreeve tap --decision deny",
            "portreeve tap --path '/orders/*' --json > records.jsonl",
        ],
    ),
    (
        "token",
        &[
            "portreeve token create --id spiffe://example.org/orders > orders.token",
            "curl -H \"Authorization: Bearer $(portreeve token https://example.org)\" \\\n      https://example.org/orders",
        ],
    ),
    (
        "token create",
        &["portreeve token create --id spiffe://example.org/orders --out orders.token"],
    ),
    ("top", &["portreeve top --admin 127.0.0.1:15020"]),
];
