//! What something else says of the caller: its provider, in claims, or whoever
//! keeps the file of signals.

use cedar_policy::pst::Expr;
use cedar_policy::pst::Literal;

use crate::policy::claim::ClaimType;
use crate::policy::claim::ClaimValue;
use crate::policy::formula::Failed;
use crate::policy::formula::facts::Facts;
use crate::policy::formula::read::Names;
use crate::policy::signal_name::SignalName;
use crate::policy::syntax::context_path;
use crate::policy::syntax::principal_path;

/// What is said.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Said {
    /// A claim, of the type that it is declared to be.
    Claim(Box<str>, ClaimType),
    Signal(SignalName),
}

/// A set of texts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Texts {
    /// How the caller has signed in.
    Amr,
    Roles,
    Said(Said),
}

impl Said {
    /// Nothing if it is not said. Claims of what is no person cannot be asked for.
    pub(super) fn find<'a>(&self, facts: &Facts<'a>) -> Result<Option<&'a ClaimValue>, Failed> {
        match self {
            Self::Claim(name, kind) => Ok(facts.person()?.claim(name, *kind)),
            Self::Signal(name) => Ok(facts.signal(name)),
        }
    }

    fn value<'a>(&self, facts: &Facts<'a>) -> Result<&'a ClaimValue, Failed> {
        self.find(facts)?.ok_or(Failed)
    }

    pub(super) fn flag(&self, facts: &Facts<'_>) -> Result<bool, Failed> {
        match self.value(facts)? {
            ClaimValue::Bool(flag) => Ok(*flag),
            _ => Err(Failed),
        }
    }

    pub(super) fn number(&self, facts: &Facts<'_>) -> Result<i64, Failed> {
        match self.value(facts)? {
            ClaimValue::Long(number) => Ok(*number),
            _ => Err(Failed),
        }
    }

    pub(super) fn text<'a>(&self, facts: &Facts<'a>) -> Result<Option<&'a str>, Failed> {
        match self.find(facts)? {
            None => Ok(None),
            Some(ClaimValue::Text(text)) => Ok(Some(text)),
            Some(_) => Err(Failed),
        }
    }
}

impl Texts {
    pub(super) fn contain(&self, text: &str, facts: &Facts<'_>) -> Result<bool, Failed> {
        match self {
            Self::Amr => Ok(facts.person()?.amr.contains(text)),
            Self::Roles => Ok(facts.person()?.roles.contains(text)),
            Self::Said(said) => match said.value(facts)? {
                ClaimValue::Texts(texts) => Ok(texts.contains(text)),
                _ => Err(Failed),
            },
        }
    }
}

impl Names<'_> {
    /// The claim or the signal that `expr` is, with its type.
    pub(super) fn said(self, expr: &Expr) -> Option<(Said, ClaimType)> {
        if let Some(path) = principal_path(expr) {
            let ["claims", name] = path[..] else {
                return None;
            };
            return self.claim(name);
        }
        match context_path(expr)?[..] {
            ["signals", name] => self.signal(name),
            _ => None,
        }
    }

    /// The same, if it is of this type.
    pub(super) fn said_to_be(self, kind: ClaimType, expr: &Expr) -> Option<Said> {
        let (said, is) = self.said(expr)?;
        (is == kind).then_some(said)
    }

    pub(super) fn claim(self, name: &str) -> Option<(Said, ClaimType)> {
        let kind = *self.claims.get(name)?;
        Some((Said::Claim(name.into(), kind), kind))
    }

    pub(super) fn signal(self, name: &str) -> Option<(Said, ClaimType)> {
        let (name, &kind) = self.signals.get_key_value(name)?;
        Some((Said::Signal(name.clone()), kind))
    }

    /// The set that `expr` is.
    pub(super) fn texts(self, expr: &Expr) -> Option<Texts> {
        match principal_path(expr).as_deref() {
            Some(["amr"]) => return Some(Texts::Amr),
            Some(["roles"]) => return Some(Texts::Roles),
            _ => {}
        }
        self.said_to_be(ClaimType::Texts, expr).map(Texts::Said)
    }
}

/// The text that `expr` is, if it is written out.
pub(super) fn literal(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Literal(Literal::String(text)) => Some(text.as_str()),
        _ => None,
    }
}
