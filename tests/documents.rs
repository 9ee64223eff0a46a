//! What the documents say is so.
//!
//! The README is held against the program, in both directions: the keys of the
//! configuration with their defaults, the metrics, and every example in it and
//! under `deploy/`. Where the two part, one of them is wrong.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may stop"
)]

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use portreeve::app::App;
use portreeve::app::Running;
use portreeve::authority;
use portreeve::authority::read_entries;
use portreeve::config::AuthorityConfig;
use portreeve::config::Config;
use portreeve::config::InjectorConfig;
use portreeve::config::PolicySource;
use portreeve::policy::Mistake;
use portreeve::policy::Policy;
use portreeve::policy::Settings;
use portreeve::rehearsal::Case;
use portreeve::rehearsal::Rehearsal;
use portreeve::rehearsal::Stage;
use portreeve::rehearsal::cases_schema;
use portreeve::rehearsal::coverage;
use portreeve::rehearsal::failures;
use portreeve::time::SystemClock;
use serde_json::Value;

#[test]
fn the_readme_can_be_read_at_one_sitting() {
    let lines = readme().lines().count();
    assert!(lines <= 250, "{lines} lines");
}

#[test]
fn every_configuration_key_is_in_a_readme_and_no_other() {
    let keys: BTreeSet<String> = keys_of_schema().into_keys().collect();
    let told: BTreeSet<String> = keys_told().into_keys().collect();
    assert!(keys.len() > 40, "the schema was not walked: {keys:?}");
    assert_eq!(told, keys);
}

#[test]
fn every_key_of_an_authority_is_in_its_readme_and_no_other() {
    let keys = keys_of(&AuthorityConfig::schema());
    let told = keys_told_in(&authority_readme());
    let names = |keys: &BTreeMap<String, Option<Value>>| keys.keys().cloned().collect();
    let told_names: BTreeSet<String> = told.keys().cloned().collect();
    assert_eq!(told_names, names(&keys));
    compare_defaults(keys, &told, 8);
}

#[test]
fn every_key_of_an_injector_is_in_its_readme_and_no_other() {
    let keys = keys_of(&InjectorConfig::schema());
    let told = keys_told_under(
        &kubernetes_readme(),
        "| key of an injector | default | meaning |",
    );
    let names: BTreeSet<&String> = keys.keys().collect();
    assert_eq!(told.keys().collect::<BTreeSet<_>>(), names);
    compare_defaults(keys, &told, 8);
}

#[test]
fn every_metric_of_an_injector_is_in_its_readme_and_no_other() {
    let told: BTreeSet<String> = rows_under(
        &kubernetes_readme(),
        "| metric of an injector | labels | meaning |",
    )
    .into_iter()
    .flat_map(|row| quoted(&row[0]))
    .collect();
    let source = fs::read_to_string("src/inject/metrics.rs").unwrap();
    let made = source
        .split('"')
        .filter(|text| text.starts_with("portreeve_"));
    assert_eq!(told, made.map(ToOwned::to_owned).collect());
}

#[test]
fn every_annotation_that_an_injector_reads_is_in_its_readme_and_no_other() {
    let text = kubernetes_readme();
    let told: BTreeSet<String> = rows_under(&text, "| annotation | default | meaning |")
        .into_iter()
        .flat_map(|row| quoted(&row[0]))
        .collect();
    let words = fs::read_to_string("src/inject/words.rs").unwrap();
    let words: BTreeSet<String> = words
        .split('"')
        .filter(|text| text.starts_with("portreeve.dev/") && *text != "portreeve.dev/")
        .map(ToOwned::to_owned)
        .collect();
    // Those that people write besides, and those that are written for them.
    let others = ["inject", "sidecar", "sidecar-config", "sidecar-roots"];
    let others: BTreeSet<String> = others.map(|name| format!("portreeve.dev/{name}")).into();
    assert!(others.is_subset(&words), "{words:?}");
    assert_eq!(told, &words - &others);
    for name in others {
        assert!(
            text.contains(&format!("`{name}`")) || name.ends_with("/sidecar"),
            "{name}"
        );
    }
}

#[test]
fn every_configuration_and_policy_for_kubernetes_is_without_mistakes() {
    let place = Path::new("deploy/kubernetes");
    let loaded = InjectorConfig::load(&place.join("base/injector-config.yaml"));
    assert!(loaded.is_ok(), "{:?}", loaded.err());
    let authority = AuthorityConfig::load(&place.join("overlays/development/authority.yaml"));
    let authority = authority
        .unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
        .authority;
    let entries = read_entries(&place.join("base/entries"), &authority.trust_domain);
    let entries = entries.unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    assert_eq!(entries.len(), 1);
    let words = authority.policy.unwrap();
    let (policy, warnings) = Policy::load(&place.join("base/policies"), &words.words)
        .unwrap_or_else(|mistakes| panic!("{}", lines(&mistakes)));
    assert!(warnings.is_empty(), "{}", lines(&warnings));
    assert_eq!(policy.names().len(), 2);
    // The two overlays differ in where the authority keeps what it knows.
    let text = |overlay: &str| {
        let path = place.join("overlays").join(overlay).join("authority.yaml");
        let text = fs::read_to_string(path).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with("store: "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(text("development"), text("production"));
    for name in ["orders", "web", "transparent"] {
        let path = place.join("injected").join(format!("{name}.yaml"));
        let pod: Value = serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let config = pod["metadata"]["annotations"]["portreeve.dev/sidecar-config"].as_str();
        let parsed = Config::parse(config.unwrap(), Path::new("/etc/portreeve"));
        assert!(parsed.is_ok(), "{name}: {:?}", parsed.err());
    }
}

#[test]
fn every_configuration_in_the_authoritys_readme_and_in_deploy_is_without_mistakes() {
    let blocks = blocks(&authority_readme());
    let [(_, config), (_, entries), (_, federation)] = &blocks[..] else {
        panic!("there are {} blocks", blocks.len());
    };
    let config = format!("{config}\n{federation}");
    let parsed = AuthorityConfig::parse(&config, Path::new("."));
    let parsed = parsed.unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("entries.yaml"), entries).unwrap();
    let read = read_entries(folder.path(), &parsed.authority.trust_domain);
    assert_eq!(
        read.unwrap_or_else(|mistakes| panic!("{mistakes:?}")).len(),
        2
    );
    for name in ["example/authority.yaml", "compose/authority/authority.yaml"] {
        let loaded = AuthorityConfig::load(&Path::new("deploy").join(name));
        assert!(loaded.is_ok(), "{name}: {:?}", loaded.err());
    }
}

#[test]
fn every_configuration_and_policy_in_the_networks_readme_is_without_mistakes() {
    let text = fs::read_to_string("deploy/network/README.md").unwrap();
    assert!(policies_shown_in(&text) > 0, "it shows no policy");
}

#[test]
fn the_cases_in_the_policy_readme_are_answered_as_expected_by_the_example() {
    let text = fs::read_to_string("deploy/policy/README.md").unwrap();
    let shown = blocks(&text);
    let (_, cases) = shown
        .iter()
        .find(|(language, _)| language == "yaml")
        .unwrap();
    let cases = vec![("README.md".to_owned(), Case::parse(cases).unwrap())];
    let stage = Stage::of_sidecar(Path::new("deploy/example/orders.yaml")).unwrap();
    let rehearsal = Rehearsal::run(&stage, cases);
    assert_eq!(rehearsal.ran.len(), 3);
    assert!(rehearsal.is_as_expected(), "{:?}", failures(&rehearsal));
    assert_eq!(coverage(&rehearsal, stage.policy()), [""; 0]);
}

#[test]
fn every_policy_in_the_policy_readme_is_without_mistakes_beside_the_example() {
    let text = fs::read_to_string("deploy/policy/README.md").unwrap();
    let config = Config::load(Path::new("deploy/example/orders.yaml")).unwrap();
    let mut policies = 0;
    for (language, text) in blocks(&text) {
        if language == "cedar" {
            let (policy, warnings) = Policy::parse(&[("README.md", &text)], &config.policy)
                .map_err(|mistakes| lines(&mistakes))
                .unwrap();
            assert!(warnings.is_empty(), "{}", lines(&warnings));
            policies += policy.names().len();
        }
    }
    assert!(policies > 0, "it shows no policy");
}

#[test]
fn the_policy_readme_tells_every_option_and_every_key_of_a_case() {
    let text = fs::read_to_string("deploy/policy/README.md").unwrap();
    let keys = keys_of(&cases_schema());
    let keys = keys.keys().filter_map(|key| key.strip_prefix("cases[]."));
    let keys: BTreeSet<&str> = keys
        .filter_map(|key| key.split(['.', '[']).next())
        .collect();
    assert!(keys.len() > 10, "{keys:?}");
    for key in keys {
        assert!(text.contains(&format!("`{key}`")), "{key}");
    }
    let commands = [
        &["explain"][..],
        &["test"],
        &["import", "istio"],
        &["import", "pomerium"],
    ];
    for command in commands {
        let help = Command::new(env!("CARGO_BIN_EXE_portreeve"))
            .arg("policy")
            .args(command)
            .arg("--help")
            .output()
            .unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        let options = help
            .split_whitespace()
            .filter(|word| word.starts_with("--"));
        let options: Vec<&str> = options.filter(|word| *word != "--help").collect();
        assert!(options.len() > 2, "{help}");
        for option in options {
            assert!(text.contains(option), "{option}");
        }
    }
}

#[test]
fn the_init_container_in_deploy_makes_rules_for_the_sidecar_beside_it() {
    let text = fs::read_to_string("deploy/network/init-container.yaml").unwrap();
    let manifests: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    let [settings, pod] = &manifests[..] else {
        panic!("there are {} manifests", manifests.len());
    };
    let config = settings["data"]["portreeve.yaml"].as_str().unwrap();
    Config::parse(config, Path::new(".")).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("portreeve.yaml");
    fs::write(&file, config).unwrap();
    let container = |list: &str, name: &str| {
        let mut all = pod["spec"][list].as_array().unwrap().iter();
        all.find(|container| container["name"] == name).unwrap()
    };
    let init = container("initContainers", "init-net");
    let words = init["command"].as_array().unwrap().iter();
    let words: Vec<&str> = words.map(|word| word.as_str().unwrap()).collect();
    assert_eq!((words[0], words.last()), ("portreeve", Some(&"--apply")));
    let printed = Command::new(env!("CARGO_BIN_EXE_portreeve"))
        .args(words[1..words.len() - 1].iter().map(|word| match *word {
            "/etc/portreeve/portreeve.yaml" => file.to_str().unwrap(),
            word => word,
        }))
        .output()
        .unwrap();
    let rules = String::from_utf8(printed.stdout).unwrap();
    let uid = &container("containers", "portreeve")["securityContext"]["runAsUser"];
    assert!(
        rules.contains(&format!("meta skuid {uid} accept")),
        "{rules}"
    );
    for probed in [
        "tcp dport 15020 accept",
        "redirect to :15101",
        "redirect to :15006",
    ] {
        assert!(rules.contains(probed), "{rules}");
    }
}

#[test]
fn every_configuration_in_the_inbound_readme_is_without_mistakes() {
    let text = fs::read_to_string("deploy/inbound/README.md").unwrap();
    let blocks = blocks(&text);
    let shown = blocks.iter().filter(|(language, _)| language == "yaml");
    let mut parsed = 0;
    for (_, text) in shown {
        let config = Config::parse(text, Path::new("."));
        assert!(config.is_ok(), "{:?}\n{text}", config.err());
        parsed += 1;
    }
    assert!(parsed > 0, "it shows no configuration");
}

#[test]
fn every_configuration_in_the_audit_readme_is_without_mistakes() {
    let text = fs::read_to_string("deploy/audit/README.md").unwrap();
    let blocks = blocks(&text);
    let shown = blocks.iter().filter(|(language, _)| language == "yaml");
    let configs: Vec<_> = shown
        .map(|(_, text)| Config::parse(text, Path::new(".")).unwrap())
        .collect();
    assert!(
        configs
            .iter()
            .any(|config| config.audit.checkpoints.is_some())
    );
}

#[test]
fn every_configuration_and_policy_in_the_edges_readme_is_without_mistakes() {
    let text = fs::read_to_string("deploy/edge/README.md").unwrap();
    assert!(policies_shown_in(&text) > 0, "it shows no policy");
}

#[test]
fn the_edges_certificate_may_be_written_as_its_readme_does() {
    let text = fs::read_to_string("deploy/edge/README.md").unwrap();
    let blocks = blocks(&text);
    let of = |wanted: &str| {
        let mut found = blocks.iter().filter(|(language, _)| language == wanted);
        found.next().unwrap().1.as_str()
    };
    let part = of("yml").strip_prefix("edge:\n").unwrap();
    let files = "  certificate: { certificate: web.crt, key: web.key }\n";
    let whole = of("yaml").replace(files, part);
    assert!(whole.contains("acme:") && !whole.contains("web.crt"));
    let config = Config::parse(&whole, Path::new("."));
    let edge = config
        .unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
        .edge;
    let portreeve::config::EdgeCertificate::Acme(acme) = edge.unwrap().certificate else {
        panic!("it is not from a CA");
    };
    let hosts = ["argocd", "grafana", "shop"].map(|name| format!("{name}.example.org"));
    assert_eq!(acme.hosts, hosts);
}

#[test]
fn every_metric_of_an_edge_is_in_its_readme_and_no_other() {
    let text = fs::read_to_string("deploy/edge/README.md").unwrap();
    let told: BTreeSet<String> = rows_under(&text, "| metric of an edge | labels | meaning |")
        .into_iter()
        .flat_map(|row| quoted(&row[0]))
        .collect();
    let sources = ["src/proxy/edge/metrics.rs", "src/acme/metrics.rs"];
    let sources = sources.map(|path| fs::read_to_string(path).unwrap());
    let made: BTreeSet<String> = sources
        .iter()
        .flat_map(|source| source.split('"'))
        .filter(|text| text.starts_with("portreeve_"))
        .map(ToOwned::to_owned)
        .collect();
    assert!(!made.is_empty());
    assert_eq!(told, made);
}

#[test]
fn every_metric_of_an_authority_is_in_its_readme_and_no_other() {
    let told: BTreeSet<String> = rows(
        &authority_readme(),
        "portreeve_authority_svid_requests_total",
    )
    .into_iter()
    .flat_map(|row| quoted(&row[0]))
    .collect();
    let registry = prometheus::Registry::new();
    let _metrics = authority::Metrics::register(&registry).unwrap();
    let exported: BTreeSet<String> = registry
        .gather()
        .iter()
        .map(|family| family.name().to_owned())
        .collect();
    // Those with labels show nothing before they have counted.
    assert!(exported.len() > 4, "{exported:?}");
    assert!(exported.is_subset(&told), "{exported:?}");
    let source = fs::read_to_string("src/authority/metrics.rs").unwrap();
    for name in told {
        assert!(source.contains(&format!("\"{name}\"")), "{name}");
    }
}

#[test]
fn every_default_is_the_one_in_the_readme() {
    compare_defaults(keys_of_schema(), &keys_told(), 20);
}

fn compare_defaults(
    keys: BTreeMap<String, Option<Value>>,
    told: &BTreeMap<String, String>,
    at_least: usize,
) {
    let mut compared = 0;
    for (key, default) in keys {
        let default = match default {
            Some(Value::String(text)) => text,
            Some(value @ (Value::Number(_) | Value::Bool(_))) => value.to_string(),
            _ => continue,
        };
        assert_eq!(told[&key], default, "{key}");
        compared += 1;
    }
    assert!(compared >= at_least, "only {compared} defaults were found");
}

#[test]
fn every_configuration_in_the_readme_and_in_deploy_is_without_mistakes() {
    let blocks = blocks(&readme());
    let shown: Vec<&String> = blocks
        .iter()
        .filter(|(language, _)| language == "yaml")
        .map(|(_, text)| text)
        .collect();
    for text in &shown {
        let parsed = Config::parse(text, Path::new("."));
        assert!(parsed.is_ok(), "{:?}\n{text}", parsed.err());
    }
    for name in ["orders.yaml", "web.yaml"] {
        let path = Path::new("deploy/example").join(name);
        let loaded = Config::load(&path);
        assert!(loaded.is_ok(), "{name}: {:?}", loaded.err());
        let text = fs::read_to_string(&path).unwrap();
        assert!(shown.contains(&&text), "the README shows another {name}");
    }
    for name in [
        "compose/orders.yaml",
        "compose/web.yaml",
        "compose/edge.yaml",
        "debian/portreeve.yaml",
    ] {
        let loaded = Config::load(&Path::new("deploy").join(name));
        assert!(loaded.is_ok(), "{name}: {:?}", loaded.err());
    }
}

#[test]
fn every_policy_in_the_readme_is_without_mistakes_under_the_configuration_above_it() {
    let policies = policies_shown_in(&readme());
    assert!(policies > 0, "the README shows no policy");
}

/// How many policies a text shows, each without mistakes under the configuration above it.
fn policies_shown_in(text: &str) -> usize {
    let mut settings = Settings::default();
    let mut policies = 0;
    for (language, text) in blocks(text) {
        match language.as_str() {
            "yaml" => settings = Config::parse(&text, Path::new(".")).unwrap().policy,
            "cedar" => {
                let (policy, warnings) = Policy::parse(&[("README.md", &text)], &settings)
                    .map_err(|mistakes| lines(&mistakes))
                    .unwrap();
                assert!(warnings.is_empty(), "{}", lines(&warnings));
                policies += policy.names().len();
            }
            _ => {}
        }
    }
    policies
}

#[test]
fn the_example_in_deploy_has_policies_without_mistakes_for_both_services() {
    for name in ["orders.yaml", "web.yaml"] {
        let config = Config::load(&Path::new("deploy/example").join(name)).unwrap();
        let PolicySource::Folder(dir) = &config.policy_source else {
            panic!("{name} has no folder");
        };
        let (policy, warnings) = Policy::load(dir, &config.policy)
            .unwrap_or_else(|mistakes| panic!("{name}: {}", lines(&mistakes)));
        assert!(warnings.is_empty(), "{name}: {}", lines(&warnings));
        assert_eq!(policy.names().len(), 2, "{name}");
    }
}

#[test]
fn every_file_that_the_readme_names_is_there() {
    let readme = readme();
    let mut named = 0;
    for word in readme.split(|c: char| c.is_whitespace() || "`'\"(),;".contains(c)) {
        let path = word.trim_end_matches(['.', ':']);
        if ["certs/", "deploy/", "src/"]
            .iter()
            .any(|folder| path.starts_with(folder))
        {
            let there = Path::new(path.trim_end_matches("/.")).exists();
            assert!(there, "`{path}` is not there");
            named += 1;
        }
    }
    assert!(named > 4, "only {named} files were found");
}

#[test]
fn every_metric_is_in_a_readme_and_no_other() {
    let told: BTreeSet<String> = sidecar_readmes()
        .iter()
        .flat_map(|text| rows_under(text, "| metric | labels | meaning |"))
        .flat_map(|row| quoted(&row[0]))
        .collect();
    assert!(told.len() > 15, "the table was not read: {told:?}");
    let dir = tempfile::tempdir().unwrap();
    let running = sidecar_with_a_past(dir.path());
    let admin = running.addresses().admin.unwrap();
    let mut exported = metrics_at(admin);
    // What the last connection counted may be a moment away.
    for _look in 0..1000 {
        if told.is_subset(&exported) {
            break;
        }
        exported = metrics_at(admin);
    }
    running.stop().unwrap();
    assert_eq!(exported, told);
}

/// What is watched is there, and what goes off has its advice.
#[test]
fn rules_and_dashboard_read_metrics_that_a_readme_tells_and_each_alert_has_its_advice() {
    let mut metrics: BTreeSet<String> = sidecar_readmes()
        .iter()
        .flat_map(|text| rows_under(text, "| metric | labels | meaning |"))
        .flat_map(|row| quoted(&row[0]))
        .collect();
    for (file, head) in [
        (
            "deploy/edge/README.md",
            "| metric of an edge | labels | meaning |",
        ),
        (
            "deploy/authority/README.md",
            "| metric | labels | meaning |",
        ),
        (
            "deploy/kubernetes/README.md",
            "| metric of an injector | labels | meaning |",
        ),
    ] {
        let text = fs::read_to_string(file).unwrap();
        metrics.extend(
            rows_under(&text, head)
                .iter()
                .flat_map(|row| quoted(&row[0])),
        );
    }
    let rules = fs::read_to_string("deploy/prometheus/portreeve.rules.yaml").unwrap();
    let board = fs::read_to_string("deploy/grafana/portreeve.json").unwrap();
    // What our rules make has a colon before the metric, and what it is of behind it.
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    for text in [&rules, &board] {
        let read: BTreeSet<&str> = text
            .split(|c| !is_part(c))
            .filter(|word| word.starts_with("portreeve_"))
            .map(|word| word.strip_suffix("_bucket").unwrap_or(word))
            .collect();
        assert!(read.len() > 15, "{read:?}");
        for metric in read {
            assert!(metrics.contains(metric), "{metric} is in no README");
        }
    }
    let advice = fs::read_to_string("deploy/prometheus/README.md").unwrap();
    let advised: BTreeSet<String> = rows_under(&advice, "| alert | what to do |")
        .iter()
        .flat_map(|row| quoted(&row[0]))
        .collect();
    let alerts: BTreeSet<String> = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "))
        .map(str::to_owned)
        .collect();
    assert_eq!(advised, alerts);
}

#[test]
fn the_unit_in_deploy_starts_what_the_command_line_understands() {
    let unit = fs::read_to_string("deploy/systemd/portreeve.service").unwrap();
    let mut settings = BTreeMap::new();
    let bare = |line: &&str| !line.is_empty() && !line.starts_with(['#', '[']);
    for line in unit.lines().filter(bare) {
        let (key, value) = line.split_once('=').expect("a setting is KEY=VALUE");
        assert!(
            settings.insert(key, value).is_none(),
            "`{key}` is there twice"
        );
    }
    assert_eq!(
        settings["ExecStart"],
        settings["ExecStartPre"].replace(" check ", " run ")
    );
    let mut words = settings["ExecStartPre"].split(' ');
    assert_eq!(words.next(), Some("/usr/bin/portreeve"));
    let dir = tempfile::tempdir().unwrap();
    let file = written_sidecar(dir.path());
    let config = Config::load(&file).unwrap();
    let file = file.to_str().unwrap();
    let checked = Command::new(env!("CARGO_BIN_EXE_portreeve"))
        .args(words.map(|word| word.replace(UNIT_CONFIG, file)))
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{complaints}");
    let patience: u64 = settings["TimeoutStopSec"].parse().unwrap();
    assert!(
        Duration::from_secs(patience) > config.drain_deadline,
        "systemd kills before the drain has ended"
    );
}

#[test]
fn the_demo_takes_its_tour_and_all_is_as_expected() {
    let dir = tempfile::tempdir().unwrap();
    let ended = Command::new(env!("CARGO_BIN_EXE_portreeve"))
        .args(["demo", "--once", "--dir"])
        .arg(dir.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&ended.stdout);
    let complaints = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{told}\n{complaints}");
    assert_eq!(told.lines().last(), Some("all as expected"));
}

/// A configuration in `dir` with which a sidecar starts.
fn written_sidecar(dir: &Path) -> PathBuf {
    fs::create_dir(dir.join("policy")).unwrap();
    let shadow = "@id(\"all\") @shadow(\"for the metric\") permit (principal, action, resource);";
    fs::write(dir.join("policy/all.cedar"), shadow).unwrap();
    let file = dir.join("sidecar.yaml");
    fs::write(&file, SIDECAR).unwrap();
    file
}

/// A sidecar with its files in `dir` that has denied a request, and seen another and a handshake fail.
fn sidecar_with_a_past(dir: &Path) -> Running {
    let config = Config::load(&written_sidecar(dir)).unwrap();
    let app = App::build(config, Arc::new(SystemClock)).unwrap();
    let running = app.start().unwrap();
    let places = running.addresses();
    // No policy permits it, so nothing need be at the other end.
    let denied = ask(places.outbound[0], "/");
    assert!(denied.starts_with("HTTP/1.1 403 "), "{denied}");
    // Nor this.
    let _reset = exchange(places.tcp_outbound[0], b"x");
    // No request at all: 400.
    let _refused = exchange(places.outbound[0], b"x\r\n\r\n");
    // Not TLS: the answer is an alert, if anything.
    let _alert = exchange(places.inbound.unwrap(), b"GET / HTTP/1.1\r\n\r\n");
    // A set with a mistake, which is refused.
    fs::write(dir.join("policy/z.cedar"), "permit").unwrap();
    running.reload();
    running
}

/// The names of what is exported.
fn metrics_at(admin: SocketAddr) -> BTreeSet<String> {
    let text = ask(admin, "/metrics");
    assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
    text.lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .map(ToOwned::to_owned)
        .collect()
}

/// The whole answer to a GET.
fn ask(address: SocketAddr, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let answer = exchange(address, request.as_bytes()).unwrap();
    String::from_utf8(answer).unwrap()
}

fn exchange(address: SocketAddr, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

/// Every key that holds a value, by its full path, with its default.
fn keys_of_schema() -> BTreeMap<String, Option<Value>> {
    keys_of(&Config::schema())
}

fn keys_of(schema: &Value) -> BTreeMap<String, Option<Value>> {
    let mut keys = BTreeMap::new();
    walk(schema, schema, String::new(), &mut keys);
    keys
}

fn walk(schema: &Value, node: &Value, path: String, keys: &mut BTreeMap<String, Option<Value>>) {
    let found = resolve(schema, node);
    if let Some(properties) = found["properties"].as_object() {
        for (key, value) in properties {
            let dot = if path.is_empty() { "" } else { "." };
            walk(schema, value, format!("{path}{dot}{key}"), keys);
        }
        return;
    }
    let named = resolve(schema, &found["additionalProperties"]);
    if named["properties"].is_object() && path == "edge.providers" {
        return walk(schema, named, format!("{path}.*"), keys);
    }
    let item = resolve(schema, &found["items"]);
    if item["properties"].is_object() {
        return walk(schema, item, format!("{path}[]"), keys);
    }
    let default = node.get("default").filter(|default| !default.is_null());
    keys.insert(path, default.cloned());
}

/// What a reference, or the one choice that is not null, stands for.
fn resolve<'a>(schema: &'a Value, node: &'a Value) -> &'a Value {
    if let Some(to) = node["$ref"].as_str() {
        let found = schema.pointer(to.trim_start_matches('#'));
        return resolve(schema, found.expect("a reference leads somewhere"));
    }
    let choices = node["anyOf"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let mut choices = choices.iter().filter(|choice| choice["type"] != "null");
    match (choices.next(), choices.next()) {
        (Some(only), None) => resolve(schema, only),
        _ => node,
    }
}

/// The keys of the tables about a sidecar, with what they say of their defaults.
fn keys_told() -> BTreeMap<String, String> {
    let mut told = BTreeMap::new();
    for text in sidecar_readmes() {
        for (key, default) in keys_told_in(&text) {
            assert_eq!(
                told.insert(key.clone(), default),
                None,
                "{key} is told twice"
            );
        }
    }
    told
}

fn keys_told_in(text: &str) -> BTreeMap<String, String> {
    keys_told_under(text, "| key | default | meaning |")
}

fn keys_told_under(text: &str, header: &str) -> BTreeMap<String, String> {
    let mut told = BTreeMap::new();
    for row in rows_under(text, header) {
        let keys = quoted(&row[0]);
        let defaults: Vec<String> = row[1]
            .split(", ")
            .map(|default| default.trim_matches('`').to_owned())
            .collect();
        for (at, key) in keys.into_iter().enumerate() {
            let default = defaults.get(at).unwrap_or(&defaults[0]);
            told.insert(key, default.clone());
        }
    }
    told
}

/// The rows of the table that has a row for `name`, cell by cell.
fn rows(text: &str, name: &str) -> Vec<Vec<String>> {
    let first = format!("| `{name}`");
    let part = text
        .split("\n\n")
        .find(|part| part.lines().any(|line| line.starts_with(&first)));
    cells(part.expect("there is such a table"))
}

/// The rows of all tables with that `header`, cell by cell.
fn rows_under(text: &str, header: &str) -> Vec<Vec<String>> {
    text.split("\n\n")
        .filter(|part| part.lines().any(|line| line == header))
        .flat_map(cells)
        .collect()
}

fn cells(table: &str) -> Vec<Vec<String>> {
    table
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            line.split(" | ")
                .map(|cell| cell.trim_matches(['|', ' ']).to_owned())
                .collect()
        })
        .collect()
}

/// Whatever stands between backticks.
fn quoted(text: &str) -> Vec<String> {
    text.split('`')
        .skip(1)
        .step_by(2)
        .map(ToOwned::to_owned)
        .collect()
}

/// The blocks of code, each with its language.
fn blocks(text: &str) -> Vec<(String, String)> {
    text.split("\n```")
        .skip(1)
        .step_by(2)
        .map(|block| block.split_once('\n').expect("a block has a first line"))
        .map(|(language, body)| (language.to_owned(), format!("{body}\n")))
        .collect()
}

fn lines(mistakes: &[Mistake]) -> String {
    let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// What is said of a sidecar: the README, and those in `deploy/` but the authority's.
fn sidecar_readmes() -> Vec<String> {
    let mut texts = vec![readme()];
    for folder in fs::read_dir("deploy").unwrap() {
        let path = folder.unwrap().path();
        if !path.ends_with("authority") {
            texts.extend(fs::read_to_string(path.join("README.md")).ok());
        }
    }
    assert!(texts.len() > 1, "there are none in `deploy/`");
    texts
}

fn authority_readme() -> String {
    fs::read_to_string("deploy/authority/README.md").unwrap()
}

fn kubernetes_readme() -> String {
    fs::read_to_string("deploy/kubernetes/README.md").unwrap()
}

fn readme() -> String {
    fs::read_to_string("README.md").unwrap()
}

/// Longer than any answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the unit expects the configuration.
const UNIT_CONFIG: &str = "/etc/portreeve/portreeve.yaml";

/// With both kinds of door, so that it has every metric.
const SIDECAR: &str = r#"
trust_domain: example.org
identity: { embedded: { dir: ca, id: "spiffe://example.org/both" } }
workers: 1
inbound: { listen: "127.0.0.1:0", service: ours, app: "127.0.0.1:1", app_ready: {} }
outbound: [{ listen: "127.0.0.1:0", to: "127.0.0.1:1", expect: "spiffe://example.org/b", service: theirs }]
tcp: { outbound: [{ listen: "127.0.0.1:0", to: "127.0.0.1:1", expect: "spiffe://example.org/b", service: theirs-too }] }
policy: { dir: policy }
audit: { file: decisions.jsonl }
admin: { listen: "127.0.0.1:0" }
"#;
