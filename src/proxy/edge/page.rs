//! What the edge itself has to say.

use std::borrow::Cow;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::StatusCode;
use http::header;

use crate::audit::Origin;

/// An answer of our own, whole.
#[derive(Clone, Debug)]
pub struct Page {
    pub(in crate::proxy) body: Bytes,
    pub(in crate::proxy) headers: HeaderMap,
    /// What the record says of it.
    pub(in crate::proxy) note: Note,
    pub(in crate::proxy) status: StatusCode,
}

/// What a record says of an answer of our own.
#[derive(Clone, Debug, Default)]
pub(in crate::proxy) struct Note {
    /// Whether it did what was asked.
    pub(in crate::proxy) is_done: bool,
    /// Who it was, where that came out by the request.
    pub(in crate::proxy) origin: Option<Origin>,
    /// What was done, or why not: a stable code in `snake_case`.
    pub(in crate::proxy) reason: Option<&'static str>,
}

impl Page {
    /// One that did what was asked, which is `reason`.
    pub(in crate::proxy) fn done(status: StatusCode, reason: Option<&'static str>) -> Self {
        Self::new(
            status,
            Note {
                is_done: true,
                origin: None,
                reason,
            },
        )
    }

    /// One that did not, for this `reason`.
    pub(in crate::proxy) fn refused(status: StatusCode, reason: &'static str) -> Self {
        Self::new(
            status,
            Note {
                is_done: false,
                origin: None,
                reason: Some(reason),
            },
        )
    }

    fn new(status: StatusCode, note: Note) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(
            "x-content-type-options",
            HeaderValue::from_static("nosniff"),
        );
        // Not `no-referrer`: a browser would send our own forms with `Origin: null`.
        headers.insert(
            header::REFERRER_POLICY,
            HeaderValue::from_static("same-origin"),
        );
        Self {
            body: Bytes::new(),
            headers,
            note,
            status,
        }
    }

    /// With HTML for it, under a policy that lets it do nothing but look and be sent.
    pub(in crate::proxy) fn html(mut self, text: String) -> Self {
        self.body = Bytes::from(text);
        self.with(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        )
        .with(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        )
        .with(
            HeaderName::from_static("cross-origin-opener-policy"),
            HeaderValue::from_static("same-origin"),
        )
        .with(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"))
    }

    /// With `body` of this kind.
    pub(in crate::proxy) fn of(
        mut self,
        kind: &'static str,
        body: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.body = match body.into() {
            Cow::Borrowed(text) => Bytes::from_static(text.as_bytes()),
            Cow::Owned(text) => Bytes::from(text),
        };
        self.with(header::CONTENT_TYPE, HeaderValue::from_static(kind))
    }

    /// With one more field.
    pub(in crate::proxy) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Which sends a browser on to `place`: a URL in ASCII.
    pub(in crate::proxy) fn leading_to(self, place: &str) -> Self {
        match HeaderValue::from_str(place) {
            Ok(place) => self.with(header::LOCATION, place),
            // Nothing that we make.
            Err(_no_field) => Self {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                ..self
            },
        }
    }

    /// Which sets a cookie, or several.
    pub(in crate::proxy) fn setting(mut self, cookie: &str) -> Self {
        if let Ok(cookie) = HeaderValue::from_str(cookie) {
            self.headers.append(header::SET_COOKIE, cookie);
        }
        self
    }

    /// Which turned out to be for somebody.
    pub(in crate::proxy) fn by(mut self, origin: Origin) -> Self {
        self.note.origin = Some(origin);
        self
    }
}

/// Nothing but our own style sheet, and forms to ourselves.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
