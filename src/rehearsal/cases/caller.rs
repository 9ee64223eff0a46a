//! Who asks in a case, as it is written.

use std::collections::BTreeMap;
use std::time::SystemTime;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::id::SpiffeId;
use crate::policy::UserId;
use crate::rehearsal::cases::file::Notes;
use crate::rehearsal::stage::Stage;
use crate::rehearsal::who::Described;
use crate::rehearsal::who::Who;

/// Somebody who has signed in.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct User {
    /// `<provider>/<subject>`.
    id: String,
    /// Their groups at the provider, without its name.
    #[serde(default)]
    groups: Vec<String>,
    /// Their roles there.
    #[serde(default)]
    roles: Vec<String>,
    /// Their address. Default: it is not known.
    email: Option<String>,
    /// Whether it is verified. Default: true, if it is known.
    email_verified: Option<bool>,
    /// How they have signed in, such as `otp`.
    #[serde(default)]
    amr: Vec<String>,
    /// To what level. Default: it is not known.
    acr: Option<String>,
    /// How many seconds before they ask. Default: it is not known.
    auth_age: Option<u64>,
    /// Declared claims, by name.
    #[serde(default)]
    claims: BTreeMap<String, serde_json::Value>,
}

/// The keys that say who asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys<'a> {
    pub(super) anonymous: bool,
    pub(super) caller: Option<&'a String>,
    pub(super) user: Option<&'a User>,
}

/// Whom a case is of, before it is known what claims there are.
#[derive(Clone, Debug)]
pub(super) enum Caller {
    Anonymous,
    User(UserId, Box<Described>),
    Workload(SpiffeId),
}

impl Keys<'_> {
    const fn are_blank(self) -> bool {
        !self.anonymous && self.caller.is_none() && self.user.is_none()
    }

    /// Whom these mean, or else `given`. Mistakes stand at `path`.
    pub(super) fn read(self, given: Self, path: &str, notes: &mut Notes) -> Option<Caller> {
        let keys = if self.are_blank() { given } else { self };
        match (keys.caller, keys.user, keys.anonymous) {
            (Some(id), None, false) => {
                let id = notes.parse(&format!("{path}.caller"), id);
                id.map(Caller::Workload)
            }
            (None, Some(user), false) => {
                let id = notes.parse(&format!("{path}.user.id"), &user.id)?;
                Some(Caller::User(id, Box::new(user.described())))
            }
            (None, None, true) => Some(Caller::Anonymous),
            (None, None, false) => {
                let text = "says nobody who asks, and neither does `defaults`: one of `caller`, \
                    `user` and `anonymous: true` is due";
                notes.add(path, text.to_owned());
                None
            }
            _ => {
                let text = "must have no more than one of `caller`, `user` and `anonymous`";
                notes.add(path, text.to_owned());
                None
            }
        }
    }
}

impl User {
    fn described(&self) -> Described {
        let claims = self.claims.iter();
        Described {
            acr: self.acr.clone(),
            amr: self.amr.clone(),
            auth_age: self.auth_age,
            // JSON is YAML.
            claims: claims
                .map(|(name, value)| (name.clone(), value.to_string()))
                .collect(),
            email: self.email.clone(),
            email_verified: self.email_verified,
            groups: self.groups.clone(),
            roles: self.roles.clone(),
        }
    }
}

impl Caller {
    /// Who asks at `now`; or why they cannot.
    pub(super) fn who(&self, now: SystemTime, stage: &Stage) -> Result<Who, String> {
        match self {
            Self::Anonymous => Ok(Who::Anonymous),
            Self::User(id, described) => described.person(id, now, stage),
            Self::Workload(id) => Ok(Who::Workload(id.clone())),
        }
    }
}
