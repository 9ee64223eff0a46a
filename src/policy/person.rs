//! A verified person, as a provider speaks of them.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use crate::policy::claim::ClaimType;
use crate::policy::claim::ClaimValue;

/// What an OpenID provider says of somebody, checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Person {
    /// How they signed in, such as `urn:example:gold`.
    pub acr: Option<Box<str>>,
    /// With what (RFC 8176), such as `pwd` and `otp`.
    pub amr: BTreeSet<Box<str>>,
    /// When they last proved who they are; none if the provider does not say.
    /// Whoever makes a person of a token has seen that it is not in the future.
    pub authenticated_at: Option<SystemTime>,
    /// The claims that the configuration declares, if they came in their declared type.
    pub claims: BTreeMap<Box<str>, ClaimValue>,
    /// Their e-mail address, if the provider says one.
    pub email: Option<Box<str>>,
    /// Whether the provider has seen that it is theirs.
    pub email_verified: bool,
    /// The provider's names of their groups.
    pub groups: BTreeSet<Box<str>>,
    /// What to call them on a page; never who they are.
    pub name: Option<Box<str>>,
    /// Who says all of this.
    pub provider: ProviderName,
    /// The provider's names of their roles.
    pub roles: BTreeSet<Box<str>>,
    /// Who they are to the provider, never another's (OpenID Connect Core 2, `sub`).
    pub subject: Subject,
}

impl Person {
    /// Their id in policies and records, `<provider>/<subject>`.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}/{}", self.provider, self.subject)
    }

    /// Their address as policies get to know it: none where it has two readings,
    /// such as `a@evil.example@corp.example`.
    pub(super) fn address(&self) -> Option<&str> {
        let email = self.email.as_deref()?;
        let (local, domain) = email.split_once('@')?;
        let is_plain = |text: &str| {
            !text.is_empty()
                && text
                    .chars()
                    .all(|c| !c.is_control() && !c.is_whitespace() && !"@\"(),:;<>[\\]".contains(c))
        };
        (is_plain(local) && is_plain(domain)).then_some(email)
    }

    /// The value of a claim, if it is what the claim is declared to be now.
    pub(super) fn claim(&self, name: &str, kind: ClaimType) -> Option<&ClaimValue> {
        let value = self.claims.get(name)?;
        (value.kind() == kind).then_some(value)
    }
}

/// What the configuration calls a provider: lower-case letters, digits and `-`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ProviderName(Box<str>);

impl ProviderName {
    /// The longest name, in bytes.
    pub const MAX_BYTES: usize = 32;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ProviderName {
    type Err = PersonError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if text.is_empty() || text.len() > Self::MAX_BYTES || !plain {
            return Err(PersonError::Provider);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The `sub` of an ID token: 1 to 255 printable ASCII characters.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Subject(Box<str>);

impl Subject {
    /// OpenID Connect Core 2.
    pub const MAX_BYTES: usize = 255;

    /// The subject.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Subject {
    type Err = PersonError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if text.is_empty() || text.len() > Self::MAX_BYTES || !plain {
            return Err(PersonError::Subject);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who somebody is: `<provider>/<subject>`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UserId {
    /// Whose word it is.
    pub provider: ProviderName,
    /// Who they are to the provider.
    pub subject: Subject,
}

impl FromStr for UserId {
    type Err = PersonError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (provider, subject) = text.split_once('/').ok_or(PersonError::NoSlash)?;
        Ok(Self {
            provider: provider.parse()?,
            subject: subject.parse()?,
        })
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.subject)
    }
}

/// Why a text does not name a person.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PersonError {
    /// It has one part.
    #[error("it is not `<provider>/<subject>`")]
    NoSlash,
    /// Not a provider's name.
    #[error(
        "a provider's name has 1 to {} lower-case letters, digits and `-`",
        ProviderName::MAX_BYTES
    )]
    Provider,
    /// Not a subject.
    #[error("a subject has 1 to {} printable ASCII characters", Subject::MAX_BYTES)]
    Subject,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_two_readings_is_none() {
        for (email, is_one) in [
            ("a@corp.example", true),
            ("a.b+c'd@corp.example", true),
            ("\u{e4}@corp.example", true),
            ("a@evil.example@corp.example", false),
            ("\"a@evil.example\"@corp.example", false),
            ("a,b@corp.example", false),
            ("<a@corp.example>", false),
            ("a @corp.example", false),
            ("a@corp.example\n", false),
            ("@corp.example", false),
            ("a@", false),
            ("corp.example", false),
            ("", false),
        ] {
            let person = Person {
                acr: None,
                amr: BTreeSet::new(),
                authenticated_at: None,
                claims: BTreeMap::new(),
                email: Some(email.into()),
                email_verified: true,
                groups: BTreeSet::new(),
                name: None,
                provider: "corp".parse().unwrap(),
                roles: BTreeSet::new(),
                subject: "a".parse().unwrap(),
            };
            assert_eq!(person.address(), is_one.then_some(email), "{email}");
        }
    }

    #[test]
    fn a_name_has_no_slash_so_that_an_id_has_one_reading() {
        for name in ["corp-1", &"a".repeat(32)] {
            assert_eq!(name.parse::<ProviderName>().unwrap().as_str(), name);
        }
        for name in ["", "a/b", "Corp", "a b", "é", &"a".repeat(33)] {
            assert_eq!(
                name.parse::<ProviderName>(),
                Err(PersonError::Provider),
                "{name}"
            );
        }
        for subject in ["a", "a/b c", &"a".repeat(255)] {
            assert_eq!(subject.parse::<Subject>().unwrap().as_str(), subject);
        }
        for subject in ["", "a\n", "é", &"a".repeat(256)] {
            assert_eq!(
                subject.parse::<Subject>(),
                Err(PersonError::Subject),
                "{subject}"
            );
        }
    }
}
