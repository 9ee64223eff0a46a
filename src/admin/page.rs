//! The window for people: a page that shows what the other paths tell.
//!
//! All of it is in the binary, in small files of plain HTML, CSS and JavaScript; the page
//! asks nobody else for anything, and the browser is told to hold it to that. What
//! callers chose is put into it as text, never as markup.

use crate::admin::answer::response;
use crate::admin::answer::whole;
use crate::admin::events::Body;
use bytes::Bytes;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header::CONTENT_SECURITY_POLICY;
use http::header::HeaderName;
use http::header::REFERRER_POLICY;
use http::header::X_FRAME_OPTIONS;

/// A part of the page.
#[derive(Debug)]
pub(super) struct File {
    path: &'static str,
    media_type: &'static str,
    text: &'static str,
}

/// The one at `path`.
pub(super) fn file(path: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.path == path)
}

pub(super) fn answer(file: &File) -> Response<Body> {
    let text = Bytes::from_static(file.text.as_bytes());
    let mut answer = response(StatusCode::OK, file.media_type, whole(text));
    let headers: [(HeaderName, &'static str); 4] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (REFERRER_POLICY, "no-referrer"),
        (X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in headers {
        answer
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    answer
}

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const SCRIPT: &str = "text/javascript; charset=utf-8";

const FILES: &[File] = &[
    File {
        path: "/",
        media_type: "text/html; charset=utf-8",
        text: include_str!("page/window.html"),
    },
    File {
        path: "/window.css",
        media_type: "text/css; charset=utf-8",
        text: concat!(
            include_str!("../proxy/edge/palette.css"),
            include_str!("page/window.css")
        ),
    },
    File {
        path: "/window.js",
        media_type: SCRIPT,
        text: include_str!("page/window.js"),
    },
    File {
        path: "/records.js",
        media_type: SCRIPT,
        text: include_str!("page/records.js"),
    },
    File {
        path: "/graph.js",
        media_type: SCRIPT,
        text: include_str!("page/graph.js"),
    },
    File {
        path: "/status.js",
        media_type: SCRIPT,
        text: include_str!("page/status.js"),
    },
];
