//! What is said of a person becomes a [`Person`].
//!
//! A claim that is not of the shape that it should have says nothing, so that
//! no permit can rest on it. Groups and roles that are not all told, or in a shape
//! that nobody knows, are another matter: what they would forbid is not known, and
//! so nobody is signed in.

use std::collections::BTreeSet;

use serde_json::Map;
use serde_json::Value;

use crate::jwt::date;
use crate::oidc::settings::Settings;
use crate::policy::ClaimType;
use crate::policy::ClaimValue;
use crate::policy::Person;
use crate::policy::Subject;

/// What is said of one person, the most trustworthy first.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// What the ID token or the bearer token says.
    pub token: Option<&'a Map<String, Value>>,
    /// What the userinfo endpoint says.
    pub userinfo: Option<&'a Map<String, Value>>,
}

impl Reading<'_> {
    /// The most groups, and the most roles, of one person: as many as a token
    /// of a large directory has before it says where the rest is.
    pub const MOST_GROUPS: usize = 200;

    /// The longest text of a claim, in bytes.
    pub const MAX_BYTES: usize = 1024;

    /// The person called `subject`. Nothing here looks at a signature: whoever
    /// asks has done so.
    ///
    /// # Errors
    ///
    /// All of [`ClaimsFault`].
    pub fn person(&self, subject: Subject, settings: &Settings) -> Result<Person, ClaimsFault> {
        let claims = settings.claims.iter().filter_map(|(name, kind)| {
            let value = declared(self.find(name)?, *kind)?;
            Some((name.clone(), value))
        });
        let claims = claims.collect();
        Ok(Person {
            acr: self.find("acr").and_then(text).map(Into::into),
            amr: self.find("amr").and_then(texts).unwrap_or_default(),
            authenticated_at: self.find("auth_time").and_then(date),
            claims,
            email: self.find("email").and_then(email).map(Into::into),
            email_verified: self.find("email_verified") == Some(&Value::Bool(true)),
            groups: self.several(&settings.groups_claim)?,
            name: self.find("name").and_then(text).map(Into::into),
            provider: settings.name.clone(),
            roles: self.several(&settings.roles_claim)?,
            subject,
        })
    }

    /// The first that says it: by name, or by JSON Pointer.
    fn find(&self, name: &str) -> Option<&Value> {
        let sources = [self.token, self.userinfo];
        sources.into_iter().flatten().find_map(|claims| {
            if let Some(value) = claims.get(name) {
                return Some(value);
            }
            let path = name.strip_prefix('/')?;
            let end = path.find('/').unwrap_or(path.len());
            let (first, rest) = path.split_at_checked(end)?;
            claims.get(&unescaped(first))?.pointer(rest)
        })
    }

    fn several(&self, name: &str) -> Result<BTreeSet<Box<str>>, ClaimsFault> {
        if self.is_elsewhere(name) {
            let claim = name.to_owned();
            return Err(ClaimsFault::Elsewhere { claim });
        }
        let value = match self.find(name) {
            // Nothing of the kind, as those say it whose list has no other name for it.
            Some(Value::Null) => return Ok(BTreeSet::new()),
            Some(value) => value,
            None => return self.none_of(name),
        };
        if value
            .as_array()
            .is_some_and(|all| all.len() > Self::MOST_GROUPS)
        {
            let claim = name.to_owned();
            return Err(ClaimsFault::TooMany { claim });
        }
        texts(value).ok_or_else(|| ClaimsFault::UnknownShape {
            claim: name.to_owned(),
            shape: shape(value),
        })
    }

    /// Nothing, unless `name` leads through something that leads nowhere.
    fn none_of(&self, name: &str) -> Result<BTreeSet<Box<str>>, ClaimsFault> {
        let ways = name
            .match_indices('/')
            .filter_map(|(end, _)| name.get(..end));
        let mut found = ways.skip(1).filter_map(|way| self.find(way));
        let leads_on = |value: &Value| value.is_object() || value.is_array() || value.is_null();
        let broken_off = found.find(|value| !leads_on(value));
        broken_off.map_or(Ok(BTreeSet::new()), |value| {
            Err(ClaimsFault::UnknownShape {
                claim: name.to_owned(),
                shape: shape(value),
            })
        })
    }

    /// OpenID Connect Core 5.6.2: distributed claims. Large directories tell so
    /// of groups that a token has no room for.
    fn is_elsewhere(&self, name: &str) -> bool {
        let first = name.strip_prefix('/').unwrap_or(name);
        let first = first.split_once('/').map_or(first, |(first, _)| first);
        let sources = [self.token, self.userinfo];
        sources.into_iter().flatten().any(|claims| {
            let elsewhere = claims.get("_claim_names").and_then(Value::as_object);
            elsewhere.is_some_and(|names| names.contains_key(name) || names.contains_key(first))
        })
    }
}

/// Why what is said of a person cannot be taken.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ClaimsFault {
    /// It is kept where we do not look.
    #[error(
        "`{claim}` is not in it but elsewhere (`_claim_names`): let the provider send only the groups that this application needs"
    )]
    Elsewhere {
        /// The claim.
        claim: String,
    },
    /// More than [`Reading::MOST_GROUPS`].
    #[error(
        "`{claim}` has more than {} entries: let the provider send only those that this application needs",
        Reading::MOST_GROUPS
    )]
    TooMany {
        /// The claim.
        claim: String,
    },
    /// Neither a list of texts nor one text.
    #[error(
        "`{claim}` is {shape}: let the provider send a list of names, or say by `groups_claim` or `roles_claim` where it has one, such as `/realm_access/roles`"
    )]
    UnknownShape {
        /// The claim.
        claim: String,
        /// What it is.
        shape: &'static str,
    },
}

impl ClaimsFault {
    /// A stable word for records and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Elsewhere { .. } => "groups_elsewhere",
            Self::TooMany { .. } => "too_many_groups",
            Self::UnknownShape { .. } => "groups_of_unknown_shape",
        }
    }
}

fn declared(value: &Value, kind: ClaimType) -> Option<ClaimValue> {
    match kind {
        ClaimType::Bool => value.as_bool().map(ClaimValue::Bool),
        ClaimType::Long => value.as_i64().map(ClaimValue::Long),
        ClaimType::Text => text(value).map(|text| ClaimValue::Text(text.into())),
        ClaimType::Texts => {
            let few = value
                .as_array()
                .is_none_or(|all| all.len() <= Reading::MOST_GROUPS);
            texts(value).filter(|_| few).map(ClaimValue::Texts)
        }
    }
}

/// A text that can stand in a record and on a page.
fn text(value: &Value) -> Option<&str> {
    let plain = |text: &&str| {
        let fits = !text.is_empty() && text.len() <= Reading::MAX_BYTES;
        fits && !text.chars().any(char::is_control)
    };
    value.as_str().filter(plain)
}

/// A list of texts, or one. A list with anything else in it is none.
fn texts(value: &Value) -> Option<BTreeSet<Box<str>>> {
    match value {
        Value::Array(several) => several
            .iter()
            .map(|one| text(one).map(Into::into))
            .collect(),
        one => text(one).map(|one| BTreeSet::from([one.into()])),
    }
}

/// What `value` is, which is no list of texts.
fn shape(value: &Value) -> &'static str {
    match value {
        Value::Array(several) => match several.iter().find(|one| text(one).is_none()) {
            Some(Value::Object(_)) => "a list with objects in it",
            Some(Value::String(_)) => "a list with a text that is empty, too long or not plain",
            _ => "a list with something else than texts in it",
        },
        Value::Bool(_) => "true or false",
        Value::Null => "null",
        Value::Number(_) => "a number",
        Value::Object(_) => "an object",
        Value::String(_) => "a text that is empty, too long or not plain",
    }
}

/// One address with one `@`: what has two ends in the domain that its reader
/// looks at.
fn email(value: &Value) -> Option<&str> {
    let address = text(value)?;
    let (local, domain) = address.split_once('@')?;
    let plain = address.bytes().all(|byte| byte.is_ascii_graphic());
    let whole = !local.is_empty() && !domain.is_empty() && !domain.contains('@');
    (plain && whole && address.len() <= MAX_EMAIL_BYTES).then_some(address)
}

/// RFC 6901, 4.
fn unescaped(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// RFC 5321, 4.5.3.1.3.
const MAX_EMAIL_BYTES: usize = 254;
