//! A configuration is whole, or all of its mistakes are told by their path.

use std::num::NonZeroU64;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use portreeve::audit::Sink;
use portreeve::audit::syslog::Address;
use portreeve::config::Config;
use portreeve::config::IdentitySource;
use portreeve::config::InjectorConfig;
use portreeve::config::PolicySource;
use proptest::prelude::*;

const WHOLE: &str = r#"
trust_domain: example.org
identity: { files: { certificate: b.crt, key: b.key, bundle: ca.pem } }
workers: 2
inbound:
  listen: 127.0.0.1:15006
  service: orders
  app: 127.0.0.1:8080
  routes: [{ path: "/api/**", groups: [public-api] }]
outbound:
  - { listen: "127.0.0.1:15001", to: "users.shop.svc:15006", expect: "spiffe://example.org/ns/shop/sa/users" }
policy:
  dir: policy/
  headers: [x-tenant]
  claims: { department: string, /org/teams: strings, level: long, contractor: bool }
  time_zones: { berlin: Europe/Berlin }
  workload_groups: { ops: ["spiffe://example.org/ns/ops/sa/oncall"] }
audit: { file: decisions.jsonl }
admin: { listen: 127.0.0.1:15020 }
limits: { response_timeout_ms: 1000 }
log: { format: json, level: debug }
"#;

/// 108 bytes, of which the system takes one less.
const LONG_SOCKET: &str = "app: 'unix:/09123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345'";

fn mistakes(text: &str) -> Vec<String> {
    let refused = Config::parse(text, Path::new("/etc/portreeve"))
        .err()
        .unwrap_or_default();
    refused.iter().map(ToString::to_string).collect()
}

/// The whole configuration with one place replaced.
fn with(place: &str, instead: &str) -> String {
    assert!(
        WHOLE.contains(place),
        "{place:?} is not in the configuration"
    );
    WHOLE.replacen(place, instead, 1)
}

#[test]
fn all_mistakes_in_an_injectors_file_are_told() {
    let text = r#"
trust_domain: Example.org
listen: 0.0.0.0
certificate: injector.crt
key: injector.key
authority: { url: "https://authority:15443", roots: root.crt, audience: "" }
sidecar: { image: "", pull_policy: IfNotPresent, address: 10.0.0.1, workers: 65, cpu_limit: 1x, memory_limit: "0" }
audit: {}
admin: { listen: "0.0.0.0:15446" }
"#;
    let mistakes = InjectorConfig::parse(text, Path::new("/etc/portreeve")).unwrap_err();
    let paths: Vec<&str> = mistakes.iter().map(|one| one.path.as_str()).collect();
    let expected = [
        "listen",
        "trust_domain",
        "audit",
        "admin.listen",
        "sidecar.address",
        "authority.audience",
        "sidecar.image",
        "sidecar.workers",
        "sidecar.cpu_limit",
        "sidecar.memory_limit",
    ];
    assert_eq!(paths, expected, "{mistakes:?}");
    let unknown = text.replace(
        "pull_policy: IfNotPresent",
        "pull_policy: Sometimes, pool: 1",
    );
    let unknown = InjectorConfig::parse(&unknown, Path::new("/etc/portreeve")).unwrap_err();
    let paths: Vec<&str> = unknown.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(
        paths,
        ["sidecar.pull_policy", "sidecar.pool"],
        "{unknown:?}"
    );
    let good = InjectorConfig::load(Path::new("deploy/kubernetes/base/injector-config.yaml"));
    assert!(good.is_ok(), "{:?}", good.err());
}

#[test]
fn a_whole_configuration_has_no_mistakes_and_its_paths_are_beside_it() {
    let config = Config::parse(WHOLE, Path::new("/etc/portreeve")).unwrap();
    let folder = Path::new("/etc/portreeve/policy/").to_owned();
    assert_eq!(config.policy_source, PolicySource::Folder(folder));
    assert_eq!(config.workers, 2);
    assert_eq!(config.outbound[0].service.as_str(), "users");
    assert_eq!(
        config.inbound.unwrap().limits.silence.response.as_millis(),
        1000
    );
}

#[test]
fn a_log_may_rotate_and_sign_or_go_to_a_syslog() {
    let audit = |section: &str| {
        let text = with("file: decisions.jsonl", section);
        Config::parse(&text, Path::new("/etc/portreeve"))
            .unwrap()
            .audit
    };
    let whole = audit(
        "file: decisions.jsonl, rotate: { bytes: 65536, every_s: 60, keep: 3 }, checkpoints: { key_file: key }",
    );
    let rotation = whole.rotation.unwrap();
    assert_eq!(rotation.bytes.map(NonZeroU64::get), Some(65_536));
    assert_eq!(rotation.every, Some(Duration::from_secs(60)));
    assert_eq!(rotation.keep.map(NonZeroUsize::get), Some(3));
    let checkpoints = whole.checkpoints.unwrap();
    assert_eq!(checkpoints.key_file, Path::new("/etc/portreeve/key"));
    assert_eq!(
        (checkpoints.every.as_secs(), checkpoints.every_records.get()),
        (60, 10_000)
    );
    let plain = audit("file: decisions.jsonl");
    assert_eq!((plain.rotation, plain.checkpoints), (None, None));
    for (section, to) in [
        ("socket: /dev/log", Address::Socket("/dev/log".into())),
        (
            "tcp: \"[::1]:601\", facility: local7",
            Address::Tcp("[::1]:601".to_owned()),
        ),
    ] {
        let Sink::Syslog(syslog) = audit(&format!("syslog: {{ {section} }}")).sink else {
            panic!("it goes elsewhere");
        };
        let facility = if section.contains("local7") { 23 } else { 10 };
        assert_eq!((syslog.to, syslog.facility), (to, facility));
        assert_eq!(
            (syslog.app_name.as_str(), syslog.msg_id.as_str()),
            ("portreeve", "audit")
        );
    }
}

#[test]
fn a_workload_api_is_for_somebody_and_its_socket_beside_the_file() {
    let parsed = |section| {
        let text = with("workers: 2", &format!("workload_api: {section}"));
        let api =
            Config::parse(&text, Path::new("/etc/portreeve")).map(|config| config.workload_api);
        api.map_err(|mistakes| mistakes[0].to_string())
    };
    let api = parsed("{ socket: api.sock, uids: [1, 2, 1], mode: '0666' }").unwrap();
    let api = api.unwrap();
    assert_eq!(api.settings.socket, Path::new("/etc/portreeve/api.sock"));
    assert_eq!(api.settings.mode.bits(), 0o666);
    assert_eq!(api.uids.into_iter().collect::<Vec<_>>(), [1, 2]);
    let nobody = parsed("{ socket: api.sock, uids: [] }").unwrap_err();
    assert!(
        nobody.starts_with("workload_api.uids: names nobody"),
        "{nobody}"
    );
    let mode = parsed("{ socket: api.sock, mode: rw }").unwrap_err();
    let why = "workload_api.mode: `rw`: it is not a mode such as `0600`";
    assert!(mode.starts_with(why), "{mode}");
}

#[test]
fn an_identity_may_come_from_a_workload_api_but_not_from_our_own() {
    let files = "files: { certificate: b.crt, key: b.key, bundle: ca.pem }";
    let parsed = |agent| {
        let text = with(files, &format!("workload_api: {agent}"));
        let text = text.replace("workers: 2", "workload_api: { socket: api.sock }");
        let config = Config::parse(&text, Path::new("/etc/portreeve"));
        config.map_err(|mistakes| mistakes[0].to_string())
    };
    let identity = parsed("unix:///run/agent.sock").unwrap().identity;
    let IdentitySource::WorkloadApi { endpoint } = identity else {
        panic!("{identity:?}");
    };
    assert_eq!(endpoint.path(), Path::new("/run/agent.sock"));
    let own = parsed("unix:///etc/portreeve/api.sock").unwrap_err();
    let why = "workload_api.socket: is the socket that our own identity comes from";
    assert!(own.starts_with(why), "{own}");
    let tcp = parsed("tcp://127.0.0.1:8081").unwrap_err();
    let why = "identity.workload_api: `tcp://127.0.0.1:8081`: it must begin with `unix://`";
    assert_eq!(tcp, why);
}

#[test]
fn a_limit_on_what_comes_in_floods_is_above_zero() {
    for (limit, why) in [
        ("source_connections", "must be above 0"),
        (
            "source_connections_per_s",
            "must be from 1 to 1000000, not 0",
        ),
        ("source_handshakes", "must be above 0"),
        ("request_min_grace_ms", "must be above 0"),
    ] {
        let text = with("response_timeout_ms: 1000", &format!("{limit}: 0"));
        assert_eq!(mistakes(&text), [format!("limits.{limit}: {why}")]);
    }
    let none = with("response_timeout_ms: 1000", "request_min_bytes_per_s: 0");
    let config = Config::parse(&none, Path::new(".")).unwrap();
    assert_eq!(config.inbound.unwrap().limits.silence.pace, None);
}

#[test]
fn each_mistake_is_told_by_its_path() {
    let cases = [
        (
            "trust_domain: example.org",
            "trust_domain: Example.org",
            "trust_domain: `Example.org`: character `E`",
        ),
        (
            "workers: 2",
            "workers: 0",
            "workers: must be from 1 to 64, not 0",
        ),
        (
            "workers: 2",
            "workers: many",
            "workers: must be a whole number, not a text",
        ),
        (
            "workers: 2",
            "wrokers: 2",
            "wrokers: unknown key; known are",
        ),
        (
            "certificate: b.crt, ",
            "",
            "identity.files.certificate: is missing",
        ),
        (
            "files: {",
            "embedded: {dir: ca, id: 'spiffe://example.org/x'}, files: {",
            "identity: must have exactly one of",
        ),
        (
            "listen: 127.0.0.1:15006",
            "listen: localhost",
            "inbound.listen: `localhost`: invalid socket address",
        ),
        (
            "service: orders",
            "service: Orders!",
            "inbound.service: `Orders!`",
        ),
        (
            "app: 127.0.0.1:8080",
            "app: 8080",
            "inbound.app: must be a text, not a number",
        ),
        (
            "path: \"/api/**\"",
            "path: api",
            "inbound.routes[0].path: `api`",
        ),
        (
            "\"127.0.0.1:15001\"",
            "\"0.0.0.0:15001\"",
            "outbound[0].listen: `0.0.0.0:15001` is not on loopback",
        ),
        (
            "users.shop.svc:15006",
            "10.0.0.1:15006",
            "outbound[0].service: must be given",
        ),
        (
            "expect: \"spiffe://example.org/ns/shop/sa/users\"",
            "expect: []",
            "outbound[0].expect: names nobody",
        ),
        (
            "expect: \"spiffe://",
            "expect: \"https://",
            "outbound[0].expect: `https://example.org/ns/shop/sa/users`",
        ),
        (
            "[x-tenant]",
            "[\"x tenant\"]",
            "policy.headers[0]: `x tenant`",
        ),
        (
            "Europe/Berlin",
            "Europe/Berlinn",
            "policy.time_zones.berlin: `Europe/Berlinn`",
        ),
        (
            "spiffe://example.org/ns/ops/sa/oncall",
            "oncall",
            "policy.workload_groups.ops[0]: `oncall`",
        ),
        (
            "file: decisions.jsonl",
            "",
            "audit: must have exactly one of",
        ),
        (
            "admin: { listen: 127.0.0.1:15020 }",
            "admin: { listen: \"0.0.0.0:1\" }",
            "admin.listen: `0.0.0.0:1` is not on loopback",
        ),
        (
            "admin: { listen: 127.0.0.1:15020 }",
            "admin: { listen: 127.0.0.1:15020, socket: \"..\" }",
            "admin.socket: names no file",
        ),
        (
            "admin: { listen: 127.0.0.1:15020 }",
            "admin: { listen: 127.0.0.1:15020, socket: api.sock }\nworkload_api: { socket: api.sock }",
            "admin.socket: is the socket of `workload_api.socket`, too",
        ),
        (
            "response_timeout_ms: 1000",
            "response_timeout_ms: 0",
            "limits.response_timeout_ms: must be above 0",
        ),
        (
            "response_timeout_ms: 1000",
            "response_timeout_ms: -1",
            "limits.response_timeout_ms: must not be below 0",
        ),
        (
            "response_timeout_ms: 1000",
            "header_bytes: 100",
            "limits.header_bytes: must be at least 8192",
        ),
        (
            "response_timeout_ms: 1000",
            "certificate_grace_ms: 3600001",
            "limits.certificate_grace_ms: must be from 0 to 3600000, not 3600001",
        ),
        (
            "response_timeout_ms: 1000",
            "headers: 18446744073709551615",
            "limits.headers: must be from 1 to 10000, not 18446744073709551615",
        ),
        (
            "file: decisions.jsonl",
            "file: decisions.jsonl, syslog: { socket: /dev/log }",
            "audit: must have exactly one of",
        ),
        (
            "file: decisions.jsonl",
            "syslog: { facility: authpriv }",
            "audit.syslog: must have exactly one of",
        ),
        (
            "file: decisions.jsonl",
            "syslog: { socket: /dev/log, facility: local8 }",
            "audit.syslog.facility: `local8` is none of kern, user",
        ),
        (
            "file: decisions.jsonl",
            "syslog: { tcp: \"logs.example.org:0\" }",
            "audit.syslog.tcp: `logs.example.org:0` is not `host:port`",
        ),
        (
            "file: decisions.jsonl",
            "syslog: { socket: /dev/log, app_name: \"port reeve\" }",
            "audit.syslog.app_name: `port reeve` must be 1 to 48 printable",
        ),
        (
            "file: decisions.jsonl",
            "syslog: { socket: /dev/log, msg_id: \"\" }",
            "audit.syslog.msg_id: `` must be 1 to 32 printable",
        ),
        (
            "file: decisions.jsonl",
            "stdout: true, rotate: { bytes: 65536 }",
            "audit.rotate: is of a file: there is no `audit.file`",
        ),
        (
            "file: decisions.jsonl",
            "file: decisions.jsonl, rotate: { keep: 1 }",
            "audit.rotate: must have `bytes` or `every_s`, or both",
        ),
        (
            "file: decisions.jsonl",
            "file: decisions.jsonl, rotate: { bytes: 65535 }",
            "audit.rotate.bytes: must be from 65536 to",
        ),
        (
            "file: decisions.jsonl",
            "file: decisions.jsonl, rotate: { every_s: 0 }",
            "audit.rotate.every_s: must be from 1 to",
        ),
        (
            "file: decisions.jsonl",
            "file: decisions.jsonl, rotate: { every_s: 1, keep: 0 }",
            "audit.rotate.keep: must be above 0",
        ),
        (
            "file: decisions.jsonl",
            "file: decisions.jsonl, checkpoints: { key_file: key, every_s: 0 }",
            "audit.checkpoints.every_s: must be from 1 to",
        ),
        (
            "file: decisions.jsonl",
            "file: decisions.jsonl, checkpoints: { key_file: key, every_records: 0 }",
            "audit.checkpoints.every_records: must be above 0",
        ),
        (
            "file: decisions.jsonl",
            "file: decisions.jsonl, queue_records: 18446744073709551615",
            "audit.queue_records: must be from 1 to 16777216",
        ),
        (
            "identity: { files: { certificate: b.crt, key: b.key, bundle: ca.pem } }",
            "identity: { embedded: { dir: ca, id: 'spiffe://example.org/a', svid_ttl_s: 7776001 } }",
            "identity.embedded.svid_ttl_s: must be from 1 to 7776000, not 7776001",
        ),
        (
            "127.0.0.1:15020",
            "127.0.0.1:15006",
            "admin.listen: `127.0.0.1:15006` is taken: `inbound.listen` is `127.0.0.1:15006`",
        ),
        (
            "listen: 127.0.0.1:15006",
            "listen: 0.0.0.0:15001",
            "outbound[0].listen: `127.0.0.1:15001` is taken: `inbound.listen` is `0.0.0.0:15001`",
        ),
        (
            "spiffe://example.org/ns/shop/sa/users",
            "spiffe://example.org",
            "outbound[0].expect: `spiffe://example.org` has no path",
        ),
        (
            "level: debug",
            "level: 'info,portreeve=loud'",
            "log.level: `info,portreeve=loud` is neither a level nor a list of directives",
        ),
        (
            "format: json",
            "format: xml",
            "log.format: must be one of `text`, `json`",
        ),
    ];
    assert_eq!(mistakes(WHOLE), Vec::<String>::new());
    for (place, instead, expected) in cases {
        is_told(&with(place, instead), expected);
    }
}

#[test]
fn a_destination_may_have_its_own_limits() {
    let door = "expect: \"spiffe://example.org/ns/shop/sa/users\"";
    let parsed = |more: &str| {
        let text = with(door, &format!("{door}, {more}"));
        Config::parse(&text, Path::new("/etc/portreeve"))
    };
    let whole = parsed(
        "connect_timeout_ms: 1, response_timeout_ms: 2, idle_timeout_ms: 3, ping_interval_ms: 100,
         retries: { most: 0, budget_percent: 100 }, ejection: { base_ms: 5, longest_ms: 5 } ",
    );
    let whole = whole.unwrap();
    let door_now = &whole.outbound[0];
    assert_eq!(door_now.limits.connect.as_millis(), 1);
    assert_eq!(door_now.limits.silence.response.as_millis(), 2);
    assert_eq!(door_now.balancing.idle.as_millis(), 3);
    assert_eq!(door_now.balancing.ping.as_millis(), 100);
    assert_eq!(door_now.balancing.retries.most, 0);
    assert_eq!(door_now.balancing.retries.budget_floor, 10);
    assert_eq!(door_now.balancing.ejection.longest.as_millis(), 5);
    let others = whole.inbound.unwrap().limits;
    assert_eq!(others.connect.as_millis(), 5000);
    assert_eq!(others.silence.response.as_millis(), 1000);
    let plain = Config::parse(WHOLE, Path::new("/etc/portreeve")).unwrap();
    let plain = &plain.outbound[0];
    assert_eq!(plain.limits.silence.response.as_millis(), 1000);
    assert_eq!(plain.balancing.idle.as_millis(), 600_000);
}

#[test]
fn each_mistake_about_a_destination_is_told_by_its_path() {
    let door = "expect: \"spiffe://example.org/ns/shop/sa/users\"";
    let cases = [
        (
            "connect_timeout_ms: 0",
            "connect_timeout_ms: must be above 0",
        ),
        (
            "response_timeout_ms: 0",
            "response_timeout_ms: must be above 0",
        ),
        ("idle_timeout_ms: 0", "idle_timeout_ms: must be above 0"),
        (
            "ping_interval_ms: 10001",
            "ping_interval_ms: must be from 100 to 10000, not 10001",
        ),
        (
            "retries: { most: 11 }",
            "retries.most: must be from 0 to 10, not 11",
        ),
        (
            "retries: { budget_percent: 101 }",
            "retries.budget_percent: must be from 0 to 100, not 101",
        ),
        (
            "retries: { budget_floor: 1001 }",
            "retries.budget_floor: must be from 0 to 1000, not 1001",
        ),
        (
            "ejection: { base_ms: 0 }",
            "ejection.base_ms: must be above 0",
        ),
        (
            "ejection: { base_ms: 300001 }",
            "ejection.longest_ms: must be at least `base_ms`, which is 300001",
        ),
        (
            "ejection: { most_percent: 101 }",
            "ejection.most_percent: must be from 0 to 100, not 101",
        ),
        (
            "ejection: { panic_percent: 101 }",
            "ejection.panic_percent: must be from 0 to 100, not 101",
        ),
    ];
    for (wrong, mistake) in cases {
        let text = with(door, &format!("{door}, {wrong}"));
        assert_eq!(mistakes(&text), [format!("outbound[0].{mistake}")]);
    }
}

#[test]
fn names_are_looked_up_by_whoever_is_named() {
    let parsed = |names: &str| {
        let text = with("workers: 2", &format!("names: {names}"));
        Config::parse(&text, Path::new("/etc/portreeve")).map(|config| config.names)
    };
    let names = parsed("{ servers: ['10.96.0.10:53', '[::1]:53'], stale_ms: 1 }").unwrap();
    assert_eq!(names.servers.len(), 2);
    assert_eq!(names.stale.as_millis(), 1);
    for (wrong, mistake) in [
        ("{ servers: [localhost] }", "names.servers[0]: `localhost`"),
        ("{ stale_ms: 0 }", "names.stale_ms: must be above 0"),
    ] {
        let told = parsed(wrong).unwrap_err();
        assert!(told[0].to_string().starts_with(mistake), "{told:?}");
        assert_eq!(told.len(), 1);
    }
}

#[test]
fn each_mistake_about_the_application_is_told_by_its_path() {
    let cases = [
        (
            "app: here",
            "inbound.app: `here`: it is neither `host:port` nor `unix:PATH`",
        ),
        (
            "app: 'unix:'",
            "inbound.app: `unix:`: after `unix:` there must be the path of the socket's file",
        ),
        (
            LONG_SOCKET,
            "inbound.app: `unix:/09123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345`: the socket's whole path has 108 bytes",
        ),
        (
            "app: 127.0.0.1:8080\n  concurrent_requests: 0",
            "inbound.concurrent_requests: must be from 1 to 1000000, not 0",
        ),
        (
            "app: 127.0.0.1:8080\n  app_ready: { path: healthz }",
            "inbound.app_ready.path: `healthz`: it is no path that is ever forwarded: the path does not begin with a slash",
        ),
        (
            "app: 127.0.0.1:8080\n  app_ready: { interval_ms: 99 }",
            "inbound.app_ready.interval_ms: must be from 100 to 3600000, not 99",
        ),
        (
            "app: 127.0.0.1:8080\n  app_ready: { failures: 0 }",
            "inbound.app_ready.failures: must be from 1 to 100, not 0",
        ),
    ];
    for (instead, expected) in cases {
        is_told(&with("app: 127.0.0.1:8080", instead), expected);
    }
}

#[test]
fn each_mistake_about_what_reaches_the_application_is_told_by_its_path() {
    let cases = [
        (
            "app: 127.0.0.1:8080\n  rate_limits: [{ requests: 0 }]",
            "inbound.rate_limits[0].requests: must be from 1 to 1000000, not 0",
        ),
        (
            "app: 127.0.0.1:8080\n  rate_limits: [{ requests: 1, callers: [] }]",
            "inbound.rate_limits[0].callers: names nobody",
        ),
        (
            "app: 127.0.0.1:8080\n  rate_limits: [{ requests: 1, callers: 'spiffe://*/x' }]",
            "inbound.rate_limits[0].callers: `spiffe://*/x`: the trust domain must be written out",
        ),
        (
            "app: 127.0.0.1:8080\n  rate_limits: [{ requests: 1, period_s: 86400, burst: 1000 }]",
            "inbound.rate_limits[0].burst: takes 86400000 s to be granted anew at this rate",
        ),
        (
            "app: 127.0.0.1:8080\n  probes: { listen: '0.0.0.0:9901', paths: [] }",
            "inbound.probes.paths: names nothing that may be asked for",
        ),
        (
            "app: 127.0.0.1:8080\n  probes: { listen: '0.0.0.0:9901', paths: ['/a?b'] }",
            "inbound.probes.paths[0]: `/a?b`: it must be a path alone",
        ),
        (
            "app: 127.0.0.1:8080\n  probes: { listen: '0.0.0.0:15006', paths: [/a] }",
            "inbound.probes.listen: `0.0.0.0:15006` is taken: `inbound.listen` is `127.0.0.1:15006`",
        ),
    ];
    for (instead, expected) in cases {
        is_told(&with("app: 127.0.0.1:8080", instead), expected);
    }
}

#[test]
fn how_often_an_address_may_come_to_an_edge_is_a_rate_that_means_something() {
    let text = |rate: &str| {
        let edge = format!(
            "edge:
  listen: 127.0.0.1:443
  certificate: {{ certificate: w.crt, key: w.key }}
  providers: {{ corp: {{ issuer: 'https://id.example', client_id: edge }} }}
  sessions: {{ store: {{ sqlite: s.db }}, key_file: s.key }}
  routes: [{{ host: a.example, app: '127.0.0.1:3000', service: a }}]
  {rate}
policy:
"
        );
        with("policy:\n", &edge)
    };
    for (rate, requests, burst) in [
        ("", 50, 1_000),
        ("sign_in_rate: { requests: 5 }", 5, 100),
        ("sign_in_rate: { requests: 1000000 }", 1_000_000, 1_000_000),
        (
            "sign_in_rate: { requests: 5, burst: 7, period_s: 60 }",
            5,
            7,
        ),
    ] {
        let config = Config::parse(&text(rate), Path::new("/etc/portreeve")).unwrap();
        let found = config.edge.unwrap().door.sign_in_rate;
        assert_eq!(
            (found.requests.get(), found.burst.get()),
            (requests, burst),
            "{rate}"
        );
    }
    for (rate, expected) in [
        (
            "sign_in_rate: { requests: 0, burst: 1 }",
            "edge.sign_in_rate.requests: must be from 1 to 1000000, not 0",
        ),
        (
            "sign_in_rate: { burst: 0 }",
            "edge.sign_in_rate.burst: must be from 1 to 1000000, not 0",
        ),
        (
            "sign_in_rate: { period_s: 86401 }",
            "edge.sign_in_rate.period_s: must be from 1 to 86400, not 86401",
        ),
        (
            "sign_in_rate: { requests: 1, period_s: 86400, burst: 1000 }",
            "edge.sign_in_rate.burst: takes 86400000 s to be granted anew at this rate",
        ),
    ] {
        is_told(&text(rate), expected);
    }
}

/// The one mistake in `text` begins with `expected`.
fn is_told(text: &str, expected: &str) {
    let found = mistakes(text);
    assert_eq!(found.len(), 1, "{expected}: {found:?}");
    let begins = |mistake: &String| mistake.starts_with(expected);
    assert!(found.iter().all(begins), "{expected}: {found:?}");
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = with("workers: 2", "workers: 0")
        .replace("trust_domain: example.org", "trust_domain: EXAMPLE")
        .replace("app: 127.0.0.1:8080", "app: x");
    assert_eq!(mistakes(&text).len(), 3, "{:?}", mistakes(&text));
}

#[test]
fn what_is_no_yaml_is_told_with_its_line() {
    let found = mistakes("trust_domain: [\n");
    assert!(found.len() == 1 && found[0].contains("line"), "{found:?}");
    assert_eq!(mistakes("").len(), 1);
}

#[test]
fn nothing_to_serve_is_a_mistake() {
    let text = "
trust_domain: example.org
identity: { embedded: { dir: ca, id: spiffe://example.org/a } }
policy: { dir: p }
audit: { stdout: true }
";
    assert_eq!(
        mistakes(text),
        ["there is neither `inbound` nor `outbound` nor `tcp` nor `edge`: nothing would be served"]
    );
}

proptest! {
    /// Whatever an editor leaves behind is settings or mistakes, and each mistake is one line.
    #[test]
    fn any_damage_is_told_and_never_fatal(at in 0..WHOLE.len(), cut in 0..40_usize, with in "\\PC{0,12}") {
        let before = WHOLE.chars().take(at);
        let after = WHOLE.chars().skip(at + cut);
        let damaged: String = before.chain(with.chars()).chain(after).collect();
        if let Err(mistakes) = Config::parse(&damaged, Path::new(".")) {
            prop_assert!(!mistakes.is_empty());
            for mistake in mistakes {
                prop_assert!(!mistake.to_string().contains('\n'), "{}", mistake);
            }
        }
    }
}

const FILES: &str = "identity: { files: { certificate: b.crt, key: b.key, bundle: ca.pem } }";
const AUTHORITY: &str =
    "identity: { authority: { url: \"https://a:1\", bundle: ca.pem, join_token_file: t } }";

/// The whole configuration with this identity, and with these keys of `policy`.
fn with_policy(identity: &str, policy: &str) -> String {
    let after = WHOLE.split("policy:\n").nth(1).unwrap_or_default();
    let before = after.split("audit:").next().unwrap_or_default();
    with(FILES, identity).replace(
        &format!("policy:\n{before}"),
        &format!("policy: {{ {policy} }}\n"),
    )
}

#[test]
fn policies_come_from_a_folder_or_from_the_authority() {
    let text = with_policy(AUTHORITY, "from_authority: true");
    let config = Config::parse(&text, Path::new("/etc/portreeve")).unwrap();
    assert_eq!(config.policy_source, PolicySource::Authority);
    let IdentitySource::Authority(settings) = config.identity else {
        panic!("it has another source");
    };
    assert!(settings.wants_policies);

    let one = "policy: must have exactly one of `dir: PATH` and `from_authority: true`";
    for wrong in [
        "dir: policy, from_authority: true",
        "headers: []",
        "from_authority: false",
    ] {
        assert_eq!(mistakes(&with_policy(AUTHORITY, wrong)), [one], "{wrong}");
    }
    assert_eq!(
        mistakes(&with_policy(FILES, "from_authority: true")),
        ["policy.from_authority: needs `identity.authority`: nobody else gives out policies"]
    );
    let words = "from_authority: true, headers: [x-a], time_zones: { v: Europe/Vienna }, workload_groups: { a: [] }, signals: { risk: long, at: string }, signal_headers: { risk: x-risk }";
    let declared = [
        "headers",
        "signal_headers",
        "signals",
        "time_zones",
        "workload_groups",
    ];
    let told = declared.map(|key| {
        format!("policy.{key}: comes with the policies: declare it under `policy` at the authority")
    });
    let mut found = mistakes(&with_policy(AUTHORITY, words));
    found.sort();
    assert_eq!(found, told);
    // What they say is each sidecar's own.
    let files = "from_authority: true, workload_groups_file: g.yaml, signals_file: s.yaml";
    let config = Config::parse(&with_policy(AUTHORITY, files), Path::new("/etc/portreeve"));
    let policy = config.unwrap().policy;
    assert_eq!(
        [policy.workload_groups_file, policy.signals_file],
        ["g.yaml", "s.yaml"].map(|file| Some(Path::new("/etc/portreeve").join(file)))
    );
}

#[test]
fn what_is_said_of_callers_is_declared_with_its_type() {
    for words in ["signals: { risk: long }", "signals_file: s.yaml"] {
        let words = format!("dir: policy, {words}");
        let told = "policy.signals: goes with `policy.signals_file` or, for `portreeve signal`, `admin.socket`: the one declares what the other has";
        assert_eq!(mistakes(&with_policy(FILES, &words)), [told]);
    }
    // Operators can say what no file does, where they have a socket.
    let words = with_policy(FILES, "dir: policy, signals: { risk: long }");
    let words = words.replace("127.0.0.1:15020 }", "127.0.0.1:15020, socket: admin.sock }");
    assert!(mistakes(&words).is_empty(), "{:?}", mistakes(&words));
    let words = "dir: policy, signals: { \"a b\": long }, signals_file: s.yaml";
    let found = mistakes(&with_policy(FILES, words));
    assert!(found[0].starts_with("policy.signals.a b: "), "{found:?}");
    for (words, told) in [
        (
            "signals: { risk: long }, signal_headers: { risk: x-risk }",
            None,
        ),
        (
            "signals: { risk: long }, signal_headers: { risk: x-risk }, signals_file: s.yaml",
            Some("policy.signals: goes with `policy.signals_file`"),
        ),
        (
            "signals: { risk: long, at: string }, signal_headers: { risk: x-risk }",
            Some("policy.signals: goes with `policy.signals_file`"),
        ),
        (
            "signals: { risk: long }, signal_headers: { risk: \"x risk\" }",
            Some("policy.signal_headers.risk: "),
        ),
        (
            "signal_headers: { risk: x-risk }",
            Some("policy.signal_headers.risk: is no signal"),
        ),
    ] {
        let found = mistakes(&with_policy(FILES, &format!("dir: policy, {words}")));
        match told {
            None => assert!(found.is_empty(), "{found:?}"),
            Some(told) => assert!(found[0].starts_with(told), "{found:?}"),
        }
    }
    let found = mistakes(&with_policy(
        FILES,
        "dir: policy, claims: { \"a b\": long }",
    ));
    assert!(found[0].starts_with("policy.claims: `a b`"), "{found:?}");
    // What is taken from tokens is for this sidecar to say.
    for policies in ["dir: policy", "from_authority: true"] {
        let words = format!("{policies}, claims: {{ department: string, /org/level: long }}");
        assert_eq!(mistakes(&with_policy(AUTHORITY, &words)), [""; 0]);
    }
}

#[test]
fn redirected_connections_find_one_door_each() {
    let text = redirecting(LISTEN, CAPTURES);
    let config = Config::parse(&text, Path::new("/etc/portreeve")).unwrap();
    let transparent = config.transparent.unwrap();
    let listens: Vec<String> = transparent.listen.iter().map(ToString::to_string).collect();
    assert_eq!(listens, ["127.0.0.1:15101", "[::1]:15101"]);
    assert_eq!(config.outbound[0].listen, None);
    let written: Vec<String> = config.outbound[0]
        .captures
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(written, ["10.96.0.12/32:80", "users:80", "[fd00::/8]:*"]);
}

#[test]
fn what_would_redirect_to_nobody_or_to_two_is_told() {
    let passthrough = "transparent: { listen: '127.0.0.1:15101', passthrough: [{ captures: ['10.96.0.12:80'], service: plain }] }";
    let cases = [
        (
            redirecting("workers: 2", CAPTURES),
            "outbound[0].captures: needs `transparent`: nothing would bring connections here",
        ),
        (
            redirecting(LISTEN, ""),
            "outbound[0].listen: is missing, and so are `captures`: nobody could come to this door",
        ),
        (
            redirecting(LISTEN, "captures: ['10.96.0:80'], "),
            "outbound[0].captures[0]: `10.96.0:80`: the part before the port is neither a network nor a name: must be an IP address",
        ),
        (
            redirecting(LISTEN, "captures: ['10.96.0.12:80', '10.96.0.12:80'], "),
            "outbound[0].captures: `10.96.0.12/32:80` is captured already: by `outbound[0]`",
        ),
        (
            redirecting(passthrough, CAPTURES),
            "transparent.passthrough[0].captures: `10.96.0.12/32:80` is captured already: by `outbound[0]`",
        ),
        (
            redirecting("transparent: { listen: '0.0.0.0:15101' }", CAPTURES),
            "transparent.listen: `0.0.0.0:15101` is not on loopback: others could speak in our name",
        ),
        (
            redirecting("transparent: { listen: [] }", CAPTURES),
            "transparent.listen: names no address",
        ),
        (
            redirecting("transparent: { listen: '127.0.0.1:15006' }", CAPTURES),
            "transparent.listen: `127.0.0.1:15006` is taken: `inbound.listen` is `127.0.0.1:15006`",
        ),
        (
            redirecting(
                "transparent: { listen: '127.0.0.1:15101', passthrough: [{ captures: [], service: plain }] }",
                CAPTURES,
            ),
            "transparent.passthrough[0].captures: names no destination",
        ),
        (
            redirecting(LISTEN, CAPTURES).replace(
                "  app: 127",
                "  proxy_protocol_from: [balancer]\n  app: 127",
            ),
            "inbound.proxy_protocol_from[0]: `balancer`: must be an IP address",
        ),
    ];
    for (text, expected) in cases {
        let found = mistakes(&text);
        let told = found.len() == 1 && found[0].starts_with(expected);
        assert!(told, "{expected}: {found:?}");
    }
}

/// The whole configuration, with redirected connections.
fn redirecting(transparent: &str, captures: &str) -> String {
    let text = with("listen: \"127.0.0.1:15001\", ", captures);
    text.replace("workers: 2", transparent)
}

const LISTEN: &str = "transparent: { listen: ['127.0.0.1:15101', '[::1]:15101'] }";
const CAPTURES: &str = "captures: ['10.96.0.12:80', 'users:80', '[fd00::/8]:*'], ";
