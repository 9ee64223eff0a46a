//! The head of a response.

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::StatusCode;
use http::Version;
use http::header;

use crate::http1::decoder::Decoder;
use crate::http1::fields::Coding;
use crate::http1::fields::Length;
use crate::http1::fields::Persistence;
use crate::http1::fields::tokens;
use crate::http1::head::Head;
use crate::http1::head::HeadError;
use crate::http1::head::field_of;
use crate::http1::head::with_room;

/// A response's head. What it says of its own connection is left out of the
/// fields: it goes no further (RFC 9110 7.6.1).
#[derive(Debug)]
pub struct ResponseHead {
    /// End-to-end fields only.
    pub headers: HeaderMap,
    /// The status.
    pub status: StatusCode,
    /// What the connection changes to, if the status says that it does.
    pub upgrade: Option<HeaderValue>,
    coding: Coding,
    length: Length,
    persistence: Persistence,
    version: Version,
}

impl ResponseHead {
    /// Reads `head`, which has at most `fields` fields.
    ///
    /// # Errors
    ///
    /// [`HeadError`] says what is malformed.
    pub fn read(head: &Head, fields: usize) -> Result<Self, HeadError> {
        let Head(text) = head;
        with_room(fields, |room| {
            let mut parsed = httparse::Response::new(&mut []);
            let status = httparse::ParserConfig::default().parse_response_with_uninit_headers(
                &mut parsed,
                text,
                room,
            )?;
            if status != httparse::Status::Complete(text.len()) {
                return Err(HeadError::BadFirstLine);
            }
            let code = parsed.code.ok_or(HeadError::BadFirstLine)?;
            let mut response = Self {
                headers: HeaderMap::with_capacity(parsed.headers.len()),
                status: StatusCode::from_u16(code).map_err(|_bad_code| HeadError::BadFirstLine)?,
                upgrade: None,
                coding: Coding::None,
                length: Length::None,
                persistence: Persistence::Unsaid,
                version: match parsed.version {
                    Some(0) => Version::HTTP_10,
                    _ => Version::HTTP_11,
                },
            };
            let mut listed = Vec::new();
            for field in &*parsed.headers {
                response.take(text, field, &mut listed)?;
            }
            for name in listed {
                response.headers.remove(name);
            }
            Ok(response)
        })
    }

    /// Whether another response may follow on the connection.
    #[must_use]
    pub fn keeps_alive(&self) -> bool {
        self.persistence.keeps(self.version)
    }

    /// The way to the end of the body of an answer to `method`; nothing if two
    /// readers could find two ends.
    #[must_use]
    pub fn body(&self, method: &Method) -> Option<Decoder> {
        let decoder = match (self.coding, self.length) {
            (Coding::None, Length::None) => Decoder::until_close(),
            (Coding::None, Length::Bytes(bytes)) => Decoder::of(bytes),
            // HTTP/1.0 has no codings: whoever sends one there is not what it says.
            (Coding::Chunked, Length::None) if self.version == Version::HTTP_11 => {
                Decoder::chunked()
            }
            (Coding::None | Coding::Chunked | Coding::Other, _) => return None,
        };
        let is_bodiless = *method == Method::HEAD || is_bodiless(self.status);
        Some(if is_bodiless { Decoder::of(0) } else { decoder })
    }

    /// Takes one field in, and notes in `listed` which others are not to pass.
    fn take(
        &mut self,
        text: &Bytes,
        field: &httparse::Header<'_>,
        listed: &mut Vec<HeaderName>,
    ) -> Result<(), HeadError> {
        let (name, value) = field_of(text, field)?;
        // By their length most are known to be none of those below.
        if !matches!(name.as_str().len(), 2 | 7 | 10 | 14 | 16 | 17) {
            self.headers.append(name, value);
            return Ok(());
        }
        match name {
            header::CONNECTION => {
                self.persistence.read(value.as_bytes());
                listed.extend(tokens(value.as_bytes()).filter_map(listed_name));
            }
            header::CONTENT_LENGTH => {
                let is_first = self.length == Length::None;
                self.length.read(value.as_bytes());
                if is_first {
                    self.headers.append(name, value);
                }
            }
            header::TRANSFER_ENCODING => self.coding.read(value.as_bytes()),
            header::UPGRADE => self.upgrade = Some(value),
            header::TE | header::TRAILER => {}
            name if matches!(name.as_str(), "keep-alive" | "proxy-connection") => {}
            name => {
                self.headers.append(name, value);
            }
        }
        Ok(())
    }
}

/// Whether no response of `status` has a body, whatever its fields say (RFC 9112 6.3).
#[must_use]
pub fn is_bodiless(status: StatusCode) -> bool {
    status.is_informational() || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// The field that a token in `Connection` takes with it, if it may.
fn listed_name(token: &[u8]) -> Option<HeaderName> {
    let name = HeaderName::from_bytes(token).ok()?;
    let stays = matches!(name, header::CONTENT_LENGTH | header::SET_COOKIE)
        || matches!(name.as_str(), "close" | "keep-alive");
    (!stays).then_some(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<ResponseHead, HeadError> {
        ResponseHead::read(&Head(Bytes::copy_from_slice(text.as_bytes())), 8)
    }

    fn fields(head: &ResponseHead) -> Vec<String> {
        let fields = head.headers.iter();
        fields
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect()
    }

    #[test]
    fn what_concerns_one_connection_goes_no_further() {
        let head = read(
            "HTTP/1.1 200 Fine\r\nConnection: close, X-Secret, content-length, Set-Cookie\r\nKeep-Alive: timeout=5\r\n\
             x-secret: 1\r\nContent-Length: 3\r\nSet-Cookie: a=b\r\nTE: trailers\r\nProxy-Connection: close\r\n\r\n",
        )
        .unwrap();
        let mut left = fields(&head);
        left.sort();
        assert_eq!(left, ["content-length: 3", "set-cookie: a=b"]);
        assert_eq!(head.status, StatusCode::OK);
        assert!(!head.keeps_alive());
    }

    #[test]
    fn a_connection_is_kept_where_its_version_and_its_server_keep_it() {
        for (text, kept) in [
            ("HTTP/1.1 200 OK\r\n\r\n", true),
            ("HTTP/1.1 200 OK\r\nConnection: Close\r\n\r\n", false),
            ("HTTP/1.0 200 OK\r\n\r\n", false),
            ("HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\n\r\n", true),
            (
                "HTTP/1.1 200 OK\r\nconnection: keep-alive, close\r\n\r\n",
                false,
            ),
        ] {
            assert_eq!(read(text).unwrap().keeps_alive(), kept, "{text:?}");
        }
    }

    #[test]
    fn a_body_ends_in_one_place_or_is_not_read() {
        for (version, framing, is_clear) in [
            ("1.1", "", true),
            ("1.1", "content-length: 5\r\n", true),
            ("1.1", "content-length: 5\r\ncontent-length: 5\r\n", true),
            ("1.1", "content-length: 5\r\ncontent-length: 6\r\n", false),
            ("1.1", "content-length: 5, 5\r\n", false),
            ("1.1", "content-length: +5\r\n", false),
            ("1.1", "content-length:\r\n", false),
            ("1.1", "content-length: 18446744073709551616\r\n", false),
            ("1.1", "transfer-encoding: Chunked\r\n", true),
            ("1.0", "transfer-encoding: chunked\r\n", false),
            ("1.1", "transfer-encoding: chunked, chunked\r\n", false),
            (
                "1.1",
                "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
                false,
            ),
            ("1.1", "transfer-encoding: gzip\r\n", false),
            (
                "1.1",
                "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
                false,
            ),
        ] {
            let head = read(&format!("HTTP/{version} 200 OK\r\n{framing}\r\n")).unwrap();
            for method in [Method::GET, Method::HEAD] {
                assert_eq!(
                    head.body(&method).is_some(),
                    is_clear,
                    "{version} {framing:?}"
                );
            }
        }
    }

    #[test]
    fn some_responses_have_no_body_whatever_they_say() {
        for (status, method) in [
            ("200", Method::HEAD),
            ("204", Method::GET),
            ("304", Method::GET),
            ("100", Method::GET),
        ] {
            let head = read(&format!("HTTP/1.1 {status} x\r\ncontent-length: 5\r\n\r\n")).unwrap();
            assert!(head.body(&method).unwrap().is_ended(), "{status}");
            assert_eq!(fields(&head), ["content-length: 5"]);
        }
    }

    #[test]
    fn what_is_malformed_is_not_read() {
        for (text, error) in [
            ("HTTP/1.1 20 OK\r\n\r\n", HeadError::BadFirstLine),
            ("HTTP/2.0 200 OK\r\n\r\n", HeadError::BadFirstLine),
            ("HTTP/1.1 200 OK\r\na b: c\r\n\r\n", HeadError::BadField),
            ("HTTP/1.1 200 OK\r\na : c\r\n\r\n", HeadError::BadField),
            ("HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n", HeadError::BadField),
            ("HTTP/1.1 200 OK\r\na: b\0c\r\n\r\n", HeadError::BadField),
        ] {
            assert_eq!(read(text).map(|head| fields(&head)), Err(error), "{text:?}");
        }
        let nine = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(9));
        assert_eq!(
            read(&nine).map(|head| fields(&head)),
            Err(HeadError::TooManyFields)
        );
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            for start in [b"".as_slice(), b"HTTP/1.1 200 OK\r\n"] {
                let text = [start, &text, b"\r\n\r\n"].concat();
                if let Ok(head) = ResponseHead::read(&Head(text.into()), 8) {
                    drop(head.body(&Method::GET));
                }
            }
        }
    }
}
