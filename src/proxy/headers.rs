//! Which header fields go no further than us.
//!
//! Three kinds never reach the other side: those that speak of one connection
//! (RFC 9110 7.6.1), those that only we may set because the application
//! believes them (the caller's identity), and those by which a caller could
//! talk the application into another method or path than the one that was
//! authorized. Removing comes before setting, so that whatever carries such a
//! name on the other side is ours.

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;

use crate::http1::tokens;

/// What a field is to a proxy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// `Connection`: names further fields to remove.
    Connection,
    /// `Content-Length`: framing is ours, made anew for the next hop.
    ContentLength,
    /// `Cookie`: HTTP/2 may have cut it into crumbs.
    Cookie,
    /// The caller's business with the application.
    EndToEnd,
    /// `Expect`: answered by us.
    Expect,
    /// `Host`: part of the canonical request.
    Host,
    /// Goes no further, and nothing else follows from it.
    Remove,
    /// `TE`: tells whether the caller takes trailers.
    Te,
    /// `Transfer-Encoding`: framing is ours.
    TransferEncoding,
    /// `_` in the name: CGI-like servers read it as `-`, so it may be any of the others in disguise.
    Underscore,
    /// `Upgrade`: a wish to leave HTTP.
    Upgrade,
}

/// The kind of the field `name`.
pub(super) fn kind(name: &HeaderName) -> Kind {
    match name.as_str() {
        "connection" => Kind::Connection,
        "content-length" => Kind::ContentLength,
        "cookie" => Kind::Cookie,
        "expect" => Kind::Expect,
        "host" => Kind::Host,
        "te" => Kind::Te,
        "transfer-encoding" => Kind::TransferEncoding,
        "upgrade" => Kind::Upgrade,
        "http2-settings"
        | "keep-alive"
        | "proxy-authenticate"
        | "proxy-authorization"
        | "proxy-connection"
        | "trailer" => Kind::Remove,
        // Signed: whoever believes it has checked it. An edge makes its own.
        ASSERTION => Kind::EndToEnd,
        text if text.bytes().any(|byte| byte == b'_') => Kind::Underscore,
        text if is_identity(text) || is_confusing(text) => Kind::Remove,
        _ => Kind::EndToEnd,
    }
}

/// What `headers` take in HTTP/1, in bytes: each with a colon, a space and a
/// line's end.
pub(super) fn bytes(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum()
}

/// The field names that a `Connection` field lists.
pub(super) fn listed_names(value: &HeaderValue) -> impl Iterator<Item = HeaderName> + '_ {
    tokens(value.as_bytes()).filter_map(|token| HeaderName::from_bytes(token).ok())
}

/// Whether a comma-separated `value` has `token`, in any case.
pub(super) fn has_token(value: &HeaderValue, token: &str) -> bool {
    tokens(value.as_bytes()).any(|part| part.eq_ignore_ascii_case(token.as_bytes()))
}

/// Whether an `Upgrade` field's `value` offers some HTTP, such as `h2c`,
/// `h2c-14`, `HTTP/2.0` or anything that a sloppy reader could take for one.
///
/// Requests on such a connection would be nobody's to decide on.
pub(super) fn is_http(value: &HeaderValue) -> bool {
    value
        .as_bytes()
        .split(|byte| !byte.is_ascii_alphanumeric())
        .any(|word| {
            let word = word.to_ascii_lowercase();
            word.starts_with(b"h2") || word.starts_with(b"h3") || word.starts_with(b"http")
        })
}

/// The trailers that may cross us: gRPC's outcome, and nothing that a server
/// could merge into the headers (RFC 9110 6.5.1).
pub(super) fn clean_trailers(trailers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::new();
    for name in ["grpc-status", "grpc-message", "grpc-status-details-bin"] {
        if let Some(value) = trailers.get(name) {
            kept.insert(HeaderName::from_static(name), value.clone());
        }
    }
    kept
}

/// What an edge says of a person, wherever it has to pass.
pub(super) const ASSERTION: &str = "x-portreeve-assertion";

/// `x-forwarded-client-cert` and everything under `x-portreeve-`, also where
/// dots stand for dashes (some frameworks fold them).
fn is_identity(name: &str) -> bool {
    let Some(rest) = strip_folded(name, "x-") else {
        return false;
    };
    strip_folded(rest, "portreeve-").is_some()
        || strip_folded(rest, "forwarded-client-cert") == Some("")
}

/// Strips `prefix` from `name`, where `.` counts as `-`.
fn strip_folded<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = name.split_at_checked(prefix.len())?;
    let same = head
        .bytes()
        .zip(prefix.bytes())
        .all(|(found, wanted)| found == wanted || (found == b'.' && wanted == b'-'));
    same.then_some(rest)
}

/// Fields by which applications let a caller replace what was authorized.
fn is_confusing(name: &str) -> bool {
    matches!(
        name,
        "forwarded"
            | "x-envoy-original-path"
            | "x-forwarded-host"
            | "x-forwarded-method"
            | "x-forwarded-path"
            | "x-forwarded-port"
            | "x-forwarded-prefix"
            | "x-forwarded-proto"
            | "x-forwarded-scheme"
            | "x-forwarded-server"
            | "x-forwarded-ssl"
            | "x-forwarded-uri"
            | "x-host"
            | "x-http-host-override"
            | "x-http-method"
            | "x-http-method-override"
            | "x-method-override"
            | "x-original-host"
            | "x-original-method"
            | "x-original-uri"
            | "x-original-url"
            | "x-rewrite-url"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(name: &str) -> Kind {
        kind(&HeaderName::from_bytes(name.as_bytes()).unwrap())
    }

    #[test]
    fn every_spelling_of_an_identity_field_is_removed() {
        for name in [
            "X-Forwarded-Client-Cert",
            "x.forwarded.client.cert",
            "x-forwarded.client-cert",
            "x-portreeve-caller",
            "X.Portreeve.Caller",
            "x-portreeve-anything-else",
            "x.portreeve-assertion",
            "x-portreeve-assertions",
        ] {
            assert_eq!(kind_of(name), Kind::Remove, "{name}");
        }
        for name in [
            "X_Forwarded_Client_Cert",
            "x-portreeve_caller",
            "content_length",
        ] {
            assert_eq!(kind_of(name), Kind::Underscore, "{name}");
        }
        for name in [
            "x-forwarded-for",
            "x-forwarded-client-certificate",
            "x-port",
            "x-portreeve-assertion",
            "accept",
            "traceparent",
        ] {
            assert_eq!(kind_of(name), Kind::EndToEnd, "{name}");
        }
    }

    #[test]
    fn no_field_may_replace_what_was_authorized() {
        for name in [
            "Forwarded",
            "X-Envoy-Original-Path",
            "X-Forwarded-Path",
            "X-Forwarded-Scheme",
            "X-Host",
            "X-HTTP-Method-Override",
            "X-Original-Method",
            "X-Original-URI",
            "X-Rewrite-URL",
        ] {
            assert_eq!(kind_of(name), Kind::Remove, "{name}");
        }
    }

    #[test]
    fn no_upgrade_leads_to_requests_that_nobody_decides_on() {
        for value in [
            "h2c",
            "H2C",
            "h2c-14",
            "h2;q=1",
            "\"h2c\"",
            "HTTP/2.0",
            "HTTP/1.1",
            "websocket, h2c",
            "websocket,\th2c",
        ] {
            assert!(is_http(&HeaderValue::from_static(value)), "{value}");
        }
        for value in ["websocket", "tcp", "SPDY/3.1", "TLS/1.0", "myh2"] {
            assert!(!is_http(&HeaderValue::from_static(value)), "{value}");
        }
    }

    #[test]
    fn only_the_outcome_of_a_call_survives_as_a_trailer() {
        let mut trailers = HeaderMap::new();
        for name in [
            "grpc-status",
            "grpc-message",
            "host",
            "content-length",
            "x-portreeve-caller",
            "authorization",
        ] {
            trailers.insert(HeaderName::from_static(name), HeaderValue::from_static("1"));
        }
        let mut left: Vec<_> = clean_trailers(&trailers)
            .keys()
            .map(|name| name.to_string())
            .collect();
        left.sort_unstable();
        assert_eq!(left, ["grpc-message", "grpc-status"]);
    }
}
