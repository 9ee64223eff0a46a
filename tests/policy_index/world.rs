//! Sets of policies from lines, and requests put to the index. The fuzz target
//! has it, too.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use http::HeaderMap;
use http::Method;
use portreeve::policy::Caller;
use portreeve::policy::ClaimType;
use portreeve::policy::ClaimValue;
use portreeve::policy::Connection;
use portreeve::policy::Decider;
use portreeve::policy::Person;
use portreeve::policy::Policy;
use portreeve::policy::PolicyName;
use portreeve::policy::Question;
use portreeve::policy::Route;
use portreeve::policy::Settings;
use portreeve::policy::SignalType;
use portreeve::policy::Signals;
use portreeve::policy::Tls;

use crate::oracle::Outcome;
use crate::tables::Asked;
use crate::tables::CALLERS;
use crate::tables::CONNECT;
use crate::tables::PERSONS;

pub(crate) fn settings() -> Settings {
    let route = Route {
        path: "/api/**".parse().unwrap(),
        groups: ["api".parse().unwrap()].into(),
    };
    let group = ["spiffe://td/ns/a/sa/x", "spiffe://other/plain"];
    let signals = [
        ("risk", SignalType::Long),
        ("safe", SignalType::Bool),
        ("site", SignalType::Text),
        ("tags", SignalType::Texts),
    ];
    let signals = signals
        .map(|(name, kind)| (name.parse().unwrap(), kind))
        .into();
    let claims = [
        ("level", ClaimType::Long),
        ("staff", ClaimType::Bool),
        ("tags", ClaimType::Texts),
        ("team", ClaimType::Text),
    ];
    let values = format!(
        "{}: {{ risk: 7 }}\n{}: {{ risk: {{ value: 9, until: 1970-01-01T00:02:00Z }} }}\n{}: {{ risk: 7, safe: true, site: vienna, tags: [x, w] }}\n",
        CALLERS[0].0, CALLERS[1].0, CALLERS[4].0
    );
    Settings {
        signal_values: Signals::parse("signals.yaml", &values, &signals).unwrap(),
        signals,
        claims: claims
            .map(|(name, kind)| (name.parse().unwrap(), kind))
            .into(),
        services: [
            ("s".parse().unwrap(), vec![route]),
            ("t".parse().unwrap(), Vec::new()),
        ]
        .into(),
        headers: vec![http::HeaderName::from_static("x-a")],
        zones: [("zone".parse().unwrap(), "Asia/Tokyo".parse().unwrap())].into(),
        workload_groups: [(
            "g".parse().unwrap(),
            group.map(|id| id.parse().unwrap()).into(),
        )]
        .into(),
        ..Settings::default()
    }
}

/// Those of `lines` that are valid together: one policy each.
pub(crate) fn valid(mut lines: Vec<String>) -> (Policy, String) {
    loop {
        let text = lines.join("\n");
        match Policy::parse(&[("a.cedar", &text)], &settings()) {
            Ok((policy, _)) => return (policy, text),
            Err(mistakes) => {
                for mistake in mistakes.iter().rev() {
                    lines[mistake.line - 1].clear();
                }
            }
        }
    }
}

/// A policy of these parts. A connection has neither path nor headers, so one that
/// reads them is refused unless it says that it is about requests.
pub(crate) fn line([effect, principal, action, resource, condition]: [&str; 5]) -> String {
    let is_http = ["path", "query", "method", "host", "headers", "params"]
        .iter()
        .flat_map(|name| ["context.", "context has "].map(|of| format!("{of}{name}")))
        .any(|read| condition.contains(&read));
    let action = match action {
        "action" if is_http => "action in Action::\"http\"",
        action => action,
    };
    format!("{effect}({principal}, {action}, {resource}) {condition};")
}

pub(crate) fn named(lines: Vec<String>) -> Vec<String> {
    let numbers = 0..lines.len();
    numbers
        .zip(lines)
        .map(|(number, line)| format!("@id(\"p{number:02}\") {line}"))
        .collect()
}

fn caller(asked: &Asked) -> Caller {
    let id = CALLERS[asked.caller].0;
    if id == "anonymous" {
        return Caller::anonymous();
    }
    let Ok(id) = id.parse() else {
        return Caller::person(Arc::new(person(asked.caller)));
    };
    let tls = asked.tls.map(|group| Tls {
        group: group.into(),
        not_after: SystemTime::UNIX_EPOCH + Duration::from_secs(7200),
        not_before: SystemTime::UNIX_EPOCH,
        serial: "0a".into(),
    });
    tls.map_or_else(|| Caller::workload(&id), |tls| Caller::over(&id, tls))
}

fn person(caller: usize) -> Person {
    let ((id, groups), facts) = (CALLERS[caller], PERSONS[caller]);
    let (provider, subject) = id.split_once('/').unwrap();
    let group = |group: &&str| group.split_once('/').unwrap().1.into();
    Person {
        acr: facts.acr.map(Into::into),
        amr: facts.amr.iter().map(|&method| method.into()).collect(),
        authenticated_at: facts
            .signed_in
            .map(|at| SystemTime::UNIX_EPOCH + Duration::from_secs(at)),
        claims: facts.level.map(claims).unwrap_or_default(),
        email: facts.email.map(Into::into),
        email_verified: facts.email_verified,
        groups: groups.iter().map(group).collect(),
        name: None,
        provider: provider.parse().unwrap(),
        roles: facts.roles.iter().map(|&role| role.into()).collect(),
        subject: subject.parse().unwrap(),
    }
}

fn claims(level: i64) -> BTreeMap<Box<str>, ClaimValue> {
    let tags = ["x".into(), "z".into()].into();
    [
        ("level".into(), ClaimValue::Long(level)),
        ("staff".into(), ClaimValue::Bool(level > 2)),
        ("tags".into(), ClaimValue::Texts(tags)),
        ("team".into(), ClaimValue::Text("it".into())),
    ]
    .into()
}

/// Gives `ask` what was asked: a request, or a connection.
pub(crate) fn put<T>(
    asked: &Asked,
    ask: impl FnOnce(Result<&Question<'_>, &Connection<'_>>) -> T,
) -> T {
    let caller = caller(asked);
    let mut headers = HeaderMap::new();
    if let Some(value) = asked.header {
        headers.insert("x-a", value.parse().unwrap());
    }
    let service = asked.service.parse().unwrap();
    let source = asked.source.parse().unwrap();
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(asked.minute * 60);
    if asked.method == CONNECT {
        return ask(Err(&Connection {
            caller: &caller,
            service: &service,
            source,
            now,
        }));
    }
    ask(Ok(&Question {
        caller: &caller,
        service: &service,
        method: &Method::from_bytes(asked.method.as_bytes()).unwrap(),
        host: "h",
        path: asked.path,
        query: asked.query,
        headers: &headers,
        source,
        now,
    }))
}

pub(crate) fn indexed(decider: &mut Decider, policy: &Arc<Policy>, asked: &Asked) -> Outcome {
    let decided = put(asked, |what| match what {
        Ok(question) => decider.decide(policy, question),
        Err(connection) => decider.decide_connection(policy, connection),
    });
    let names = |policies: &[PolicyName]| policies.iter().map(ToString::to_string).collect();
    match decided {
        Ok(permit) => ("permit", names(permit.policies())),
        Err(denial) => (denial.reason().as_str(), names(denial.policies())),
    }
}
