//! One description, and what is said to it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use http::HeaderMap;
use http::Method;

use crate::policy::Connection;
use crate::policy::Decider;
use crate::policy::Explanation;
use crate::policy::GroupName;
use crate::policy::ServiceName;
use crate::policy::Signals;
use crate::proxy::Described;
use crate::proxy::Unreadable;
use crate::rehearsal::handshake::Handshake;
use crate::rehearsal::stage::Stage;
use crate::rehearsal::who::Who;

/// A request or a connection as somebody describes it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Who asks.
    pub caller: Who,
    /// The groups that a workload is in besides those that are declared, as an
    /// authority's entries may say.
    pub groups: Vec<GroupName>,
    /// When.
    pub now: SystemTime,
    /// Which service.
    pub service: ServiceName,
    /// What is said of the caller; none: what the configuration's file says.
    pub signals: Option<Signals>,
    /// Where from.
    pub source: IpAddr,
    /// How a workload is connected.
    pub tls: Handshake,
    /// What for.
    pub what: What,
}

/// What somebody asks for.
#[derive(Clone, Debug)]
pub enum What {
    /// A TCP connection.
    Connection,
    /// A request.
    Request {
        /// The header fields, without `Host`.
        headers: HeaderMap,
        /// The host that it is for.
        host: String,
        /// The method.
        method: Method,
        /// The path, perhaps with a query.
        target: String,
    },
}

/// What is said to a description.
#[derive(Debug)]
pub enum Told {
    /// The policy's word.
    Decided {
        /// With everything that it rests on.
        explanation: Box<Explanation>,
        /// The host and the path that were decided on, of a request.
        target: Option<(String, String)>,
        /// Whether a person who is denied would be let in if they had signed in
        /// just now.
        wants_sign_in: bool,
    },
    /// The policy would not be asked.
    Refused(Unreadable),
}

impl Told {
    /// Whether it would pass.
    #[must_use]
    pub fn is_permit(&self) -> bool {
        match self {
            Self::Decided { explanation, .. } => explanation.answer.is_permit(),
            Self::Refused(_) => false,
        }
    }

    /// The record's word for the decision.
    #[must_use]
    pub fn decision(&self) -> &'static str {
        match self {
            Self::Decided { .. } if self.is_permit() => "permit",
            Self::Decided { .. } => "deny",
            Self::Refused(_) => "refused",
        }
    }

    /// The record's word for why it does not pass.
    #[must_use]
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Decided { explanation, .. } => {
                let denial = explanation.answer.denial.as_ref();
                denial.map(|reason| reason.as_str())
            }
            Self::Refused(why) => Some(why.reason),
        }
    }
}

impl Stage {
    /// What would be said to `asked`, and why.
    #[must_use]
    pub fn ask(&self, asked: &Asked) -> Told {
        let mut policy = self.policy_for(&asked.caller, &asked.groups);
        if let Some(signals) = &asked.signals {
            policy = Arc::new(policy.with_signals(signals.clone()));
        }
        let caller = asked.caller.caller(&asked.tls, asked.now);
        let What::Request {
            headers,
            host,
            method,
            target,
        } = &asked.what
        else {
            let connection = Connection {
                caller: &caller,
                service: &asked.service,
                source: asked.source,
                now: asked.now,
            };
            return Told::Decided {
                explanation: Box::new(Arc::clone(&policy).explain_connection(&connection)),
                target: None,
                wants_sign_in: false,
            };
        };
        let terms = self.terms(&asked.service);
        let described = Described::read(method.clone(), target, host, headers.clone(), terms);
        let described = match described {
            Ok(described) => described,
            Err(why) => return Told::Refused(why),
        };
        let question = described.question(&caller, &asked.service, asked.source, asked.now);
        let fresh = Decider::new().would_permit_if_fresh(&policy, &question);
        let explanation = Box::new(policy.explain(&question));
        Told::Decided {
            wants_sign_in: fresh && !explanation.answer.is_permit(),
            explanation,
            target: Some((question.host.to_owned(), question.path.to_owned())),
        }
    }
}

/// The moment that a text such as `2026-11-24T18:00:00+01:00` names.
///
/// # Errors
///
/// What is wrong with the text.
pub fn moment(text: &str) -> Result<SystemTime, jiff::Error> {
    SystemTime::try_from(text.parse::<jiff::Timestamp>()?)
}
