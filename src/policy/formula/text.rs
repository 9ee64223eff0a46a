//! Texts: constants, and what a request or its caller has of them.

use crate::id::SpiffeId;
use crate::policy::formula::Failed;
use crate::policy::formula::facts::Facts;
use crate::policy::formula::said::Said;
use crate::policy::words::Verb;

/// Where a text stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Text {
    Constant(Box<str>),
    Method,
    Host,
    Path,
    /// By its number among the headers that are read.
    Header(usize),
    /// A parameter by its name.
    Param(Box<str>),
    /// The caller's.
    Spiffe,
    TrustDomain,
    Namespace,
    Account,
    /// What the caller's provider says.
    Acr,
    Email,
    Said(Said),
    /// The connection's: the group of its key exchange.
    TlsGroup,
    /// The number of the certificate.
    TlsSerial,
}

impl Text {
    /// Nothing if the request or its caller has none. To look for what only
    /// requests can have, in a connection, fails.
    pub(super) fn find<'a>(&'a self, facts: &Facts<'a>) -> Result<Option<&'a str>, Failed> {
        if facts.verb == Verb::Connect && self.is_of_requests() {
            return Err(Failed);
        }
        let caller = facts.question.caller;
        let tls = caller.tls();
        Ok(match self {
            Self::Constant(text) => Some(text),
            Self::Method => Some(facts.question.method.as_str()),
            Self::Host => Some(facts.question.host),
            Self::Path => Some(facts.question.path),
            Self::Header(number) => facts.header(*number),
            Self::Param(name) => facts.param(name),
            Self::Spiffe => caller.workload_id().map(SpiffeId::as_str),
            Self::TrustDomain => caller.workload_id().map(|id| id.trust_domain().as_str()),
            Self::Namespace => caller.account().map(|(namespace, _)| namespace),
            Self::Account => caller.account().map(|(_, account)| account),
            Self::Acr => caller.as_person().and_then(|person| person.acr.as_deref()),
            Self::Email => caller.as_person().and_then(|person| person.address()),
            Self::Said(said) => said.text(facts)?,
            Self::TlsGroup => tls.map(|tls| &*tls.group),
            Self::TlsSerial => tls.map(|tls| &*tls.serial),
        })
    }

    pub(super) fn value<'a>(&'a self, facts: &Facts<'a>) -> Result<&'a str, Failed> {
        self.find(facts)?.ok_or(Failed)
    }

    const fn is_of_requests(&self) -> bool {
        match self {
            Self::Method | Self::Host | Self::Path | Self::Header(_) | Self::Param(_) => true,
            Self::Constant(_)
            | Self::Spiffe
            | Self::TrustDomain
            | Self::Namespace
            | Self::Account
            | Self::Acr
            | Self::Email
            | Self::Said(_)
            | Self::TlsGroup
            | Self::TlsSerial => false,
        }
    }
}
