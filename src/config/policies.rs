//! What policies may speak about, and where they come from, as the files have it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

use crate::authority;
use crate::config::IdentitySource;
use crate::config::Mistakes;
use crate::config::PolicySource;
use crate::config::authority_file;
use crate::config::doors;
use crate::config::file;
use crate::id::TrustDomain;
use crate::policy;
use crate::policy::Route;
use crate::policy::ServiceName;
use crate::policy::SignalName;
use crate::policy::SignalType;

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
            ];
            for (key, _) in words.iter().filter(|(_, is_empty)| !is_empty) {
                notes.add(
                    format!("policy.{key}"),
                    "comes with the policies: declare it under `policy` at the authority",
                );
            }
            let files = [
                ("signals", written.signals.is_empty()),
                ("signals_file", written.signals_file.is_none()),
                (
                    "workload_groups_file",
                    written.workload_groups_file.is_none(),
                ),
            ];
            for (key, _) in files.iter().filter(|(_, is_empty)| !is_empty) {
                notes.add(
                    format!("policy.{key}"),
                    "goes with a folder of policies (`policy.dir`), not with those of an authority",
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
    written: &file::Policy,
    services: BTreeMap<ServiceName, Vec<Route>>,
    (domain, folder): (Option<&TrustDomain>, &Path),
    notes: &mut Mistakes,
) -> policy::Settings {
    let file = written.workload_groups_file.as_ref();
    let mut settings = policy::Settings {
        services,
        workload_groups_file: file.map(|file| folder.join(file)),
        ..policy::Settings::default()
    };
    settings.trust_domains.extend(domain.cloned());
    for (at, domain) in written.trust_domains.iter().enumerate() {
        let domain = notes.parse::<TrustDomain>(format!("policy.trust_domains[{at}]"), domain);
        settings.trust_domains.extend(domain);
    }
    headers(&written.headers, &mut settings, notes);
    time_zones(&written.time_zones, &mut settings, notes);
    workload_groups(&written.workload_groups, &mut settings, notes);
    signals(written, folder, &mut settings, notes);
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
    time_zones(&written.time_zones, &mut words, notes);
    workload_groups(&written.workload_groups, &mut words, notes);
    authority::PolicySettings {
        dir: folder.join(&written.dir),
        words,
    }
}

fn signals(
    written: &file::Policy,
    folder: &Path,
    settings: &mut policy::Settings,
    notes: &mut Mistakes,
) {
    for (name, kind) in &written.signals {
        let name = notes.parse::<SignalName>(format!("policy.signals.{name}"), name);
        let kind = match kind {
            file::Signal::Bool => SignalType::Bool,
            file::Signal::Long => SignalType::Long,
            file::Signal::String => SignalType::Text,
            file::Signal::Strings => SignalType::Texts,
        };
        settings.signals.extend(name.map(|name| (name, kind)));
    }
    let file = written.signals_file.as_ref();
    settings.signals_file = file.map(|file| folder.join(file));
    if written.signals.is_empty() != written.signals_file.is_none() {
        notes.add(
            "policy.signals",
            "goes with `policy.signals_file`: the one declares what the other has",
        );
    }
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
