//! The fields that both ends of a connection know by number (RFC 7541, 2.3).

use std::collections::VecDeque;

use bytes::Bytes;

/// The fixed fields, and those that the client has entered, the latest first.
#[derive(Debug)]
pub(super) struct Table {
    entries: VecDeque<(Bytes, Bytes)>,
    bytes: usize,
    room: usize,
}

impl Table {
    /// How large a client may make it: what is so without a word from us.
    pub(super) const MOST_BYTES: usize = 4096;

    pub(super) const fn new() -> Self {
        Self {
            entries: VecDeque::new(),
            bytes: 0,
            room: Self::MOST_BYTES,
        }
    }

    /// The field with this number, from 1.
    pub(super) fn get(&self, index: usize) -> Option<(Bytes, Bytes)> {
        let at = index.checked_sub(1)?;
        match FIXED.get(at) {
            Some((name, value)) => Some((
                Bytes::from_static(name.as_bytes()),
                Bytes::from_static(value.as_bytes()),
            )),
            None => self.entries.get(at - FIXED.len()).cloned(),
        }
    }

    /// Enters a field. One that is too large empties the table, which is no
    /// error.
    pub(super) fn enter(&mut self, name: Bytes, value: Bytes) {
        let size = size(&name, &value);
        self.make_room(self.room.saturating_sub(size));
        if size <= self.room {
            self.bytes += size;
            self.entries.push_front((name, value));
        }
    }

    /// Makes the table smaller or larger. `false`, and nothing else, if it would
    /// be larger than it may.
    #[must_use]
    pub(super) fn resize(&mut self, room: usize) -> bool {
        if room > Self::MOST_BYTES {
            return false;
        }
        self.room = room;
        self.make_room(room);
        true
    }

    fn make_room(&mut self, most: usize) {
        while self.bytes > most {
            let Some((name, value)) = self.entries.pop_back() else {
                return;
            };
            self.bytes = self.bytes.saturating_sub(size(&name, &value));
        }
    }
}

/// What a field counts for (RFC 7541, 4.1).
pub(super) const fn size(name: &Bytes, value: &Bytes) -> usize {
    name.len() + value.len() + 32
}

/// RFC 7541, appendix A.
#[rustfmt::skip]
pub(super) const FIXED: [(&str, &str); 61] = [
    (":authority", ""), (":method", "GET"), (":method", "POST"), (":path", "/"), (":path", "/index.html"),
    (":scheme", "http"), (":scheme", "https"), (":status", "200"), (":status", "204"), (":status", "206"),
    (":status", "304"), (":status", "400"), (":status", "404"), (":status", "500"), ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"), ("accept-language", ""), ("accept-ranges", ""), ("accept", ""),
    ("access-control-allow-origin", ""), ("age", ""), ("allow", ""), ("authorization", ""), ("cache-control", ""),
    ("content-disposition", ""), ("content-encoding", ""), ("content-language", ""), ("content-length", ""),
    ("content-location", ""), ("content-range", ""), ("content-type", ""), ("cookie", ""), ("date", ""), ("etag", ""),
    ("expect", ""), ("expires", ""), ("from", ""), ("host", ""), ("if-match", ""), ("if-modified-since", ""),
    ("if-none-match", ""), ("if-range", ""), ("if-unmodified-since", ""), ("last-modified", ""), ("link", ""),
    ("location", ""), ("max-forwards", ""), ("proxy-authenticate", ""), ("proxy-authorization", ""), ("range", ""),
    ("referer", ""), ("refresh", ""), ("retry-after", ""), ("server", ""), ("set-cookie", ""),
    ("strict-transport-security", ""), ("transfer-encoding", ""), ("user-agent", ""), ("vary", ""), ("via", ""),
    ("www-authenticate", ""),
];
