//! The head of a response as an HTTP/1 caller gets it.

use http::StatusCode;
use http::Version;
use http::header;
use http::response::Parts;
use http_body::Body as _;

use crate::http1::Framing;
use crate::http1::RequestHead;
use crate::http1::is_bodiless;
use crate::http1::text;
use crate::proxy::download::Download;
use crate::proxy::reply::Wanted;

/// What of a request bears on how it is answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// What the caller wants to come after the answer.
    pub(super) after: After,
    version: Version,
    wanted: Wanted,
}

impl Asked {
    /// By the request that begins with `head`.
    pub(super) fn by(head: &RequestHead) -> Self {
        Self {
            after: if head.keeps_alive() {
                After::Keep
            } else {
                After::Close
            },
            version: head.version,
            wanted: Wanted::by(&head.method),
        }
    }
}

/// Whether the caller may send another request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum After {
    Close,
    Keep,
}

/// Writes `head` to `out`; how `body` is framed, and what comes after it.
pub(super) fn write(
    out: &mut Vec<u8>,
    head: &Parts,
    body: &Download,
    asked: Asked,
    mut after: After,
) -> (Framing, After) {
    text::status_line(out, head.status);
    let is_switch = head.status == StatusCode::SWITCHING_PROTOCOLS;
    let framing = framing(head, body, asked);
    let keeps_length = asked.wanted == Wanted::Head || head.status == StatusCode::NOT_MODIFIED;
    for (name, value) in &head.headers {
        let is_ours = match *name {
            header::CONTENT_LENGTH => !keeps_length,
            header::CONNECTION => !is_switch,
            _ => false,
        };
        if !is_ours {
            text::field(out, name, value.as_bytes());
        }
    }
    match framing {
        Framing::Bytes(_) if keeps_length || is_switch || head.status == StatusCode::NO_CONTENT => {
        }
        Framing::Bytes(bytes) => text::number(out, &header::CONTENT_LENGTH, bytes),
        Framing::Chunked => text::field(out, &header::TRANSFER_ENCODING, b"chunked"),
        Framing::UntilClose => after = After::Close,
    }
    let is_kept_old = after == After::Keep && asked.version == Version::HTTP_10;
    match after {
        _ if is_switch => {}
        After::Close => text::field(out, &header::CONNECTION, b"close"),
        After::Keep if is_kept_old => text::field(out, &header::CONNECTION, b"keep-alive"),
        After::Keep => {}
    }
    (framing, after)
}

/// Ends a head: RFC 9110 6.6.1 wants a date in it.
pub(super) fn finish(out: &mut Vec<u8>, head: &Parts, date: &[u8]) {
    if !head.headers.contains_key(header::DATE) {
        text::field(out, &header::DATE, date);
    }
    out.extend_from_slice(b"\r\n");
}

fn framing(head: &Parts, body: &Download, asked: Asked) -> Framing {
    if asked.wanted == Wanted::Head || is_bodiless(head.status) || body.is_end_stream() {
        return Framing::Bytes(0);
    }
    let announced = || {
        let length = head.headers.get(header::CONTENT_LENGTH)?;
        length.to_str().ok()?.parse().ok()
    };
    match body.size_hint().exact().or_else(announced) {
        Some(bytes) => Framing::Bytes(bytes),
        None if asked.version == Version::HTTP_10 => Framing::UntilClose,
        None => Framing::Chunked,
    }
}
