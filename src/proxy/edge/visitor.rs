//! Whoever asks on one connection, as its requests have in common.
//!
//! On one connection nearly all requests are of one session, and for one route:
//! what is said of them to the policy, the record and the application is made
//! once, and again when something about it changes.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use http::HeaderName;
use http::HeaderValue;
use http::uri::Authority;

use crate::audit::Door;
use crate::audit::Origin;
use crate::audit::Text;
use crate::policy::Caller;
use crate::policy::Person;
use crate::proxy::edge::assertion::About;
use crate::proxy::edge::assertion::Asserter;
use crate::proxy::edge::door::Place;
use crate::proxy::edge::who::Who;
use crate::proxy::headers::ASSERTION;
use crate::proxy::introduction::Introduction;
use crate::proxy::live::Asker;
use crate::session::Handle;

/// Who asks for one route.
#[derive(Debug)]
pub(super) struct Visitor {
    /// For the policy.
    pub(super) asker: Rc<Asker>,
    /// For the application.
    pub(super) introduction: Rc<Introduction>,
    /// For the record.
    pub(super) origin: Origin,
}

/// The last of them.
#[derive(Debug, Default)]
pub(super) struct Visitors(RefCell<Option<(Key, Rc<Visitor>)>>);

/// What one is good for.
#[derive(Debug)]
struct Key {
    authority: Authority,
    /// A place's address stays, and its own.
    place: *const Place,
    /// The assertion is good for longer.
    until: SystemTime,
    who: Who,
}

impl Key {
    fn is_of(&self, who: &Who, place: &Place, authority: &Authority) -> bool {
        self.who.is(who) && std::ptr::eq(self.place, place) && self.authority == *authority
    }
}

impl Visitors {
    /// What is to be said of `who` asks for `place`, under the name `authority`.
    pub(super) fn of(
        &self,
        who: &Who,
        (place, authority): (&Place, &Authority),
        source: SocketAddr,
        (asserter, now): (&Asserter, SystemTime),
    ) -> Rc<Visitor> {
        if let Some((key, visitor)) = &*self.0.borrow()
            && key.is_of(who, place, authority)
            && now < key.until
        {
            return Rc::clone(visitor);
        }
        let key = Key {
            authority: authority.clone(),
            place,
            until: now + FRESH,
            who: who.clone(),
        };
        let handle = who.session().map(|session| session.digest().handle());
        let (caller, person, ends) = match who {
            Who::Session(session) => (session.caller().clone(), Some(session.person()), None),
            Who::Vouched(vouched) => (
                vouched.caller.clone(),
                Some(&vouched.person),
                Some(vouched.until),
            ),
            Who::Nobody => (Caller::anonymous(), None, None),
        };
        let fields = person.map_or_else(Vec::new, |person| {
            let issuer = &format!("https://{authority}");
            let about = About {
                audience: &format!("{issuer}{}", place.settings.prefix),
                issuer,
                now,
                person,
                session: handle.as_ref().map(Handle::as_str),
            };
            told(about, asserter)
        });
        let source_text = source.ip().to_canonical().to_string();
        let general = [
            ("x-forwarded-for", source_text.as_str()),
            ("x-forwarded-host", authority.as_str()),
            ("x-forwarded-proto", "https"),
        ];
        let general = general.map(|(name, value)| (name, value.to_owned()));
        let fields = general.into_iter().chain(fields);
        let name = Text::Shared(caller.name());
        let handle = handle.map(|handle| Text::from(handle.to_string()));
        let visitor = Rc::new(Visitor {
            asker: Rc::new(Asker {
                caller,
                service: place.settings.service.clone(),
                ends,
                session: who.session().map(Arc::clone),
                source: source.ip(),
            }),
            introduction: Rc::new(fields.filter_map(field).collect()),
            origin: Origin::of_session(Door::Edge, &name, handle.as_ref(), source),
        });
        *self.0.borrow_mut() = Some((key, Rc::clone(&visitor)));
        visitor
    }
}

/// What an application is told of the person that this is `about`.
fn told(about: About<'_>, asserter: &Asserter) -> Vec<(&'static str, String)> {
    let person = about.person;
    let mut fields = vec![
        ("x-portreeve-caller", person.id()),
        ("x-forwarded-user", person.subject.as_str().to_owned()),
    ];
    // One that the provider has not seen to be theirs may be anybody's.
    if let Some(email) = person.email.as_deref().filter(|_| person.email_verified) {
        fields.push(("x-forwarded-email", email.to_owned()));
    }
    fields.push(("x-forwarded-groups", groups(person)));
    match asserter.assert(about) {
        Ok(assertion) => fields.push((ASSERTION, assertion)),
        // The application that wants one will not let them in.
        Err(error) => {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "an assertion could not be signed");
        }
    }
    fields
}

/// The groups that a list of words can say: one with a comma would be two.
/// The assertion has all of them.
fn groups(person: &Person) -> String {
    let mut list = String::new();
    let plain = |group: &&str| {
        let mut bytes = group.bytes();
        !group.is_empty() && bytes.all(|byte| byte.is_ascii_graphic() && byte != b',')
    };
    for group in person.groups.iter().map(AsRef::as_ref).filter(plain) {
        if list.len() + group.len() >= MOST_GROUP_BYTES {
            break;
        }
        if !list.is_empty() {
            list.push(',');
        }
        list.push_str(group);
    }
    list
}

/// A field, if its value can be one: what is no text in ASCII is left to the assertion.
fn field((name, value): (&'static str, String)) -> Option<(HeaderName, HeaderValue)> {
    if !value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return None;
    }
    let value = HeaderValue::try_from(value).ok()?;
    Some((HeaderName::from_static(name), value))
}

/// An assertion has four minutes left when it is last sent.
const FRESH: Duration = Duration::from_secs(60);
/// Servers take heads of 8 KiB.
const MOST_GROUP_BYTES: usize = 2 * 1024;
