//! Whether a browser shows the answer to somebody, or a program reads it.
//!
//! Only what is shown may be redirected to a page that asks who is there: a
//! program would follow to a page that it cannot read, and a script's request
//! would fail with a riddle.

use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::header;

/// What an answer is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::proxy) enum Reader {
    /// A page that somebody looks at.
    Page,
    /// Something that reads it.
    Program,
}

impl Reader {
    /// Whose answer that to `method` with `headers` is.
    pub(in crate::proxy) fn of(method: &Method, headers: &HeaderMap) -> Self {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return Self::Program;
        }
        let value = |name: &str| headers.get(name).map(HeaderValue::as_bytes);
        if headers.contains_key(header::AUTHORIZATION)
            || headers.contains_key("x-requested-with")
            || value("content-type").is_some_and(|kind| kind.starts_with(b"application/grpc"))
        {
            return Self::Program;
        }
        // Fetch Metadata: browsers say what they do, and pages cannot say otherwise.
        if let Some(mode) = value("sec-fetch-mode") {
            let is_shown = mode == b"navigate" && value("sec-fetch-dest") != Some(b"empty");
            return if is_shown { Self::Page } else { Self::Program };
        }
        if value("accept").is_some_and(wants_html) {
            Self::Page
        } else {
            Self::Program
        }
    }
}

/// Whether HTML is what an `Accept` field likes best, by itself: `*/*` is said
/// by programs, too.
fn wants_html(accept: &[u8]) -> bool {
    let Ok(accept) = std::str::from_utf8(accept) else {
        return false;
    };
    let mut html = None;
    let mut best_other = 0;
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let quality = parts
            .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
            .map_or(Some(1_000), thousandths);
        let quality = quality.unwrap_or(0);
        match kind.to_ascii_lowercase().as_str() {
            "text/html" | "application/xhtml+xml" => html = html.max(Some(quality)),
            "application/json" | "text/event-stream" => best_other = best_other.max(quality),
            _ => {}
        }
    }
    html.is_some_and(|html| html > 0 && html >= best_other)
}

/// A quality value (RFC 9110 12.4.2) in thousandths.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    if rest.len() > 3 || !rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part: u16 = format!("{rest:0<3}").parse().ok()?;
    match whole {
        "0" => Some(part),
        "1" if part == 0 => Some(1_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn reader(method: &Method, fields: &[(&'static str, &'static str)]) -> Reader {
        let fields = fields.iter().map(|&(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        Reader::of(method, &fields.collect())
    }

    #[test]
    fn only_what_somebody_looks_at_is_a_page() {
        const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        let pages: [&[(&str, &str)]; 4] = [
            &[HTML],
            &[
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "document"),
            ],
            &[("sec-fetch-mode", "navigate")],
            &[("accept", "application/json;q=0.5, text/html;q=0.9")],
        ];
        for fields in pages {
            assert_eq!(reader(&Method::GET, fields), Reader::Page, "{fields:?}");
            assert_eq!(reader(&Method::HEAD, fields), Reader::Page, "{fields:?}");
            for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
                assert_eq!(reader(&method, fields), Reader::Program, "{fields:?}");
            }
        }
        let programs: [&[(&str, &str)]; 11] = [
            &[],
            &[("accept", "*/*")],
            &[("accept", "application/json")],
            &[("accept", "application/json, text/html;q=0.9")],
            &[("accept", "text/html;q=0")],
            &[("accept", "text/event-stream")],
            &[HTML, ("sec-fetch-mode", "cors")],
            &[HTML, ("sec-fetch-mode", "websocket")],
            &[HTML, ("x-requested-with", "XMLHttpRequest")],
            &[HTML, ("authorization", "Bearer x")],
            &[("content-type", "application/grpc+proto"), HTML],
        ];
        for fields in programs {
            assert_eq!(reader(&Method::GET, fields), Reader::Program, "{fields:?}");
        }
    }

    #[test]
    fn a_quality_is_one_number_up_to_one() {
        for (text, value) in [
            ("1", Some(1_000)),
            ("0.5", Some(500)),
            ("0.05", Some(50)),
            ("1.000", Some(1_000)),
            ("0", Some(0)),
        ] {
            assert_eq!(thousandths(text), value, "{text}");
        }
        for text in ["", "2", "1.1", "0.1234", "0.x", "-1", "+0.5", ".5"] {
            assert_eq!(thousandths(text), None, "{text}");
        }
    }
}
