//! What holds or does not.

use std::cmp::Ordering;
use std::net::IpAddr;

use cedar_policy::EntityTypeName;
use cedar_policy::EntityUid;

use crate::policy::formula::Failed;
use crate::policy::formula::address::Range;
use crate::policy::formula::facts::Facts;
use crate::policy::formula::number::Number;
use crate::policy::formula::pattern::Pattern;
use crate::policy::formula::said::Said;
use crate::policy::formula::said::Texts;
use crate::policy::formula::text::Text;

/// A question with two answers. Evaluated as Cedar does: from the left, and no
/// further than needed.
#[derive(Debug)]
pub(super) enum Truth {
    Constant(bool),
    Not(Box<Self>),
    And(Box<(Self, Self)>),
    Or(Box<(Self, Self)>),
    /// The second if the first holds, else the third.
    If(Box<(Self, Self, Self)>),
    /// Whether there is such a header, parameter or attribute.
    Has(Text),
    SameText(Text, Text),
    OneOf(Text, Box<[Box<str>]>),
    Like(Text, Pattern),
    Compare(Number, &'static [Ordering], Number),
    Among(Number, Box<[i64]>),
    /// The query has a parameter of this name.
    Query(Box<str>),
    /// The connection has TLS.
    Tls,
    /// It is known when the caller has signed in.
    AuthAge,
    /// The caller is a person.
    Person,
    /// It is a person whose address is verified.
    EmailVerified,
    /// It is known at what moment the caller has signed in.
    SignIn,
    /// It is said of the caller, whatever it is.
    IsSaid(Said),
    /// It is said that it is so.
    Said(Said),
    /// A set has this text.
    Contains(Texts, Box<str>),
    FromRange(Range),
    From(IpAddr),
    FromFamily(Family),
    /// The caller is one of these or in one of them.
    CallerIn(Box<[EntityUid]>),
    CallerIs(EntityUid),
    CallerIsA(EntityTypeName),
    ResourceIn(Box<[EntityUid]>),
    ResourceIsA(EntityTypeName),
    /// A set of verbs, each with its bit.
    Action(u16),
}

/// What kind of address a request comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Family {
    V4,
    V6,
}

impl Truth {
    pub(super) fn holds(&self, facts: &Facts<'_>) -> Result<bool, Failed> {
        Ok(match self {
            Self::Constant(holds) => *holds,
            Self::Not(truth) => !truth.holds(facts)?,
            Self::And(pair) => pair.0.holds(facts)? && pair.1.holds(facts)?,
            Self::Or(pair) => pair.0.holds(facts)? || pair.1.holds(facts)?,
            Self::If(three) if three.0.holds(facts)? => three.1.holds(facts)?,
            Self::If(three) => three.2.holds(facts)?,
            Self::Has(text) => text.find(facts)?.is_some(),
            Self::SameText(one, other) => one.value(facts)? == other.value(facts)?,
            Self::OneOf(text, all) => {
                let text = text.value(facts)?;
                all.iter().any(|one| **one == *text)
            }
            Self::Like(text, pattern) => pattern.fits(text.value(facts)?),
            Self::Compare(one, orders, other) => {
                let order = one.value(facts)?.cmp(&other.value(facts)?);
                orders.contains(&order)
            }
            Self::Among(number, all) => all.contains(&number.value(facts)?),
            Self::Query(name) => facts.has_query(name)?,
            Self::Tls => facts.question.caller.tls().is_some(),
            Self::AuthAge => facts.auth_age().is_some(),
            Self::Person => facts.person().is_ok(),
            Self::EmailVerified => facts.person()?.email_verified,
            Self::SignIn => facts.sign_in().is_some(),
            Self::IsSaid(said) => said.find(facts)?.is_some(),
            Self::Said(said) => said.flag(facts)?,
            Self::Contains(texts, text) => texts.contain(text, facts)?,
            Self::FromRange(range) => range.holds(source(facts)),
            Self::From(address) => source(facts) == *address,
            Self::FromFamily(Family::V4) => source(facts).is_ipv4(),
            Self::FromFamily(Family::V6) => source(facts).is_ipv6(),
            Self::CallerIs(uid) => facts.caller.uid == *uid,
            Self::CallerIsA(kind) => facts.caller.uid.type_name() == kind,
            Self::CallerIn(any) => {
                let caller = facts.caller;
                is_in(any, &caller.uid, &caller.ancestors)
            }
            Self::ResourceIn(any) => {
                let resource = facts.resource;
                is_in(any, &resource.uid, &resource.ancestors)
            }
            Self::ResourceIsA(kind) => facts.resource.uid.type_name() == kind,
            Self::Action(verbs) => verbs & facts.verb.bit() != 0,
        })
    }
}

/// An IPv4 address in IPv6 clothes is an IPv4 address.
const fn source(facts: &Facts<'_>) -> IpAddr {
    facts.question.source.to_canonical()
}

fn is_in(any: &[EntityUid], uid: &EntityUid, ancestors: &[EntityUid]) -> bool {
    any.iter().any(|one| one == uid || ancestors.contains(one))
}
