//! Who asks, as far as a request shows it.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use http::HeaderMap;
use http::HeaderValue;
use http::header::AUTHORIZATION;

use crate::policy::Caller;
use crate::policy::Person;
use crate::policy::ProviderName;
use crate::session::Session;
use crate::session::SessionId;

/// Who asks.
#[derive(Clone, Debug)]
pub(super) enum Who {
    /// Nobody says so.
    Nobody,
    /// Somebody who signed in.
    Session(Arc<Session>),
    /// A program, or somebody through one, that shows a provider's word.
    Vouched(Rc<Vouched>),
}

/// Whom a token is good for.
#[derive(Debug)]
pub(super) struct Vouched {
    pub(super) caller: Caller,
    pub(super) person: Arc<Person>,
    /// The token's end.
    pub(super) until: SystemTime,
}

impl Who {
    /// Whether nothing has changed about it.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nobody, Self::Nobody) => true,
            // When the provider speaks again, another takes its place.
            (Self::Session(one), Self::Session(other)) => Arc::ptr_eq(one, other),
            (Self::Vouched(one), Self::Vouched(other)) => Rc::ptr_eq(one, other),
            _ => false,
        }
    }

    pub(super) const fn session(&self) -> Option<&Arc<Session>> {
        match self {
            Self::Session(session) => Some(session),
            Self::Nobody | Self::Vouched(_) => None,
        }
    }
}

/// The tokens that a worker has seen and that are good, by their text.
#[derive(Debug, Default)]
pub(super) struct Seen(HashMap<Box<str>, Rc<Vouched>, foldhash::quality::RandomState>);

impl Seen {
    /// Whom `token` of `provider` is good for at `now`, if that is known.
    pub(super) fn get(
        &self,
        provider: &ProviderName,
        token: &str,
        now: SystemTime,
    ) -> Option<Rc<Vouched>> {
        let known = self.0.get(token).filter(|known| now < known.until);
        let known = known.filter(|known| known.person.provider == *provider);
        known.map(Rc::clone)
    }

    /// Remembers that `token` is good.
    pub(super) fn keep(&mut self, token: &str, vouched: Rc<Vouched>, now: SystemTime) {
        if self.0.len() >= MOST_SEEN {
            self.0.retain(|_, known| now < known.until);
        }
        if self.0.len() >= MOST_SEEN {
            // All are checked again, once each.
            self.0.clear();
        }
        self.0.insert(token.into(), vouched);
    }
}

/// Takes a bearer token (RFC 6750 2.1) out of `headers`.
///
/// # Errors
///
/// [`NotOne`] if there are credentials that are no single token.
pub(super) fn take_token(headers: &mut HeaderMap) -> Result<Option<String>, NotOne> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let Some(first) = all.next() else {
        return Ok(None);
    };
    let token = token(first)
        .filter(|_| all.next().is_none())
        .ok_or(NotOne)?;
    headers.remove(AUTHORIZATION);
    Ok(Some(token))
}

/// Takes a token that is a session's of ours out of `headers`: that is never an
/// application's business, whoever else's tokens are.
///
/// # Errors
///
/// [`NotOne`] if one is among other credentials, or is no single token.
pub(super) fn take_own(headers: &mut HeaderMap) -> Result<Option<String>, NotOne> {
    if headers.get_all(AUTHORIZATION).iter().any(is_own) {
        take_token(headers)
    } else {
        Ok(None)
    }
}

/// Whether it is meant to be one of ours, however it is written.
fn is_own(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    let Some((scheme, rest)) = bytes.split_at_checked(BEARER.len()) else {
        return false;
    };
    scheme.eq_ignore_ascii_case(BEARER)
        && rest
            .trim_ascii_start()
            .starts_with(SessionId::TOKEN_PREFIX.as_bytes())
}

fn token(value: &HeaderValue) -> Option<String> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    let is_token = scheme.eq_ignore_ascii_case("bearer")
        && !token.is_empty()
        && token.len() <= MOST_TOKEN_BYTES
        && token.bytes().all(|byte| byte.is_ascii_graphic());
    is_token.then(|| token.to_owned())
}

/// There are credentials, and they are no bearer token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct NotOne;

const BEARER: &[u8] = b"bearer";

/// Some hundred kilobytes, where tokens are of a usual size.
const MOST_SEEN: usize = 512;
const MOST_TOKEN_BYTES: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_one_token_or_none() {
        let taken = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_static(value));
            }
            let taken = take_token(&mut headers);
            (taken, headers.contains_key(AUTHORIZATION))
        };
        assert_eq!(taken(&[]), (Ok(None), false));
        assert_eq!(
            taken(&["Bearer a.b.c"]),
            (Ok(Some("a.b.c".to_owned())), false)
        );
        assert_eq!(taken(&["bearer a"]), (Ok(Some("a".to_owned())), false));
        for values in [
            &["Basic x"][..],
            &["Bearer"],
            &["Bearer "],
            &["Bearer a b"],
            &["Bearer a", "Bearer a"],
            &[""],
        ] {
            assert_eq!(taken(values), (Err(NotOne), true), "{values:?}");
        }
    }

    #[test]
    fn a_token_of_ours_is_taken_and_nothing_else() {
        let taken = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_static(value));
            }
            let taken = take_own(&mut headers);
            (taken, headers.get_all(AUTHORIZATION).iter().count())
        };
        for value in ["Bearer prt_x", "bearer prt_x", "BEARER prt_x"] {
            assert_eq!(taken(&[value]), (Ok(Some("prt_x".to_owned())), 0));
        }
        for values in [
            &["Bearer prt_x", "Bearer prt_x"][..],
            &["Basic x", "Bearer prt_x"],
            &["Bearer prt_x", "Bearer a.b.c"],
            &["Bearer prt_x y"],
            &["Bearer  prt_x"],
            &["Bearer	prt_x"],
            &["Bearerprt_x"],
        ] {
            assert_eq!(taken(values), (Err(NotOne), values.len()), "{values:?}");
        }
        // The application's own, or a provider's.
        for values in [
            &[][..],
            &["Basic prt_x"],
            &["Bearer a.b.c"],
            &["Bearer PRT_x"],
            &["Bearer prt"],
            &["Bearer", "Basic x"],
            &["x"],
        ] {
            assert_eq!(taken(values), (Ok(None), values.len()), "{values:?}");
        }
    }

    #[test]
    fn what_is_seen_is_forgotten_at_its_end_and_never_grows_without_bound() {
        let at = |seconds| SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        let caller = Caller::anonymous();
        let vouched = |seconds| {
            Rc::new(Vouched {
                caller: caller.clone(),
                person: Arc::new(crate::proxy::edge::assertion::tests::person()),
                until: at(seconds),
            })
        };
        let mut seen = Seen::default();
        seen.keep("a", vouched(10), at(0));
        let (corp, other) = ("corp".parse().unwrap(), "other".parse().unwrap());
        assert!(seen.get(&corp, "a", at(9)).is_some());
        // Too late; of another provider; another token.
        assert!(seen.get(&corp, "a", at(10)).is_none());
        assert!(seen.get(&other, "a", at(9)).is_none());
        assert!(seen.get(&corp, "b", at(0)).is_none());
        for number in 0..2 * MOST_SEEN as u64 {
            seen.keep(&number.to_string(), vouched(100 + number), at(20));
            assert!(seen.0.len() <= MOST_SEEN);
        }
    }
}
