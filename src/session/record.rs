//! A session as it is at rest: sealed whole, so that whoever can write to the
//! store can make none, nor change one.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::Deserialize;
use serde::Serialize;

use crate::policy::ClaimValue;
use crate::policy::Person;
use crate::session::calendar::LAST;
use crate::session::calendar::date;
use crate::session::calendar::seconds;
use crate::session::id::Digest;
use crate::session::live::Facts;
use crate::session::program::Program;

/// As it is written.
#[derive(Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
struct Written {
    created_s: u64,
    ends_s: u64,
    good_until_s: u64,
    host: Box<str>,
    person: WrittenPerson,
    /// Left out for a browser: sidecars that know of no others read it, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    program: Option<WrittenProgram>,
    renewed_s: u64,
    sid: Option<Box<str>>,
}

#[derive(Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
struct WrittenPerson {
    acr: Option<Box<str>>,
    amr: BTreeSet<Box<str>>,
    authenticated_s: Option<u64>,
    claims: BTreeMap<Box<str>, WrittenClaim>,
    email: Option<Box<str>>,
    email_verified: bool,
    groups: BTreeSet<Box<str>>,
    name: Option<Box<str>>,
    provider: Box<str>,
    roles: BTreeSet<Box<str>>,
    subject: Box<str>,
}

#[derive(Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
struct WrittenProgram {
    name: Box<str>,
    source: IpAddr,
}

#[derive(Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum WrittenClaim {
    Bool(bool),
    Long(i64),
    Text(Box<str>),
    Texts(BTreeSet<Box<str>>),
}

/// The text that is sealed; none if it would be larger than any session.
pub(super) fn write(facts: &Facts, person: &Person) -> Option<String> {
    let written = Written {
        created_s: facts.created,
        ends_s: facts.ends,
        good_until_s: facts.good_until,
        host: facts.host.clone(),
        person: WrittenPerson {
            acr: person.acr.clone(),
            amr: person.amr.clone(),
            authenticated_s: person.authenticated_at.map(seconds),
            claims: person
                .claims
                .iter()
                .map(|(name, value)| (name.clone(), write_claim(value)))
                .collect(),
            email: person.email.clone(),
            email_verified: person.email_verified,
            groups: person.groups.clone(),
            name: person.name.clone(),
            provider: person.provider.as_str().into(),
            roles: person.roles.clone(),
            subject: person.subject.as_str().into(),
        },
        program: facts.program.as_ref().map(|program| WrittenProgram {
            name: program.name().into(),
            source: program.source(),
        }),
        renewed_s: facts.renewed_at,
        sid: facts.sid.clone(),
    };
    let text = serde_json::to_string(&written).ok()?;
    (text.len() <= MOST_BYTES).then_some(text)
}

/// Reads [`write()`]'s text back; none if it is not one that it makes.
pub(super) fn read(text: &[u8], digest: Digest, version: i64) -> Option<(Facts, Person)> {
    if text.len() > MOST_BYTES {
        return None;
    }
    let written: Written = serde_json::from_slice(text).ok()?;
    let times = [
        written.created_s,
        written.ends_s,
        written.good_until_s,
        written.renewed_s,
    ];
    if times.into_iter().any(|at| at > LAST) {
        return None;
    }
    let person = written.person;
    let program = written.program;
    let facts = Facts {
        created: written.created_s,
        digest,
        ends: written.ends_s,
        good_until: written.good_until_s,
        host: written.host,
        program: program.map(|program| Program::new(&program.name, program.source)),
        renewed_at: written.renewed_s,
        sid: written.sid,
        version,
    };
    let person = Person {
        acr: person.acr,
        amr: person.amr,
        authenticated_at: person.authenticated_s.map(date),
        claims: person.claims.into_iter().map(read_claim).collect(),
        email: person.email,
        email_verified: person.email_verified,
        groups: person.groups,
        name: person.name,
        provider: person.provider.parse().ok()?,
        roles: person.roles,
        subject: person.subject.parse().ok()?,
    };
    Some((facts, person))
}

fn write_claim(value: &ClaimValue) -> WrittenClaim {
    match value {
        ClaimValue::Bool(flag) => WrittenClaim::Bool(*flag),
        ClaimValue::Long(number) => WrittenClaim::Long(*number),
        ClaimValue::Text(text) => WrittenClaim::Text(text.clone()),
        ClaimValue::Texts(texts) => WrittenClaim::Texts(texts.clone()),
    }
}

fn read_claim((name, value): (Box<str>, WrittenClaim)) -> (Box<str>, ClaimValue) {
    let value = match value {
        WrittenClaim::Bool(flag) => ClaimValue::Bool(flag),
        WrittenClaim::Long(number) => ClaimValue::Long(number),
        WrittenClaim::Text(text) => ClaimValue::Text(text),
        WrittenClaim::Texts(texts) => ClaimValue::Texts(texts),
    };
    (name, value)
}

/// Some thousand groups. A session is in memory all the time.
const MOST_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts() -> impl Strategy<Value = BTreeSet<Box<str>>> {
        proptest::collection::btree_set(any::<String>().prop_map(Into::into), 0..4)
    }

    fn claims() -> impl Strategy<Value = BTreeMap<Box<str>, ClaimValue>> {
        let value = prop_oneof![
            any::<bool>().prop_map(ClaimValue::Bool),
            any::<i64>().prop_map(ClaimValue::Long),
            any::<String>().prop_map(|text| ClaimValue::Text(text.into())),
            texts().prop_map(ClaimValue::Texts),
        ];
        let name = any::<String>().prop_map(Into::into);
        proptest::collection::btree_map(name, value, 0..4)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            [created, ends, good_until, renewed_at] in [0..=LAST, 0..=LAST, 0..=LAST, 0..=LAST],
            (groups, roles, claims) in (texts(), texts(), claims()),
            (name, host, subject) in (any::<String>(), any::<String>(), "[ -~]{1,255}"),
            program in proptest::option::of((any::<String>(), any::<IpAddr>())),
        ) {
            let digest = Digest::of(subject.as_bytes());
            let facts = Facts {
                created,
                digest,
                ends,
                good_until,
                host: host.into(),
                program: program.map(|(name, source)| Program::new(&name, source)),
                renewed_at,
                sid: Some(name.clone().into()),
                version: 7,
            };
            let person = Person {
                acr: None,
                amr: roles.clone(),
                authenticated_at: Some(date(created)),
                claims,
                email: Some(name.clone().into()),
                email_verified: true,
                groups,
                name: Some(name.into()),
                provider: "corp".parse().unwrap(),
                roles,
                subject: subject.parse().unwrap(),
            };
            let text = write(&facts, &person).unwrap();
            // What sidecars of before would not know is left out where it can be.
            prop_assert_eq!(text.contains("\"program\":"), facts.program.is_some());
            prop_assert_eq!(read(text.as_bytes(), digest, 7), Some((facts, person)));
        }

        #[test]
        fn anything_else_is_no_session(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(read(&bytes, Digest::of(b""), 1), None);
        }
    }
}
