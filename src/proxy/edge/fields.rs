//! The fields of people's requests that only we may set.
//!
//! Applications behind an edge believe what it says of who asks and from where.
//! Whatever a browser sends under such names goes no further, in any spelling
//! that some framework folds into it; `_` was refused before (see `headers`).

use http::HeaderMap;
use http::HeaderName;

use crate::proxy::headers::ASSERTION;

/// Takes them out of `headers`.
pub(in crate::proxy::edge) fn remove(headers: &mut HeaderMap) {
    let ours: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_ours(name))
        .cloned()
        .collect();
    for name in ours {
        headers.remove(name);
    }
}

fn is_ours(name: &HeaderName) -> bool {
    let name = name.as_str();
    // Nearly all that browsers send begin otherwise.
    if !name.starts_with(['x', 'r', 't']) {
        return false;
    }
    NAMES.iter().any(|ours| folded_eq(name, ours))
        || BEGINNINGS.iter().any(|ours| {
            let head = name.get(..ours.len());
            head.is_some_and(|head| folded_eq(head, ours))
        })
}

fn folded_eq(name: &str, ours: &str) -> bool {
    name.len() == ours.len()
        && name
            .bytes()
            .zip(ours.bytes())
            .all(|(found, wanted)| found == wanted || (found == b'.' && wanted == b'-'))
}

/// What proxies say, and what applications are told to believe: oauth2-proxy's
/// and Pomerium's names, Grafana's `auth.proxy`, Jenkins' and Airflow's.
const BEGINNINGS: [&str; 6] = [
    "x-auth-request-",
    "x-forwarded-",
    "x-pomerium-",
    "x-remote-",
    "x-webauth-",
    "remote-",
];
const NAMES: [&str; 7] = [
    ASSERTION,
    "true-client-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-email",
    "x-real-ip",
    "x-user",
];

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn no_spelling_of_what_only_we_say_stays() {
        let gone = [
            "x-forwarded-for",
            "X-Forwarded-User",
            "x.forwarded.email",
            "x-forwarded.groups",
            "x-forwarded-anything",
            "x-auth-request-email",
            "x-real-ip",
            "X.Real.IP",
            "x-webauth-user",
            "remote-user",
            "x-remote-groups",
            "x-pomerium-jwt-assertion",
            "true-client-ip",
            "x-portreeve-assertion",
        ];
        let stay = [
            "x-forwarde",
            "x-real-ips",
            "x-requested-with",
            "range",
            "referer",
            "te",
            "accept",
            "traceparent",
            "x-csrf-token",
        ];
        let mut headers = HeaderMap::new();
        for name in gone.iter().chain(&stay) {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name.clone(), HeaderValue::from_static("1"));
            headers.append(name, HeaderValue::from_static("2"));
        }
        remove(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        let mut stay = stay.to_vec();
        stay.sort_unstable();
        assert_eq!(left, stay);
    }
}
