//! What policies may speak about, and where they come from, as the files have it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

use http::HeaderName;

use crate::authority;
use crate::config::IdentitySource;
use crate::config::Mistakes;
use crate::config::PolicySource;
use crate::config::authority_file;
use crate::config::doors;
use crate::config::file;
use crate::id::TrustDomain;
use crate::policy;
use crate::policy::ClaimName;
use crate::policy::ClaimType;
use crate::policy::Route;
use crate::policy::ServiceName;
use crate::policy::SignalHeader;
use crate::policy::SignalName;

/// Where a sidecar's policies come from. If it is the authority, `identity`
/// must be from there, and asks for them.
pub(super) fn source(
    written: &file::Policy,
    identity: &mut Option<IdentitySource>,
    folder: &Path,
    notes: &mut Mistakes,
) -> Option<PolicySource> {
    match (&written.dir, written.from_authority) {
        (Some(dir), false) => Some(PolicySource::Folder(folder.join(dir))),
        (None, true) => {
            match identity {
                Some(IdentitySource::Authority(settings)) => settings.wants_policies = true,
                Some(_) => notes.add(
                    "policy.from_authority",
                    "needs `identity.authority`: nobody else gives out policies",
                ),
                // What is wrong with it is noted.
                None => {}
            }
            let words = [
                ("headers", written.headers.is_empty()),
                ("time_zones", written.time_zones.is_empty()),
                ("trust_domains", written.trust_domains.is_empty()),
                ("workload_groups", written.workload_groups.is_empty()),
                ("signals", written.signals.is_empty()),
                ("signal_headers", written.signal_headers.is_empty()),
            ];
            for (key, _) in words.iter().filter(|(_, is_empty)| !is_empty) {
                notes.add(
                    format!("policy.{key}"),
                    "comes with the policies: declare it under `policy` at the authority",
                );
            }
            Some(PolicySource::Authority)
        }
        (Some(_), true) | (None, false) => {
            notes.add(
                "policy",
                "must have exactly one of `dir: PATH` and `from_authority: true`",
            );
            None
        }
    }
}

/// What a sidecar's policies may speak about.
pub(super) fn of_sidecar(
    file: &file::File,
    services: BTreeMap<ServiceName, Vec<Route>>,
    (domain, folder): (Option<&TrustDomain>, &Path),
    notes: &mut Mistakes,
) -> policy::Settings {
    let written = &file.policy;
    let listed = written.workload_groups_file.as_ref();
    let mut settings = policy::Settings {
        services,
        workload_groups_file: listed.map(|file| folder.join(file)),
        ..policy::Settings::default()
    };
    settings.trust_domains.extend(domain.cloned());
    for (at, domain) in written.trust_domains.iter().enumerate() {
        let domain = notes.parse::<TrustDomain>(format!("policy.trust_domains[{at}]"), domain);
        settings.trust_domains.extend(domain);
    }
    headers(&written.headers, &mut settings, notes);
    settings.claims = claims(&written.claims, notes);
    time_zones(&written.time_zones, &mut settings, notes);
    workload_groups(&written.workload_groups, &mut settings, notes);
    let is_pushed = file
        .admin
        .as_ref()
        .is_some_and(|admin| admin.socket.is_some());
    let declared = (&written.signals, &written.signal_headers);
    signals(declared, &mut settings, notes);
    let file = written.signals_file.as_ref();
    settings.signals_file = file.map(|file| folder.join(file));
    // Those of an authority come with its sets.
    if !written.from_authority && !have_values((written, is_pushed)) {
        notes.add(
            "policy.signals",
            "goes with `policy.signals_file` or, for `portreeve signal`, `admin.socket`: the one declares what the other has",
        );
    }
    settings
}

/// What an authority's policies may speak about, and where they are. Callers
/// come from `trust_domains`.
pub(super) fn of_authority(
    written: &authority_file::Policy,
    trust_domains: BTreeSet<TrustDomain>,
    folder: &Path,
    notes: &mut Mistakes,
) -> authority::PolicySettings {
    let mut words = policy::Settings {
        trust_domains,
        ..policy::Settings::default()
    };
    for (name, service) in &written.services {
        let path = format!("policy.services.{name}");
        let routes = doors::routes(&format!("{path}.routes"), &service.routes, notes);
        if let Some(name) = notes.parse(path, name) {
            words.services.insert(name, routes);
        }
    }
    headers(&written.headers, &mut words, notes);
    words.claims = claims(&written.claims, notes);
    time_zones(&written.time_zones, &mut words, notes);
    workload_groups(&written.workload_groups, &mut words, notes);
    let declared = (&written.signals, &written.signal_headers);
    signals(declared, &mut words, notes);
    authority::PolicySettings {
        dir: folder.join(&written.dir),
        words,
    }
}

/// The signals that are `declared`, and the headers that say some of them.
fn signals(
    declared: (&BTreeMap<String, file::Values>, &BTreeMap<String, String>),
    settings: &mut policy::Settings,
    notes: &mut Mistakes,
) {
    let (signals, headers) = declared;
    for (name, kind) in signals {
        let path = format!("policy.signals.{name}");
        let sent = headers.get(name);
        let header = sent.map(|header| {
            notes.parse::<HeaderName>(format!("policy.signal_headers.{name}"), header)
        });
        let (Some(name), kind) = (notes.parse::<SignalName>(path, name), value_type(*kind)) else {
            continue;
        };
        match header {
            None => drop(settings.signals.insert(name, kind)),
            Some(header) => {
                let header = header.map(|header| SignalHeader { kind, name: header });
                settings
                    .signal_headers
                    .extend(header.map(|header| (name, header)));
            }
        }
    }
    for name in headers.keys() {
        if !signals.contains_key(name) {
            let path = format!("policy.signal_headers.{name}");
            notes.add(path, "is no signal: declare it in `policy.signals`");
        }
    }
}

/// Whether signals that no header says are in a file, or can be pushed by operators, and
/// a file has some.
fn have_values((written, is_pushed): (&file::Policy, bool)) -> bool {
    let mut names = written.signals.keys();
    let has_others = names.any(|name| !written.signal_headers.contains_key(name));
    let has_file = written.signals_file.is_some();
    has_others == has_file || (has_others && is_pushed)
}

const fn value_type(written: file::Values) -> ClaimType {
    match written {
        file::Values::Bool => ClaimType::Bool,
        file::Values::Long => ClaimType::Long,
        file::Values::String => ClaimType::Text,
        file::Values::Strings => ClaimType::Texts,
    }
}

/// The claims that policies may read, and that are taken from tokens.
fn claims(
    written: &BTreeMap<String, file::Values>,
    notes: &mut Mistakes,
) -> BTreeMap<ClaimName, ClaimType> {
    let all = written.iter();
    let all = all.filter_map(|(name, kind)| {
        let name = notes.parse::<ClaimName>("policy.claims", name)?;
        Some((name, value_type(*kind)))
    });
    all.collect()
}

fn headers(written: &[String], settings: &mut policy::Settings, notes: &mut Mistakes) {
    for (at, header) in written.iter().enumerate() {
        settings
            .headers
            .extend(notes.parse(format!("policy.headers[{at}]"), header));
    }
}

fn time_zones(
    written: &BTreeMap<String, String>,
    settings: &mut policy::Settings,
    notes: &mut Mistakes,
) {
    for (name, zone) in written {
        let path = format!("policy.time_zones.{name}");
        if let (Some(name), Some(zone)) = (
            notes.parse(path.as_str(), name),
            notes.parse(path.as_str(), zone),
        ) {
            settings.zones.insert(name, zone);
        }
    }
}

fn workload_groups(
    written: &BTreeMap<String, Vec<String>>,
    settings: &mut policy::Settings,
    notes: &mut Mistakes,
) {
    for (name, members) in written {
        let path = format!("policy.workload_groups.{name}");
        let ids = members.iter().enumerate();
        let ids = ids
            .filter_map(|(at, id)| notes.parse(format!("{path}[{at}]"), id))
            .collect();
        if let Some(name) = notes.parse(path, name) {
            settings.workload_groups.insert(name, ids);
        }
    }
}
