//! Who asks, as somebody describes them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use crate::id::SpiffeId;
use crate::policy::Caller;
use crate::policy::ClaimValue;
use crate::policy::Person;
use crate::policy::UserId;
use crate::rehearsal::handshake::Handshake;
use crate::rehearsal::stage::Stage;

/// Whom a description is of.
#[derive(Clone, Debug)]
pub enum Who {
    /// Nobody has said who they are.
    Anonymous,
    /// Somebody who has signed in.
    Person(Arc<Person>),
    /// A workload.
    Workload(SpiffeId),
}

/// A person as somebody describes them.
#[derive(Clone, Debug, Default)]
pub struct Described {
    /// To what level they have signed in.
    pub acr: Option<String>,
    /// How.
    pub amr: Vec<String>,
    /// How many seconds before they ask.
    pub auth_age: Option<u64>,
    /// Claims by name, each in JSON or YAML.
    pub claims: Vec<(String, String)>,
    /// Their address.
    pub email: Option<String>,
    /// Whether it is verified; none: it is.
    pub email_verified: Option<bool>,
    /// Their groups at the provider.
    pub groups: Vec<String>,
    /// Their roles there.
    pub roles: Vec<String>,
}

impl Who {
    /// What records say.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Anonymous => Caller::anonymous().name().to_string(),
            Self::Person(person) => person.id(),
            Self::Workload(id) => id.to_string(),
        }
    }

    pub(super) fn caller(&self, tls: &Handshake, now: SystemTime) -> Caller {
        match self {
            Self::Anonymous => Caller::anonymous(),
            Self::Person(person) => Caller::person(Arc::clone(person)),
            Self::Workload(id) => match tls.at(now) {
                Some(tls) => Caller::over(id, tls),
                None => Caller::workload(id),
            },
        }
    }
}

impl Described {
    /// Whether nothing is said of them.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        let texts = [&self.amr, &self.groups, &self.roles];
        texts.iter().all(|texts| texts.is_empty())
            && self.claims.is_empty()
            && self.acr.is_none()
            && self.auth_age.is_none()
            && self.email.is_none()
            && self.email_verified.is_none()
    }

    /// The person who asks at `now`.
    ///
    /// # Errors
    ///
    /// What is no value of a claim that is declared.
    pub fn person(&self, id: &UserId, now: SystemTime, stage: &Stage) -> Result<Who, String> {
        let set = |texts: &[String]| -> BTreeSet<Box<str>> {
            texts.iter().map(|text| text.as_str().into()).collect()
        };
        let mut claims: BTreeMap<Box<str>, ClaimValue> = BTreeMap::new();
        for (name, value) in &self.claims {
            claims.insert(name.as_str().into(), stage.policy().claim(name, value)?);
        }
        let age = self.auth_age.map(Duration::from_secs);
        let authenticated_at = age.map(|age| {
            let at = now.checked_sub(age);
            at.ok_or("nobody has signed in before there was time")
        });
        Ok(Who::Person(Arc::new(Person {
            acr: self.acr.as_deref().map(Into::into),
            amr: set(&self.amr),
            authenticated_at: authenticated_at.transpose()?,
            claims,
            email: self.email.as_deref().map(Into::into),
            email_verified: self.email.is_some() && self.email_verified.unwrap_or(true),
            groups: set(&self.groups),
            name: None,
            provider: id.provider.clone(),
            roles: set(&self.roles),
            subject: id.subject.clone(),
        })))
    }
}
