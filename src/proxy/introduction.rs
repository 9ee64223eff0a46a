//! The fields that tell the other side who calls.
//!
//! They are the same for all requests of a connection, so they are written
//! once. Whatever a caller sends under these names was removed before they are
//! added (see `headers`).

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;

use crate::http1::text;

/// Fields of ours.
#[derive(Debug, Default)]
pub(super) struct Introduction {
    fields: Vec<(HeaderName, HeaderValue)>,
    /// The same, as HTTP/1 has them.
    text: Vec<u8>,
}

impl FromIterator<(HeaderName, HeaderValue)> for Introduction {
    fn from_iter<I: IntoIterator<Item = (HeaderName, HeaderValue)>>(fields: I) -> Self {
        let fields: Vec<_> = fields.into_iter().collect();
        let mut written = Vec::new();
        for (name, value) in &fields {
            text::field(&mut written, name, value.as_bytes());
        }
        Self {
            fields,
            text: written,
        }
    }
}

impl Introduction {
    /// As HTTP/1 has them.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    pub(super) fn insert_into(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.fields {
            headers.insert(name.clone(), value.clone());
        }
    }
}
