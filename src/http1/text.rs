//! Heads as they go over the wire.

use http::HeaderMap;
use http::HeaderName;
use http::Method;
use http::StatusCode;

/// Writes a request's first line. An empty path is sent as `/` (RFC 9112 3.2.1).
pub fn request_line(text: &mut Vec<u8>, method: &Method, target: &str) {
    let slash = if target.starts_with('/') { "" } else { "/" };
    for part in [method.as_str(), " ", slash, target, " HTTP/1.1\r\n"] {
        text.extend_from_slice(part.as_bytes());
    }
}

/// Writes a response's first line.
pub fn status_line(text: &mut Vec<u8>, status: StatusCode) {
    let reason = status.canonical_reason().unwrap_or_default();
    for part in ["HTTP/1.1 ", status.as_str(), " ", reason, "\r\n"] {
        text.extend_from_slice(part.as_bytes());
    }
}

/// Writes one field.
pub fn field(text: &mut Vec<u8>, name: &HeaderName, value: &[u8]) {
    text.extend_from_slice(name.as_str().as_bytes());
    text.extend_from_slice(b": ");
    text.extend_from_slice(value);
    text.extend_from_slice(b"\r\n");
}

/// Writes one field whose value is a number.
pub fn number(text: &mut Vec<u8>, name: &HeaderName, value: u64) {
    field(text, name, itoa::Buffer::new().format(value).as_bytes());
}

/// Writes all `headers`.
pub fn fields(text: &mut Vec<u8>, headers: &HeaderMap) {
    for (name, value) in headers {
        field(text, name, value.as_bytes());
    }
}
