//! Istio's `AuthorizationPolicy`, for one workload.
//!
//! Each rule becomes one policy: a permit for ALLOW, a forbid for DENY, and for
//! AUDIT a permit that decides nothing. As in Istio a DENY beats every ALLOW. Where no ALLOW is for the workload Istio lets
//! everybody in; here nobody is let in, because another file may have one.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::id::TrustDomain;
use crate::import::cedar;
use crate::import::connection;
use crate::import::file::Document;
use crate::import::file::Rule;
use crate::import::file::To;
use crate::import::host;
use crate::import::host::Fitting;
use crate::import::operation;
use crate::import::port;
use crate::import::refusals::Refusals;
use crate::import::refusals::Untranslatable;
use crate::import::source;
use crate::import::source::Home;
use crate::import::translation::Imported;
use crate::policy::ServiceName;

/// The workload that the policies are for.
#[derive(Clone, Debug)]
pub struct Target {
    /// The namespace of policies that name none.
    pub default_namespace: Option<String>,
    /// Whether connections to it are decided, and not requests: it is behind a
    /// door for TCP.
    pub is_tcp: bool,
    /// Its labels. None: it does not have this one.
    pub labels: BTreeMap<String, Option<String>>,
    /// Its namespace.
    pub namespace: String,
    /// The port of its application, if that is known.
    pub port: Option<u16>,
    /// The namespace whose policies are for the whole mesh.
    pub root_namespace: String,
    /// What policies call it here.
    pub service: ServiceName,
    /// The mesh's own trust domain, which Istio also calls `cluster.local`.
    pub trust_domain: TrustDomain,
    /// Its aliases in the mesh.
    pub trust_domain_aliases: Vec<TrustDomain>,
}

/// Translates all policies of a file, in YAML, that are for `target`.
///
/// # Errors
///
/// All that has no translation. Then nothing is translated.
pub fn istio(text: &str, target: &Target) -> Result<Imported, Vec<Untranslatable>> {
    let plain = serde_saphyr::options! { with_snippet: false };
    let documents = serde_saphyr::from_multiple_with_options::<Document>(text, plain);
    let documents = documents.map_err(|error| {
        let line = error.location().map_or(0, |location| location.line());
        let text = error.to_string().replace('\n', " ");
        vec![Untranslatable { line, text }]
    })?;
    let own = std::iter::once(&target.trust_domain);
    let mut work = Work {
        imported: Imported::default(),
        notes: Refusals::default(),
        permits: false,
        target,
        trust_domains: own.chain(&target.trust_domain_aliases).cloned().collect(),
    };
    for document in &documents {
        work.document(document);
    }
    work.finish()
}

struct Work<'a> {
    imported: Imported,
    notes: Refusals,
    permits: bool,
    target: &'a Target,
    trust_domains: Vec<TrustDomain>,
}

/// What a document does.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Action {
    Allow,
    /// It is to be seen in records whom it fits.
    Audit,
    Deny,
}

/// What each of a document's rules becomes.
#[derive(Clone, Copy)]
struct Stance<'a> {
    action: Action,
    home: Home<'a>,
    /// Why it decides nothing, if it does not.
    shadow: Option<&'static str>,
}

impl Work<'_> {
    fn document(&mut self, document: &Document) {
        let name = &document.metadata.name;
        if document.kind.value != "AuthorizationPolicy"
            || !document.api_version.value.starts_with("security.istio.io/")
        {
            let kind = &document.kind;
            self.notes.add(
                kind,
                format!("`{}` is not an AuthorizationPolicy of Istio's", kind.value),
            );
            return;
        }
        let named = document.metadata.namespace.as_ref().map(|text| &text.value);
        let Some(namespace) = named.or(self.target.default_namespace.as_ref()) else {
            let why = "it has no namespace: say which it is in (`--default-namespace NAME`)";
            self.notes.add(name, why);
            return;
        };
        let spec = &document.spec;
        for reference in spec.target_ref.iter().chain(&spec.target_refs) {
            self.notes.add(reference, "a target that is no workload");
        }
        if let Some(provider) = &spec.provider {
            self.notes
                .add(provider, "who else is asked is not known here");
        }
        let Some(action) = self.action(document) else {
            return;
        };
        let shadow = match (self.is_dry_run(document), action) {
            (true, _) => Some("istio.io/dry-run"),
            (false, Action::Audit) => Some("AUDIT"),
            (false, Action::Allow | Action::Deny) => None,
        };
        let id = format!("istio/{namespace}/{}", name.value);
        if !self.is_for_us(document, namespace) {
            let _infallible = writeln!(self.imported.cedar, "// {id} is for other workloads.");
            return;
        }
        self.permits |= action == Action::Allow && shadow.is_none();
        if spec.rules.is_empty() {
            let _infallible = writeln!(
                self.imported.cedar,
                "// {id} has no rules, so it says nothing."
            );
        }
        let trust_domains = self.trust_domains.clone();
        for (number, rule) in spec.rules.iter().enumerate() {
            let home = Home {
                namespace,
                trust_domains: &trust_domains,
            };
            let stance = Stance {
                action,
                home,
                shadow,
            };
            self.rule(rule, &format!("{id}/{number}"), stance);
        }
    }

    fn action(&mut self, document: &Document) -> Option<Action> {
        let Some(action) = &document.spec.action else {
            return Some(Action::Allow);
        };
        match action.value.as_str() {
            "ALLOW" => Some(Action::Allow),
            "AUDIT" => Some(Action::Audit),
            "DENY" => Some(Action::Deny),
            other => {
                self.notes.add(action, format!("the action `{other}`"));
                None
            }
        }
    }

    /// As Istio reads the annotation, which takes what is no flag for none, and
    /// then enforces the policy.
    fn is_dry_run(&mut self, document: &Document) -> bool {
        let Some(text) = document.metadata.annotations.get("istio.io/dry-run") else {
            return false;
        };
        match text.value.as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
            "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
            other => {
                let why = format!("`{other}` is neither `true` nor `false`");
                self.notes.add(text, why);
                false
            }
        }
    }

    fn is_for_us(&mut self, document: &Document, namespace: &str) -> bool {
        if namespace != self.target.namespace && namespace != self.target.root_namespace {
            return false;
        }
        let mut is_for_us = true;
        for (label, wanted) in &document.spec.selector.match_labels {
            match self.target.labels.get(label) {
                Some(ours) => is_for_us &= ours.as_deref() == Some(wanted.value.as_str()),
                None => {
                    let text = format!(
                        "it selects by the label `{label}`: say what the workload has (`--label {label}=VALUE`, or `--label {label}` for none)"
                    );
                    self.notes.add(wanted, text);
                }
            }
        }
        is_for_us
    }

    fn rule(&mut self, rule: &Rule, name: &str, stance: Stance<'_>) {
        if !self.target.is_tcp {
            return self.translate(rule, name, stance);
        }
        if !connection::looks_at_requests(rule) {
            self.translate(rule, name, stance);
        } else if stance.action == Action::Allow {
            let _infallible = writeln!(self.imported.cedar, "\n// {name} is about requests.");
        } else {
            self.translate(&connection::rest(rule), name, stance);
        }
    }

    fn translate(&mut self, rule: &Rule, name: &str, stance: Stance<'_>) {
        let mut parts = Vec::new();
        if let Some(from) = &rule.from {
            let mut sources = Vec::new();
            for one in from {
                let conditions = source::source(&one.source, stance.home, &mut self.notes);
                sources.extend(cedar::all(&conditions));
            }
            if from.iter().any(|one| source::is_empty(&one.source)) || from.is_empty() {
                self.notes
                    .whole(0, format!("{name}: `from` has a source that says nothing"));
            }
            parts.push(cedar::any(&sources));
        }
        let to = rule
            .to
            .as_ref()
            .map(|to| self.operations(to, name, stance.action));
        let mut is_for_our_port = !matches!(to, Some(None));
        parts.extend(to.flatten().flatten());
        for when in &rule.when {
            if when.key.value == "destination.port" {
                is_for_our_port &= port::is_so(when, self.target.port, &mut self.notes);
                continue;
            }
            let found = operation::when(when, stance.home, (&mut self.imported, &mut self.notes));
            parts.extend(found);
        }
        if is_for_our_port {
            self.write(rule, name, stance, &parts);
        } else {
            let _infallible = writeln!(self.imported.cedar, "\n// {name} is about other ports.");
        }
    }

    fn write(&mut self, rule: &Rule, name: &str, stance: Stance<'_>, parts: &[String]) {
        let cedar = &mut self.imported.cedar;
        cedar.push('\n');
        let mut operations = rule.to.iter().flatten();
        if operations.any(|one| host::drops_ports(&one.operation)) {
            cedar.push_str("// Its hosts are shut out with every port, and not with one.\n");
        }
        let _infallible = write!(cedar, "@id(\"{name}\")");
        if let Some(why) = stance.shadow {
            let _infallible = write!(cedar, " @shadow(\"{why}\")");
        }
        let word = match stance.action {
            Action::Allow | Action::Audit => "permit",
            Action::Deny => "forbid",
        };
        // Who may not connect at all may not by TCP either; but nobody is let in by TCP.
        let action = match stance.action {
            _ if self.target.is_tcp => "action == Action::\"connect\"",
            Action::Deny if !connection::looks_at_requests(rule) => "action",
            Action::Allow | Action::Audit | Action::Deny => "action in Action::\"http\"",
        };
        let service = &self.target.service;
        let scope = format!("principal is Workload, {action}, resource in Service::\"{service}\"");
        let condition = cedar::all(parts).map(|all| format!("\nwhen {{ {all} }}"));
        let condition = condition.unwrap_or_default();
        let _infallible = writeln!(cedar, "\n{word} ({scope}){condition};");
    }

    /// What is asked for, as a condition if it is one; nothing where all of it is
    /// for other ports.
    fn operations(&mut self, to: &[To], name: &str, action: Action) -> Option<Option<String>> {
        if to.iter().any(|one| operation::is_empty(&one.operation)) || to.is_empty() {
            let text = format!("{name}: `to` has an operation that says nothing");
            self.notes.whole(0, text);
        }
        let (port, notes) = (self.target.port, &mut self.notes);
        let of_us = to.iter().map(|one| &one.operation);
        let of_us: Vec<_> = of_us
            .filter(|one| port::is_ours(one, port, notes))
            .collect();
        if of_us.is_empty() {
            return None;
        }
        let fitting = match action {
            Action::Allow | Action::Audit => Fitting::LetsIn,
            Action::Deny => Fitting::ShutsOut,
        };
        let service = &self.target.service;
        let conditions: Vec<Option<String>> = of_us
            .into_iter()
            .map(|one| {
                let conditions = operation::operation(one, service, fitting, &mut self.notes);
                cedar::all(&conditions)
            })
            .collect();
        // What asks for our port alone asks for nothing more.
        let all: Option<Vec<String>> = conditions.into_iter().collect();
        Some(all.map(|all| cedar::any(&all)))
    }

    /// What cannot be loaded is no translation.
    fn finish(mut self) -> Result<Imported, Vec<Untranslatable>> {
        if !self.permits {
            self.imported.cedar.push_str(
                "\n// No ALLOW is for this workload. Istio would let everybody in; here nobody is let in.\n",
            );
        }
        self.imported.finish(&self.target.service, self.notes)
    }
}
