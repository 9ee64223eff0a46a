//! A file of cases as it is written.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::time::Duration;
use std::time::SystemTime;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::Mistake;
use crate::rehearsal::asked::What;
use crate::rehearsal::asked::moment;
use crate::rehearsal::cases::Case;
use crate::rehearsal::cases::Expected;
use crate::rehearsal::cases::Written;
use crate::rehearsal::cases::caller::Keys;
use crate::rehearsal::cases::caller::User;
use crate::rehearsal::handshake::Handshake;

/// Cases for the policies of a folder, in a file `*.test.yaml` beside them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// What holds for each case that does not say otherwise.
    #[serde(default)]
    defaults: Given,
    /// The cases.
    cases: Vec<Entry>,
}

/// What cases of a file have in common.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Given {
    /// Who asks: a SPIFFE ID. At most one of `caller`, `user` and `anonymous`.
    caller: Option<String>,
    /// Who asks: somebody who has signed in.
    user: Option<User>,
    /// Whether whoever asks has not signed in. Default: false.
    anonymous: bool,
    /// Which service is asked. Default: that of the configuration's inbound door, or the only one that policies name.
    service: Option<String>,
    /// The method. Default: GET.
    method: Option<String>,
    /// The host that requests are for. Default: the service's name.
    host: Option<String>,
    /// Header fields: name to value, or to a list of values for a field that comes several times.
    headers: BTreeMap<String, Values>,
    /// Where the connection comes from. Default: 127.0.0.1.
    source: Option<String>,
    /// When, such as 2026-11-24T18:00:00+01:00. Default: 2026-01-01T12:00:00Z, a Thursday.
    at: Option<String>,
    /// The connection's TLS: `none`, or parts such as `group=X25519,issued=TIME,expires=TIME,serial=HEX`. Default: as between sidecars.
    tls: Option<String>,
    /// Workload groups that a workload is in besides the declared ones.
    groups: Vec<String>,
    /// What is said of the caller: the values of signals, by name. Default: nothing.
    signals: BTreeMap<String, serde_json::Value>,
}

/// A request or a connection, and what is expected.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the file")]
struct Entry {
    /// What the case shows, in words of its own.
    name: String,
    /// Who asks: a SPIFFE ID. `caller`, `user` or `anonymous` stands for what `defaults` has of them.
    caller: Option<String>,
    /// Who asks: somebody who has signed in.
    user: Option<User>,
    /// Whether whoever asks has not signed in.
    #[serde(default)]
    anonymous: bool,
    /// Which service is asked.
    service: Option<String>,
    /// The method.
    method: Option<String>,
    /// The path as the caller sends it, perhaps with a query. Exactly one of `path` and `connect`.
    path: Option<String>,
    /// Whether it is a TCP connection instead of a request. Default: false.
    #[serde(default)]
    connect: bool,
    /// The host that the request is for.
    host: Option<String>,
    /// Header fields; each replaces the one of `defaults`.
    #[serde(default)]
    headers: BTreeMap<String, Values>,
    /// Where the connection comes from.
    source: Option<String>,
    /// When.
    at: Option<String>,
    /// The connection's TLS.
    tls: Option<String>,
    /// Workload groups that the caller is in besides the declared ones and those of `defaults`.
    #[serde(default)]
    groups: Vec<String>,
    /// Values of signals; each replaces the one of `defaults`.
    #[serde(default)]
    signals: BTreeMap<String, serde_json::Value>,
    /// `allow`; `deny`, by the policies; or `refuse`, before they are asked.
    expect: Answer,
    /// The policies that decide, by `@id`: exactly these.
    by: Option<Values>,
    /// Why not, as in records: `no_permit`, `forbidden`, `bad_path`, ….
    reason: Option<String>,
}

/// What is expected.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Answer {
    /// A permit applies and no forbid does.
    Allow,
    /// The policies say no.
    Deny,
    /// The request has no single reading.
    Refuse,
}

/// A text or a list of them.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Values {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Values {
    fn as_slice(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }
}

/// The JSON Schema of such a file, for editors.
#[must_use]
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(File).to_value()
}

/// All cases, or all mistakes.
pub(super) fn check(file: &File) -> Result<Vec<Case>, Vec<Mistake>> {
    let mut notes = Notes::default();
    let mut cases = Vec::new();
    let mut names = BTreeSet::new();
    if file.cases.is_empty() {
        notes.add("cases", "there is none".to_owned());
    }
    for (at, entry) in file.cases.iter().enumerate() {
        let path = format!("cases[{at}]");
        if !names.insert(entry.name.as_str()) {
            notes.add(
                &format!("{path}.name"),
                format!("`{}` is taken", entry.name),
            );
        }
        let expected = expected(entry, &path, &mut notes);
        let asked = asked(entry, &file.defaults, &path, &mut notes);
        cases.extend(asked.map(|asked| Case {
            name: entry.name.clone(),
            expected,
            asked,
        }));
    }
    if notes.0.is_empty() {
        Ok(cases)
    } else {
        Err(notes.0)
    }
}

fn expected(entry: &Entry, path: &str, notes: &mut Notes) -> Expected {
    let decision = match entry.expect {
        Answer::Allow => "permit",
        Answer::Deny => "deny",
        Answer::Refuse => "refused",
    };
    if entry.expect == Answer::Refuse && entry.by.is_some() {
        let text = "no policy is asked where a request is refused";
        notes.add(&format!("{path}.by"), text.to_owned());
    }
    if entry.expect == Answer::Allow && entry.reason.is_some() {
        let text = "only a no has a reason";
        notes.add(&format!("{path}.reason"), text.to_owned());
    }
    let by = entry.by.as_ref().map(|by| {
        let mut by = by.as_slice().to_vec();
        by.sort_unstable();
        by.dedup();
        by
    });
    Expected {
        decision,
        by,
        reason: entry.reason.clone(),
    }
}

fn asked(entry: &Entry, given: &Given, path: &str, notes: &mut Notes) -> Option<Written> {
    let key = |name: &str| format!("{path}.{name}");
    let keys = Keys {
        anonymous: entry.anonymous,
        caller: entry.caller.as_ref(),
        user: entry.user.as_ref(),
    };
    let defaults = Keys {
        anonymous: given.anonymous,
        caller: given.caller.as_ref(),
        user: given.user.as_ref(),
    };
    let caller = keys.read(defaults, path, notes);
    let service = entry.service.as_ref().or(given.service.as_ref());
    let service = service.map(|text| notes.parse(&key("service"), text));
    let source = entry.source.as_ref().or(given.source.as_ref());
    let source = source.map(|text| notes.parse(&key("source"), text));
    let groups = given.groups.iter().chain(&entry.groups);
    let groups = groups
        .filter_map(|text| notes.parse(&key("groups"), text))
        .collect();
    let now = now(entry.at.as_ref().or(given.at.as_ref()), &key("at"), notes);
    let tls = entry.tls.as_ref().or(given.tls.as_ref());
    let tls = tls.map(|text| notes.parse(&key("tls"), text));
    let signals = given.signals.iter().chain(&entry.signals);
    let signals = signals.map(|(name, value)| (name.clone(), value.to_string()));
    let what = what(entry, given, path, notes);
    Some(Written {
        caller: caller?,
        groups,
        host: entry.host.clone().or_else(|| given.host.clone()),
        now: now?,
        service: service.map_or(Some(None), |service| service.map(Some))?,
        signals: signals.collect(),
        source: source.unwrap_or(Some(IpAddr::V4(Ipv4Addr::LOCALHOST)))?,
        tls: tls.unwrap_or_else(|| Some(Handshake::default()))?,
        what: what?,
    })
}

fn what(entry: &Entry, given: &Given, path: &str, notes: &mut Notes) -> Option<What> {
    let target = match (&entry.path, entry.connect) {
        (Some(target), false) => target.clone(),
        (None, true) => return connection(entry, path, notes),
        (Some(_), true) | (None, false) => {
            let text = "must have exactly one of `path` and `connect: true`";
            notes.add(path, text.to_owned());
            return None;
        }
    };
    let method = entry.method.as_ref().or(given.method.as_ref());
    let method = method.map_or(Some(Method::GET), |text| {
        notes.parse(&format!("{path}.method"), text)
    });
    let mut all = given.headers.clone();
    all.extend(entry.headers.clone());
    let mut headers = HeaderMap::new();
    for (name, values) in &all {
        let path = format!("{path}.headers.{name}");
        let name = notes.parse::<HeaderName>(&path, name);
        for value in values.as_slice() {
            let value = notes.parse::<HeaderValue>(&path, value);
            if let (Some(name), Some(value)) = (&name, value) {
                headers.append(name, value);
            }
        }
    }
    Some(What::Request {
        headers,
        host: String::new(),
        method: method?,
        target,
    })
}

fn connection(entry: &Entry, path: &str, notes: &mut Notes) -> Option<What> {
    if entry.method.is_some() || entry.host.is_some() || !entry.headers.is_empty() {
        let text = "a connection has no `method`, `host` or `headers`";
        notes.add(path, text.to_owned());
        return None;
    }
    Some(What::Connection)
}

fn now(written: Option<&String>, path: &str, notes: &mut Notes) -> Option<SystemTime> {
    let Some(text) = written else {
        return SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(THURSDAY_NOON));
    };
    let parsed = moment(text).map_err(|error| notes.add(path, format!("`{text}`: {error}")));
    parsed.ok()
}

/// 2026-01-01T12:00:00Z: cases must not depend on when they are run.
const THURSDAY_NOON: u64 = 1_767_268_800;

/// Everything that is wrong, by its path.
#[derive(Debug, Default)]
pub(super) struct Notes(Vec<Mistake>);

impl Notes {
    pub(super) fn add(&mut self, path: &str, text: String) {
        self.0.push(Mistake {
            path: path.to_owned(),
            text,
        });
    }

    pub(super) fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(
        &mut self,
        path: &str,
        text: &str,
    ) -> Option<T> {
        let parsed = text.parse();
        parsed
            .map_err(|error| self.add(path, format!("{text:?}: {error}")))
            .ok()
    }
}
