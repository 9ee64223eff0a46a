//! Istio's documentation and tests, case by case.

use std::collections::BTreeMap;
use std::fs;

use portreeve::policy::Connection;
use portreeve::proxy::Described;
use portreeve::proxy::Terms;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use super::*;
use crate::corpus::Case;
use crate::corpus::Counts;
use crate::corpus::tables;

/// The workload; each part as it is said nearest to the case.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Workload {
    namespace: Option<String>,
    labels: Option<BTreeMap<String, Option<String>>>,
    port: Option<u16>,
    tcp: Option<bool>,
    trust_domain: Option<String>,
    aliases: Option<Vec<String>>,
    default_namespace: Option<String>,
}

/// A policy in short: what is not named here is in its `spec`.
#[derive(Debug, Deserialize)]
struct Short {
    #[serde(default = "plain_name")]
    name: String,
    kind: Option<String>,
    /// Its namespace, where it is not that of the workload. Empty: it names none.
    r#in: Option<String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    /// The labels that it selects by.
    selects: Option<BTreeMap<String, String>>,
    #[serde(flatten)]
    spec: BTreeMap<String, Value>,
}

fn plain_name() -> String {
    "p".to_owned()
}

#[test]
fn what_istio_documents_and_tests_is_decided_as_there_or_refused() {
    let mut counts = Counts::default();
    for table in tables::<Vec<Short>, Workload>("istio") {
        for case in &table.cases {
            let target = case.to.target(&table.to);
            let mut text = written(&case.policies, &target.namespace);
            if case.open && case.refused.is_none() {
                nobody_is_let_in(case, &text, &target);
                let everybody = [Short {
                    name: "everybody".to_owned(),
                    kind: None,
                    r#in: None,
                    annotations: BTreeMap::new(),
                    selects: None,
                    spec: [("rules".to_owned(), json!([{}]))].into(),
                }];
                text = format!("{text}\n---\n{}", written(&everybody, &target.namespace));
            }
            let became = istio(&text, &target);
            let lets_in = |row: &str| lets_in(&text, &target, row);
            case.check((&table.from, &text), &became, &lets_in, &mut counts);
        }
    }
    assert!(counts.faults.is_empty(), "{}", counts.faults.join("\n\n"));
    let said = counts.said();
    let readme = fs::read_to_string("deploy/policy/README.md").unwrap();
    let readme = readme.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(readme.contains(&format!("Istio: {said}.")), "{said}");
}

/// Where Istio lets everybody in for want of an ALLOW.
fn nobody_is_let_in(case: &Case<Vec<Short>, Workload>, text: &str, target: &Target) {
    for row in &case.allowed {
        assert!(!lets_in(text, target, row), "{row}\n{text}");
    }
    let imported = istio(text, target).unwrap();
    assert!(imported.cedar.contains("// No ALLOW is for this workload."));
}

impl Workload {
    fn target(&self, outer: &Self) -> Target {
        let text = |own: &Option<String>, outer: &Option<String>, plain: &str| {
            let said = own.clone().or_else(|| outer.clone());
            said.unwrap_or_else(|| plain.to_owned())
        };
        let aliases = self.aliases.as_ref().or(outer.aliases.as_ref());
        let aliases = aliases.into_iter().flatten();
        let labels = self.labels.clone().or_else(|| outer.labels.clone());
        let default_namespace = self.default_namespace.clone();
        Target {
            default_namespace: default_namespace.or_else(|| outer.default_namespace.clone()),
            is_tcp: self.tcp.or(outer.tcp).unwrap_or_default(),
            labels: labels.unwrap_or_default(),
            namespace: text(&self.namespace, &outer.namespace, "foo"),
            port: self.port.or(outer.port).or(Some(8080)),
            root_namespace: "istio-system".to_owned(),
            service: "orders".parse().unwrap(),
            trust_domain: text(&self.trust_domain, &outer.trust_domain, "td")
                .parse()
                .unwrap(),
            trust_domain_aliases: aliases.map(|one| one.parse().unwrap()).collect(),
        }
    }
}

/// The policies as Istio has them, each key and each value in its own line.
fn written(policies: &[Short], namespace: &str) -> String {
    let documents = policies.iter().map(|short| {
        let namespace = short.r#in.as_deref().unwrap_or(namespace);
        let mut metadata = json!({ "name": short.name, "annotations": short.annotations });
        if !namespace.is_empty() {
            metadata["namespace"] = json!(namespace);
        }
        let mut spec = json!(short.spec);
        if let Some(labels) = &short.selects {
            spec["selector"] = json!({ "matchLabels": labels });
        }
        let kind = short.kind.as_deref().unwrap_or("AuthorizationPolicy");
        let document = json!({
            "apiVersion": "security.istio.io/v1", "kind": kind, "metadata": metadata, "spec": spec,
        });
        serde_json::to_string_pretty(&document).unwrap()
    });
    documents.collect::<Vec<_>>().join("\n---\n")
}

/// Whether whoever the row speaks of is let in: `<namespace>/<account>`, or a
/// SPIFFE ID without its scheme; `TCP`, or a method and a path; `host=`, `from=`
/// (an address), `port=` (that of the workload); every other word is a header.
fn lets_in(text: &str, target: &Target, row: &str) -> bool {
    let mut words = row.split(' ');
    let who = words.next().unwrap();
    let id = match who.split_once('/') {
        Some((namespace, account)) if !account.contains('/') => {
            format!("{}/ns/{namespace}/sa/{account}", target.trust_domain)
        }
        _ => who.to_owned(),
    };
    let caller = Caller::workload(&format!("spiffe://{id}").parse().unwrap());
    let method = words.next().unwrap();
    let path = if method == "TCP" {
        ""
    } else {
        words.next().unwrap()
    };
    let mut target = target.clone();
    let (mut host, mut source, mut headers) = ("orders", "10.1.2.3", HeaderMap::new());
    for word in words {
        match word.split_once('=').unwrap() {
            ("host", value) => host = value,
            ("from", value) => source = value,
            ("port", value) => target.port = Some(value.parse().unwrap()),
            (name, value) => {
                let name = name.parse::<HeaderName>().unwrap();
                headers.append(name, value.replace('_', " ").parse().unwrap());
            }
        }
    }
    let imported = istio(text, &target).unwrap_or_else(|why| panic!("{row}: {why:?}\n{text}"));
    let settings = Settings {
        services: [(target.service.clone(), Vec::new())].into(),
        headers: imported.headers.clone(),
        ..Settings::default()
    };
    let (policy, _) = Policy::parse(&[("a.cedar", &imported.cedar)], &settings).unwrap();
    let policy = Arc::new(policy);
    let source = source.parse().unwrap();
    let (service, now) = (&target.service, SystemTime::UNIX_EPOCH);
    if method == "TCP" {
        let connection = Connection {
            caller: &caller,
            service,
            source,
            now,
        };
        return Decider::new()
            .decide_connection(&policy, &connection)
            .is_ok();
    }
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let Ok(read) = Described::read(method, path, host, headers, Terms::default()) else {
        // The door refuses it before any policy is asked.
        return false;
    };
    let question = read.question(&caller, service, source, now);
    Decider::new().decide(&policy, &question).is_ok()
}
