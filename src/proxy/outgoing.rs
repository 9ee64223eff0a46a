//! The request that leaves us: what was authorized, framed anew.

use std::rc::Rc;

use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Uri;
use http::Version;
use http::header;
use http::uri::Authority;
use http::uri::PathAndQuery;
use http::uri::Scheme;
use http_body::Body as _;

use crate::http1::Framing;
use crate::http1::Outlet;
use crate::http1::text;
use crate::proxy::activity::Activity;
use crate::proxy::body::Upload;
use crate::proxy::introduction::Introduction;
use crate::proxy::upstream::UpstreamError;

/// A request on its way out. It is large, and handed on often: keep it in a box.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) activity: Rc<Activity>,
    pub(super) authority: Authority,
    pub(super) body: Upload,
    pub(super) headers: HeaderMap,
    pub(super) introduction: Rc<Introduction>,
    pub(super) method: Method,
    pub(super) path_and_query: PathAndQuery,
    /// `https` where the next hop is another sidecar, `http` for the application.
    pub(super) scheme: Scheme,
    /// Whether the caller takes trailers.
    pub(super) trailers: bool,
    pub(super) upgrade: Option<HeaderValue>,
}

impl Outgoing {
    /// In HTTP/1, as it goes over the wire: origin form, one `Host`, and the
    /// body framed anew. `memory` is used for the head.
    pub(super) fn into_http1(self: Box<Self>, memory: Vec<u8>) -> Outlet<Upload> {
        let mut out = memory;
        out.reserve(text::USUAL_BYTES);
        text::request_line(&mut out, &self.method, self.path_and_query.as_str());
        text::field(&mut out, &header::HOST, self.authority.as_str().as_bytes());
        out.extend_from_slice(self.introduction.text());
        text::fields(&mut out, &self.headers);
        if let Some(upgrade) = &self.upgrade {
            text::field(&mut out, &header::CONNECTION, b"upgrade");
            text::field(&mut out, &header::UPGRADE, upgrade.as_bytes());
        }
        let framing = match self.body.length() {
            _ if self.body.is_end_stream() => Framing::Bytes(0),
            Some(bytes) => Framing::Bytes(bytes),
            None => Framing::Chunked,
        };
        let says_length = matches!(self.method, Method::POST | Method::PUT | Method::PATCH);
        match framing {
            // RFC 9110 8.6: servers may answer 411 to what does not say that it is empty.
            Framing::Bytes(0) if self.body.is_end_stream() && !says_length => {}
            Framing::Bytes(bytes) => {
                text::number(&mut out, &header::CONTENT_LENGTH, bytes);
            }
            Framing::Chunked | Framing::UntilClose => {
                text::field(&mut out, &header::TRANSFER_ENCODING, b"chunked");
            }
        }
        out.extend_from_slice(b"\r\n");
        Outlet::new(out, framing, self.body)
    }

    /// In HTTP/2: pseudo-header fields, and the length where it is known.
    pub(super) fn into_http2(mut self: Box<Self>) -> Result<(Request<()>, Upload), UpstreamError> {
        let unwritable = |cause| UpstreamError::Unwritable { cause };
        self.introduction.insert_into(&mut self.headers);
        if self.trailers {
            self.headers
                .insert(header::TE, HeaderValue::from_static("trailers"));
        }
        // A body that is known to be empty needs no length, except where its
        // absence could mean "unknown" to the application.
        if let Some(length) = self
            .body
            .length()
            .filter(|&length| length > 0 || !self.body.is_end_stream())
        {
            self.headers
                .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme);
        parts.authority = Some(self.authority);
        parts.path_and_query = Some(self.path_and_query);
        let mut request = Request::new(());
        *request.method_mut() = self.method;
        *request.uri_mut() = Uri::from_parts(parts).map_err(|cause| unwritable(cause.into()))?;
        *request.version_mut() = Version::HTTP_2;
        *request.headers_mut() = self.headers;
        Ok((request, self.body))
    }
}
