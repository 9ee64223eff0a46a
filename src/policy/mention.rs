//! What of the context a policy reads.
//!
//! Building all of it costs many times what the decision does, so only what
//! some policy in question reads is built. That is sound because it is read
//! off the policy's own text: where the text uses a record as a whole, the
//! whole record counts as read.

use std::collections::BTreeSet;
use std::sync::Arc;

use cedar_policy::pst::Clause;
use cedar_policy::pst::Expr;
use cedar_policy::pst::Literal;
use cedar_policy::pst::Var;

use crate::policy::schema::CONTEXT;
use crate::policy::schema::Vocabulary;
use crate::policy::syntax::Place;
use crate::policy::syntax::UnknownSyntax;
use crate::policy::syntax::body;
use crate::policy::syntax::context_path;
use crate::policy::syntax::walk;

/// What some policies read of a request.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Mentions {
    pub(super) fields: BTreeSet<Field>,
    /// Headers by name, if any policy reads the record of them.
    pub(super) headers: Option<BTreeSet<String>>,
    /// Parameters by name, if any policy reads the record of them.
    pub(super) params: Option<BTreeSet<Arc<str>>>,
    /// Signals by name, if any policy reads the record of them.
    pub(super) signals: Option<BTreeSet<String>>,
    /// Clocks by the name of their zone.
    pub(super) clocks: BTreeSet<String>,
    /// What of caller and resource.
    pub(super) about: About,
}

/// What is asked for of caller and resource; each is more than the one before.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum About {
    #[default]
    Nothing,
    /// Attributes or groups.
    Entities,
    /// Among them when a person has signed in.
    SignIn,
}

/// A part of the context that stands alone.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Field {
    AuthAge,
    Host,
    Method,
    Now,
    Path,
    Query,
    SourceIp,
    Tls,
}

impl Field {
    /// Whether connections have it, too, and not only requests.
    pub(super) const fn is_of_connections(self) -> bool {
        match self {
            Self::AuthAge | Self::Now | Self::SourceIp | Self::Tls => true,
            Self::Host | Self::Method | Self::Path | Self::Query => false,
        }
    }
}

impl Mentions {
    /// What the conditions of one policy read.
    pub(super) fn of(clauses: &[Clause], vocabulary: &Vocabulary) -> Result<Self, UnknownSyntax> {
        let mut mentions = Self::default();
        for clause in clauses {
            walk(body(clause), Place::Elsewhere, &mut |expr, _| {
                mentions.see(expr, vocabulary)
            })?;
        }
        Ok(mentions)
    }

    /// Adds what `other` reads.
    pub(super) fn merge(&mut self, other: &Self) {
        self.fields.extend(&other.fields);
        if let Some(headers) = &other.headers {
            let ours = self.headers.get_or_insert_default();
            ours.extend(headers.iter().cloned());
        }
        if let Some(params) = &other.params {
            let ours = self.params.get_or_insert_default();
            ours.extend(params.iter().cloned());
        }
        if let Some(signals) = &other.signals {
            let ours = self.signals.get_or_insert_default();
            ours.extend(signals.iter().cloned());
        }
        self.clocks.extend(other.clocks.iter().cloned());
        self.about = self.about.max(other.about);
    }

    /// Whether attributes or groups of caller or resource are asked for.
    pub(super) fn entities(&self) -> bool {
        self.about >= About::Entities
    }

    /// Whether it is asked when a person has signed in.
    pub(super) fn sign_in(&self) -> bool {
        self.about == About::SignIn || self.fields.contains(&Field::AuthAge)
    }

    fn see(&mut self, expr: &Expr, vocabulary: &Vocabulary) -> bool {
        let is_sign_in = match expr {
            Expr::GetAttr { attr, .. } => attr == SIGN_IN,
            Expr::HasAttr { attrs, .. } => attrs.iter().any(|attr| attr == SIGN_IN),
            _ => false,
        };
        if is_sign_in {
            self.about = About::SignIn;
        }
        if let Expr::HasAttr { expr, attrs } = expr
            && let Some(mut path) = context_path(expr)
        {
            path.extend(attrs.iter().map(|attr| attr.as_str()));
            self.note(&path, vocabulary);
            return false;
        }
        if let Some(path) = context_path(expr) {
            self.note(&path, vocabulary);
            return false;
        }
        if matches!(
            expr,
            Expr::Var(Var::Principal | Var::Action | Var::Resource)
                | Expr::Literal(Literal::EntityUID(_))
        ) {
            self.about = self.about.max(About::Entities);
        }
        true
    }

    fn note(&mut self, path: &[&str], vocabulary: &Vocabulary) {
        match path {
            [] => self.note_all(vocabulary),
            ["authAge", ..] => drop(self.fields.insert(Field::AuthAge)),
            ["host", ..] => drop(self.fields.insert(Field::Host)),
            ["method", ..] => drop(self.fields.insert(Field::Method)),
            ["now", ..] => drop(self.fields.insert(Field::Now)),
            ["path", ..] => drop(self.fields.insert(Field::Path)),
            ["query", ..] => drop(self.fields.insert(Field::Query)),
            ["sourceIp", ..] => drop(self.fields.insert(Field::SourceIp)),
            ["tls", ..] => drop(self.fields.insert(Field::Tls)),
            ["headers"] => {
                let all = vocabulary.headers.iter().cloned();
                self.headers.get_or_insert_default().extend(all);
            }
            ["headers", name, ..] => {
                let headers = self.headers.get_or_insert_default();
                headers.insert((*name).to_owned());
            }
            ["params"] => {
                let all = vocabulary.params.iter().cloned();
                self.params.get_or_insert_default().extend(all);
            }
            ["params", name, ..] => {
                let params = self.params.get_or_insert_default();
                params.insert((*name).into());
            }
            ["signals"] => {
                let all = vocabulary.signals.keys().cloned();
                self.signals.get_or_insert_default().extend(all);
            }
            ["signals", name, ..] => {
                let signals = self.signals.get_or_insert_default();
                signals.insert((*name).to_owned());
            }
            [zone, ..] if *zone == "utc" || vocabulary.zones.contains(*zone) => {
                self.clocks.insert((*zone).to_owned());
            }
            // No context has it, so nothing is left out by not building it.
            _ => {}
        }
    }

    fn note_all(&mut self, vocabulary: &Vocabulary) {
        for name in CONTEXT {
            self.note(&[name], vocabulary);
        }
        self.clocks.extend(vocabulary.zones.iter().cloned());
    }
}

/// The attribute of a user that says when they signed in.
const SIGN_IN: &str = "authenticatedAt";

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use cedar_policy::Policy;

    use super::*;
    use crate::policy::signal::SignalType;

    fn mentions(condition: &str) -> Mentions {
        let text = format!("permit(principal, action, resource) when {{ {condition} }};");
        let policy = Policy::parse(None, text).unwrap().to_pst().unwrap();
        let vocabulary = Vocabulary {
            headers: ["x-a".into(), "x-b".into()].into(),
            claims: BTreeMap::new(),
            params: ["id".into()].into(),
            signals: [("risk".into(), SignalType::Long)].into(),
            zones: ["berlin".into()].into(),
        };
        Mentions::of(policy.body().clauses(), &vocabulary).unwrap()
    }

    fn names<'a>(set: impl IntoIterator<Item = &'a String>) -> Vec<&'a str> {
        set.into_iter().map(String::as_str).collect()
    }

    #[test]
    fn only_what_is_read_is_built() {
        let read = mentions("context.path == \"/\" && context.headers has \"x-a\"");
        assert_eq!(read.fields, [Field::Path].into());
        assert_eq!(names(read.headers.as_ref().unwrap()), ["x-a"]);
        assert_eq!(read.params, None);
        assert!(!read.entities());

        let read = mentions("context.utc.weekday == 1 || context.params.id == \"7\"");
        assert_eq!(names(&read.clocks), ["utc"]);
        assert_eq!(read.params, Some(["id".into()].into()));

        let read = mentions("context has headers.x && principal has ns");
        assert_eq!(names(read.headers.as_ref().unwrap()), ["x"]);
        assert!(read.entities());

        assert_eq!(mentions("1 == 2"), Mentions::default());
        assert!(mentions("action in Action::\"read\"").entities());
    }

    #[test]
    fn who_reads_when_somebody_signed_in_is_told_apart() {
        for (condition, reads) in [
            ("context has authAge && context.authAge < 60", true),
            ("principal is User && principal has authenticatedAt", true),
            (
                "(if true then principal else principal).authenticatedAt == context.now",
                true,
            ),
            ("context == {}", true),
            ("principal is User && principal.emailVerified", false),
            ("context.now == context.now", false),
        ] {
            assert_eq!(mentions(condition).sign_in(), reads, "{condition}");
        }
    }

    #[test]
    fn a_record_used_whole_is_built_whole() {
        let read = mentions("context.headers == {\"x-a\": \"1\"}");
        assert_eq!(names(read.headers.as_ref().unwrap()), ["x-a", "x-b"]);
        for condition in [
            "context == {}",
            "{ x: context }.x.path == \"/\"",
            "(if true then context else context).path == \"/\"",
        ] {
            let read = mentions(condition);
            assert_eq!(read.fields.len(), 8, "{condition}");
            assert_eq!(names(&read.clocks), ["berlin", "utc"], "{condition}");
            assert_eq!(read.headers.unwrap().len(), 2, "{condition}");
            assert_eq!(read.params.unwrap().len(), 1, "{condition}");
            assert_eq!(read.signals.unwrap().len(), 1, "{condition}");
        }
    }
}
