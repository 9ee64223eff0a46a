//! Our cookies among those that a browser sends.
//!
//! A name that begins with `__Host-` can only have been set by this very host,
//! over TLS, for all of its paths (RFC 6265bis 4.1.3.2). Two of one name are
//! some mischief all the same: then there is none. None of ours goes on to an
//! application.

use http::HeaderMap;
use http::HeaderValue;
use http::header::COOKIE;

/// Whoever has it is signed in.
pub(in crate::proxy::edge) const SESSION: &str = "__Host-portreeve-session";
/// A sign-in that has begun; its number follows.
pub(in crate::proxy::edge) const LOGIN: &str = "__Host-portreeve-login-";
/// What all of ours begin with.
const OURS: &[u8] = b"__Host-portreeve-";

/// What was said of a session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::proxy::edge) enum Shown {
    /// More than one, or what is no text.
    Ambiguous,
    /// Nothing.
    Nothing,
    /// One.
    One(String),
}

/// Takes our cookies out of `headers`; `keep` gets those of sign-ins that have begun.
pub(in crate::proxy::edge) fn take(headers: &mut HeaderMap, keep: &mut Vec<String>) -> Shown {
    let Some(all) = headers.get(COOKIE) else {
        return Shown::Nothing;
    };
    if memchr::memmem::find(all.as_bytes(), OURS).is_none() {
        return Shown::Nothing;
    }
    let all = all.clone();
    let mut shown = Shown::Nothing;
    let mut rest = Vec::with_capacity(all.len());
    for pair in all.as_bytes().split(|&byte| byte == b';') {
        let pair = pair.trim_ascii();
        if !pair.starts_with(OURS) {
            if !pair.is_empty() {
                rest.push(pair);
            }
            continue;
        }
        let Ok(pair) = std::str::from_utf8(pair) else {
            shown = Shown::Ambiguous;
            continue;
        };
        match pair.split_once('=') {
            Some((SESSION, value)) => {
                shown = match shown {
                    Shown::Nothing => Shown::One(value.to_owned()),
                    Shown::One(_) | Shown::Ambiguous => Shown::Ambiguous,
                }
            }
            Some((name, _)) if name.starts_with(LOGIN) && keep.len() < MOST_LOGINS => {
                keep.push(pair.to_owned());
            }
            _ => {}
        }
    }
    match HeaderValue::from_bytes(&rest.join(&b"; "[..])) {
        Ok(value) if !rest.is_empty() => drop(headers.insert(COOKIE, value)),
        // Parts of a field that was one are one.
        Ok(_) | Err(_) => drop(headers.remove(COOKIE)),
    }
    shown
}

/// More than a browser ever has: it is told to forget the oldest.
const MOST_LOGINS: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn taken(cookies: &str) -> (Shown, Option<String>, Vec<String>) {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_str(cookies).unwrap());
        let mut keep = Vec::new();
        let shown = take(&mut headers, &mut keep);
        let rest = headers.get(COOKIE);
        let rest = rest.map(|value| value.to_str().unwrap().to_owned());
        (shown, rest, keep)
    }

    #[test]
    fn ours_are_taken_and_the_rest_goes_on() {
        let cases = [
            ("a=1; b=2", Shown::Nothing, Some("a=1; b=2")),
            (
                "a=1;  __Host-portreeve-session=x;b=2",
                Shown::One("x".into()),
                Some("a=1; b=2"),
            ),
            ("__Host-portreeve-session=x", Shown::One("x".into()), None),
            ("__Host-portreeve-session=", Shown::One(String::new()), None),
            // Tossed by a sibling host, or by a page in the clear.
            (
                "__Host-portreeve-session=x; __Host-portreeve-session=y",
                Shown::Ambiguous,
                None,
            ),
            (
                "__Host-portreeve-session=x; __Host-portreeve-session=x",
                Shown::Ambiguous,
                None,
            ),
            (
                "__Secure-portreeve-session=x",
                Shown::Nothing,
                Some("__Secure-portreeve-session=x"),
            ),
            (
                "portreeve-session=x",
                Shown::Nothing,
                Some("portreeve-session=x"),
            ),
            (
                "__host-portreeve-session=x",
                Shown::Nothing,
                Some("__host-portreeve-session=x"),
            ),
            ("__Host-portreeve-other=x; a=1", Shown::Nothing, Some("a=1")),
            ("__Host-portreeve-session; a=1", Shown::Nothing, Some("a=1")),
        ];
        for (cookies, shown, rest) in cases {
            let (found, left, _) = taken(cookies);
            assert_eq!((found, left.as_deref()), (shown, rest), "{cookies}");
        }
    }

    #[test]
    fn what_has_begun_is_kept_for_whoever_ends_it() {
        let (_, rest, keep) = taken("__Host-portreeve-login-7=a; c=1; __Host-portreeve-login-8=b");
        assert_eq!(rest.as_deref(), Some("c=1"));
        assert_eq!(
            keep,
            ["__Host-portreeve-login-7=a", "__Host-portreeve-login-8=b"]
        );
        let many: Vec<_> = (0..40)
            .map(|at| format!("__Host-portreeve-login-{at}=a"))
            .collect();
        assert_eq!(taken(&many.join("; ")).2.len(), MOST_LOGINS);
    }

    proptest! {
        #[test]
        fn nothing_of_ours_ever_goes_on(
            pairs in prop::collection::vec("(__Host-portreeve-[a-z]{0,7}|[a-z]{1,3})=?[a-z=]{0,3} ?", 0..6),
        ) {
            let cookies = pairs.join(";");
            let (shown, rest, _) = taken(&cookies);
            let rest = rest.unwrap_or_default();
            for left in rest.split(';') {
                prop_assert!(!left.trim().starts_with("__Host-portreeve-"), "{}", rest);
            }
            let count = pairs.iter().filter(|pair| pair.starts_with("__Host-portreeve-session=")).count();
            prop_assert_eq!(matches!(shown, Shown::One(_)), count == 1);
        }
    }
}
