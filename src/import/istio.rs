//! Istio's `AuthorizationPolicy`, for one workload.
//!
//! Each rule becomes one policy: a permit for ALLOW, a forbid for DENY. As in
//! Istio a DENY beats every ALLOW. Where no ALLOW is for the workload Istio lets
//! everybody in; here nobody is let in, because another file may have one.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::id::TrustDomain;
use crate::import::cedar;
use crate::import::file::Document;
use crate::import::file::Rule;
use crate::import::file::To;
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
    let mut work = Work {
        imported: Imported::default(),
        notes: Refusals::default(),
        permits: false,
        target,
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
}

/// What a document does.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Effect {
    Forbid,
    Permit,
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
        let Some(namespace) = &document.metadata.namespace else {
            self.notes.add(name, "it has no namespace");
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
        let Some(effect) = self.effect(document) else {
            return;
        };
        let id = format!("istio/{}/{}", namespace.value, name.value);
        if !self.is_for_us(document, &namespace.value) {
            let _infallible = writeln!(self.imported.cedar, "// {id} is for other workloads.");
            return;
        }
        self.permits |= effect == Effect::Permit;
        if spec.rules.is_empty() {
            let _infallible = writeln!(
                self.imported.cedar,
                "// {id} has no rules, so it says nothing."
            );
        }
        let shadow = document.metadata.annotations.get("istio.io/dry-run");
        let shadow = shadow.is_some_and(|text| text.value == "true");
        for (number, rule) in spec.rules.iter().enumerate() {
            let home = Home {
                namespace: &namespace.value,
                trust_domain: &self.target.trust_domain,
            };
            let name = format!("{id}/{number}");
            let head = format!("@id(\"{name}\")");
            let head = if shadow {
                format!("{head} @shadow(\"istio.io/dry-run\")")
            } else {
                head
            };
            self.rule(rule, effect, (&name, &head), home);
        }
    }

    fn effect(&mut self, document: &Document) -> Option<Effect> {
        let Some(action) = &document.spec.action else {
            return Some(Effect::Permit);
        };
        match action.value.as_str() {
            "ALLOW" => Some(Effect::Permit),
            "DENY" => Some(Effect::Forbid),
            "AUDIT" => {
                // Everything is recorded.
                let name = &document.metadata.name.value;
                let _infallible = writeln!(self.imported.cedar, "// {name} only asks for records.");
                None
            }
            other => {
                self.notes.add(action, format!("the action `{other}`"));
                None
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

    fn rule(&mut self, rule: &Rule, effect: Effect, (name, head): (&str, &str), home: Home<'_>) {
        let mut parts = Vec::new();
        if let Some(from) = &rule.from {
            let mut sources = Vec::new();
            for one in from {
                let conditions = source::source(&one.source, home, &mut self.notes);
                sources.extend(cedar::all(&conditions));
            }
            if from.iter().any(|one| source::is_empty(&one.source)) || from.is_empty() {
                self.notes
                    .whole(0, format!("{head}: `from` has a source that says nothing"));
            }
            parts.push(cedar::any(&sources));
        }
        let to = rule.to.as_ref().map(|to| self.operations(to, head));
        let mut is_for_our_port = !matches!(to, Some(None));
        parts.extend(to.flatten().flatten());
        for when in &rule.when {
            if when.key.value == "destination.port" {
                is_for_our_port &= port::is_so(when, self.target.port, &mut self.notes);
                continue;
            }
            let found = operation::when(when, home, (&mut self.imported, &mut self.notes));
            parts.extend(found);
        }
        if !is_for_our_port {
            let _infallible = writeln!(self.imported.cedar, "\n// {name} is about other ports.");
            return;
        }
        // Who may not connect at all may not by TCP either; but nobody is let in by TCP.
        let is_of_requests = rule
            .to
            .iter()
            .flatten()
            .any(|one| operation::is_of_requests(&one.operation))
            || rule.when.iter().any(operation::is_of_request);
        let (word, action) = match effect {
            Effect::Permit => ("permit", "action in Action::\"http\""),
            Effect::Forbid if is_of_requests => ("forbid", "action in Action::\"http\""),
            Effect::Forbid => ("forbid", "action"),
        };
        let service = &self.target.service;
        let scope = format!("principal is Workload, {action}, resource in Service::\"{service}\"");
        let condition = cedar::all(&parts).map(|all| format!("\nwhen {{ {all} }}"));
        let condition = condition.unwrap_or_default();
        let _infallible = writeln!(
            self.imported.cedar,
            "\n{head}\n{word} ({scope}){condition};"
        );
    }

    /// What is asked for, as a condition if it is one; nothing where all of it is
    /// for other ports.
    fn operations(&mut self, to: &[To], head: &str) -> Option<Option<String>> {
        if to.iter().any(|one| operation::is_empty(&one.operation)) || to.is_empty() {
            let text = format!("{head}: `to` has an operation that says nothing");
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
        let conditions: Vec<Option<String>> = of_us
            .into_iter()
            .map(|one| {
                let conditions = operation::operation(one, &self.target.service, &mut self.notes);
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
