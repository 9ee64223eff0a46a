//! The head of a request.

use bytes::Bytes;
use http::HeaderMap;
use http::Method;
use http::Uri;
use http::Version;
use http::header;

use crate::http1::decoder::Decoder;
use crate::http1::fields::Coding;
use crate::http1::fields::Length;
use crate::http1::fields::Persistence;
use crate::http1::head::Head;
use crate::http1::head::HeadError;
use crate::http1::head::field_of;
use crate::http1::head::with_room;

/// A request's head.
#[derive(Debug)]
pub struct RequestHead {
    /// All fields, but a length beside a transfer coding, which it does not count (RFC 9112 6.3).
    pub headers: HeaderMap,
    /// The method.
    pub method: Method,
    /// The target.
    pub uri: Uri,
    /// 1.0 or 1.1.
    pub version: Version,
    coding: Coding,
    expects_continue: bool,
    length: Length,
    persistence: Persistence,
}

impl RequestHead {
    /// Reads `head`, which has at most `fields` fields.
    ///
    /// # Errors
    ///
    /// [`HeadError`] says what is malformed; the end of the body is part of it.
    pub fn read(head: &Head, fields: usize) -> Result<Self, HeadError> {
        let Head(text) = head;
        with_room(fields, |room| {
            let mut parsed = httparse::Request::new(&mut []);
            let status = parsed.parse_with_uninit_headers(text, room)?;
            if status != httparse::Status::Complete(text.len()) {
                return Err(HeadError::BadFirstLine);
            }
            let mut request = Self {
                headers: HeaderMap::with_capacity(parsed.headers.len()),
                method: method(parsed.method.unwrap_or_default())?,
                uri: target(text, parsed.path.unwrap_or_default())?,
                version: match parsed.version {
                    Some(0) => Version::HTTP_10,
                    _ => Version::HTTP_11,
                },
                coding: Coding::None,
                expects_continue: false,
                length: Length::None,
                persistence: Persistence::Unsaid,
            };
            for field in &*parsed.headers {
                request.take(text, field)?;
            }
            request.clear_up()?;
            Ok(request)
        })
    }

    /// Whether the caller may send another request after this one.
    #[must_use]
    pub fn keeps_alive(&self) -> bool {
        // Whoever frames a message in two ways, or in one that is not ours, is not followed further.
        let is_followed = self.coding != Coding::Other && !self.is_framed_twice();
        self.persistence.keeps(self.version) && is_followed
    }

    /// Whether the caller waits for a word before it sends the body.
    #[must_use]
    pub fn expects_continue(&self) -> bool {
        self.expects_continue && self.version == Version::HTTP_11 && !self.body().is_ended()
    }

    /// The way to the end of the body. One with a coding that is not ours has
    /// none: nothing that follows its head on the connection is read.
    #[must_use]
    pub fn body(&self) -> Decoder {
        match (self.coding, self.length) {
            (Coding::Chunked, _) => Decoder::chunked(),
            (_, Length::Bytes(bytes)) => Decoder::of(bytes),
            (_, Length::None | Length::Unclear) => Decoder::of(0),
        }
    }

    fn is_framed_twice(&self) -> bool {
        self.coding != Coding::None && self.length != Length::None
    }

    fn take(&mut self, text: &Bytes, field: &httparse::Header<'_>) -> Result<(), HeadError> {
        let (name, value) = field_of(text, field)?;
        match name {
            header::CONNECTION => self.persistence.read(value.as_bytes()),
            header::CONTENT_LENGTH => self.length.read(value.as_bytes()),
            header::EXPECT => {
                self.expects_continue = value.as_bytes().eq_ignore_ascii_case(b"100-continue");
            }
            header::TRANSFER_ENCODING => self.coding.read(value.as_bytes()),
            _ => {}
        }
        self.headers.append(name, value);
        Ok(())
    }

    /// Leaves one way to the end of the body, or none.
    fn clear_up(&mut self) -> Result<(), HeadError> {
        let is_unclear = match self.coding {
            Coding::None => self.length == Length::Unclear,
            // HTTP/1.0 has no codings: whoever sends one there is not what it says.
            Coding::Chunked | Coding::Other => self.version == Version::HTTP_10,
        };
        if is_unclear {
            return Err(HeadError::BadFraming);
        }
        if self.is_framed_twice() {
            self.headers.remove(header::CONTENT_LENGTH);
        }
        Ok(())
    }
}

fn method(name: &str) -> Result<Method, HeadError> {
    Method::from_bytes(name.as_bytes()).map_err(|_bad_method| HeadError::BadFirstLine)
}

fn target(text: &Bytes, target: &str) -> Result<Uri, HeadError> {
    let target = text.slice_ref(target.as_bytes());
    Uri::from_maybe_shared(target).map_err(|_bad_target| HeadError::BadFirstLine)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<RequestHead, HeadError> {
        RequestHead::read(&Head(Bytes::copy_from_slice(text.as_bytes())), 8)
    }

    #[test]
    fn the_first_line_is_taken_as_it_is() {
        let head = read("GET http://a/b?c HTTP/1.0\r\nHost: a\r\n\r\n").unwrap();
        assert_eq!(head.method, Method::GET);
        assert_eq!(head.uri, "http://a/b?c");
        assert_eq!(head.version, Version::HTTP_10);
        for line in [
            "GET /",
            "GET  / HTTP/1.1",
            "GET / HTTP/2.0",
            "GET /a b HTTP/1.1",
            "G\u{7f} / HTTP/1.1",
        ] {
            assert!(read(&format!("{line}\r\n\r\n")).is_err(), "{line}");
        }
    }

    #[test]
    fn a_connection_is_kept_where_its_version_and_its_caller_keep_it() {
        for (version, fields, kept) in [
            ("1.1", "", true),
            ("1.1", "connection: x, Close\r\n", false),
            ("1.0", "", false),
            ("1.0", "connection: Keep-Alive\r\n", true),
            (
                "1.1",
                "transfer-encoding: chunked\r\ncontent-length: 1\r\n",
                false,
            ),
            ("1.1", "transfer-encoding: chunked, chunked\r\n", false),
            (
                "1.1",
                "transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n",
                false,
            ),
            ("1.1", "transfer-encoding: gzip\r\n", false),
        ] {
            let head = read(&format!("GET / HTTP/{version}\r\n{fields}\r\n")).unwrap();
            assert_eq!(head.keeps_alive(), kept, "{version} {fields:?}");
        }
    }

    #[test]
    fn a_body_ends_in_one_place_or_is_not_read() {
        for (version, framing, left) in [
            ("1.1", "", Some(Some(0))),
            ("1.1", "content-length: 5\r\n", Some(Some(5))),
            (
                "1.1",
                "content-length: 5\r\ncontent-length: 5\r\n",
                Some(Some(5)),
            ),
            ("1.1", "content-length: 5\r\ncontent-length: 6\r\n", None),
            ("1.1", "content-length: 5, 5\r\n", None),
            ("1.1", "content-length: -5\r\n", None),
            ("1.1", "transfer-encoding: CHUNKED\r\n", Some(None)),
            (
                "1.1",
                "transfer-encoding: chunked\r\ncontent-length: 6\r\n",
                Some(None),
            ),
            ("1.0", "transfer-encoding: chunked\r\n", None),
            ("1.0", "transfer-encoding: gzip\r\n", None),
        ] {
            let head = read(&format!("POST / HTTP/{version}\r\n{framing}\r\n"));
            assert_eq!(
                head.map(|head| head.body().left()).ok(),
                left,
                "{version} {framing:?}"
            );
        }
    }

    #[test]
    fn a_word_is_waited_for_only_before_a_body() {
        for (fields, waits) in [
            ("expect: 100-Continue\r\ncontent-length: 1\r\n", true),
            ("expect: 100-continue\r\n", false),
            ("content-length: 1\r\n", false),
        ] {
            let head = read(&format!("POST / HTTP/1.1\r\n{fields}\r\n")).unwrap();
            assert_eq!(head.expects_continue(), waits, "{fields:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            for start in [b"".as_slice(), b"GET / HTTP/1.1\r\n"] {
                let text = [start, &text, b"\r\n\r\n"].concat();
                if let Ok(head) = RequestHead::read(&Head(text.into()), 8) {
                    drop(head.body());
                }
            }
        }
    }
}
