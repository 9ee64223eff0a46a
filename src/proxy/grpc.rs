//! What must be known of gRPC to end a call so that its caller understands.

use http::HeaderMap;
use http::HeaderValue;
use http::header;

use crate::proxy::live::PERMIT_WITHDRAWN;

/// Whether a message with these `headers` is one of gRPC over HTTP/2, where
/// trailers tell the outcome. In gRPC-Web they are part of the body.
pub(super) fn is_spoken(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    let rest = kind.and_then(|kind| kind.as_bytes().strip_prefix(b"application/grpc"));
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

/// The outcome of a call that may go on no more.
pub(super) fn permission_denied() -> HeaderMap {
    let mut trailers = HeaderMap::with_capacity(2);
    trailers.insert("grpc-status", HeaderValue::from_static("7"));
    trailers.insert("grpc-message", HeaderValue::from_static(PERMIT_WITHDRAWN));
    trailers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_calls_whose_outcome_is_in_trailers_count() {
        for (kind, is_so) in [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc;charset=utf-8", true),
            ("application/grpc-web", false),
            ("application/grpc-web+proto", false),
            ("text/plain", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
            assert_eq!(is_spoken(&headers), is_so, "{kind}");
        }
        assert!(!is_spoken(&HeaderMap::new()));
    }
}
