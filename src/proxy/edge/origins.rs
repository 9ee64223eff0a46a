//! Whether a request with our cookie may be another site's doing.
//!
//! A browser sends our cookie along with what a page of another site asks for,
//! where `SameSite=Lax` lets it: WebSockets in some browsers, and all that comes
//! from a sibling host. What changes something, or opens a line, must come from
//! the origin that it is for.

use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::header::ORIGIN;
use http::uri::Authority;

use crate::proxy::canonical::Canonical;

/// Whether it says that it was sent by something of another origin than `authority`.
pub(super) fn is_foreign(headers: &HeaderMap, authority: &Authority) -> bool {
    let mut origins = headers.get_all(ORIGIN).iter();
    let Some(origin) = origins.next() else {
        // Browsers that say nothing of the origin say of the site.
        let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        return matches!(site, Some(b"cross-site" | b"same-site"));
    };
    origins.next().is_some() || !is_of(origin, authority)
}

fn is_of(origin: &HeaderValue, authority: &Authority) -> bool {
    let Some(rest) = origin.as_bytes().strip_prefix(b"https://") else {
        // `null`, too: what has no origin is not ours.
        return false;
    };
    let plain = |text: &[u8]| {
        text.strip_suffix(b":443")
            .unwrap_or(text)
            .to_ascii_lowercase()
    };
    plain(rest) == plain(authority.as_str().as_bytes())
}

/// Whether it says that some page sent it, of whichever origin.
pub(super) fn is_from_a_page(headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all("sec-fetch-site").iter();
    headers.contains_key(ORIGIN) || sites.any(|site| site.as_bytes() != b"none")
}

/// Whether it matters where `request` comes from: it changes something, or opens
/// a line on which more is said.
pub(super) fn matters(request: &Canonical) -> bool {
    request.upgrade.is_some()
        || !matches!(request.method, Method::GET | Method::HEAD | Method::OPTIONS)
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    type Case<'a> = (&'a [(&'static str, &'static str)], &'static str);

    fn foreign(fields: &[(&'static str, &'static str)], authority: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        for &(name, value) in fields {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        is_foreign(&headers, &Authority::from_static(authority))
    }

    #[test]
    fn what_a_page_sends_is_known_by_what_pages_cannot_leave_out() {
        let cases: [Case<'_>; 6] = [
            (&[("origin", "https://a.example")], "page"),
            (&[("origin", "null")], "page"),
            (&[("sec-fetch-site", "same-origin")], "page"),
            (
                &[("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")],
                "page",
            ),
            (&[("sec-fetch-site", "none")], "none"),
            (
                &[("user-agent", "curl/8"), ("sec-fetch-mode", "cors")],
                "none",
            ),
        ];
        for (fields, whose) in cases {
            let mut headers = HeaderMap::new();
            for &(name, value) in fields {
                headers.append(name, HeaderValue::from_static(value));
            }
            assert_eq!(is_from_a_page(&headers), whose == "page", "{fields:?}");
        }
    }

    #[test]
    fn only_the_very_same_origin_is_ours() {
        let own: [Case<'_>; 7] = [
            (&[("origin", "https://a.example")], "a.example"),
            (&[("origin", "https://a.example:443")], "a.example"),
            (&[("origin", "https://a.example")], "a.example:443"),
            (&[("origin", "https://a.example:8443")], "a.example:8443"),
            (
                &[
                    ("origin", "https://A.example"),
                    ("sec-fetch-site", "same-origin"),
                ],
                "a.example",
            ),
            (&[("sec-fetch-site", "same-origin")], "a.example"),
            (&[], "a.example"),
        ];
        for (fields, authority) in own {
            assert!(!foreign(fields, authority), "{fields:?}");
        }
        let others: [Case<'_>; 11] = [
            (&[("origin", "null")], "a.example"),
            (&[("origin", "")], "a.example"),
            (&[("origin", "http://a.example")], "a.example"),
            (&[("origin", "https://a.example:8443")], "a.example"),
            (&[("origin", "https://a.example.evil")], "a.example"),
            (&[("origin", "https://evil-a.example")], "a.example"),
            (&[("origin", "https://b.a.example")], "a.example"),
            (
                &[
                    ("origin", "https://a.example"),
                    ("origin", "https://a.example"),
                ],
                "a.example",
            ),
            (
                &[
                    ("origin", "https://evil"),
                    ("sec-fetch-site", "same-origin"),
                ],
                "a.example",
            ),
            (&[("sec-fetch-site", "cross-site")], "a.example"),
            (&[("sec-fetch-site", "same-site")], "a.example"),
        ];
        for (fields, authority) in others {
            assert!(foreign(fields, authority), "{fields:?}");
        }
    }
}
