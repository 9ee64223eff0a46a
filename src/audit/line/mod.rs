//! A record as one line of JSON.

use crate::audit::entry::Decision;
use crate::audit::entry::Door;
use crate::audit::entry::Note;
use crate::audit::entry::Record;
use crate::audit::entry::Ruling;
use crate::audit::entry::Withdrawn;
use crate::audit::line::key::Key;
use crate::audit::line::key::Marks;
use crate::audit::stamp::Stamp;
use crate::audit::text;
use crate::audit::text::Done;
use crate::audit::text::Text;
use std::net::IpAddr;
use std::net::SocketAddr;

mod key;

/// A part of a line that many lines have in common.
#[derive(Debug)]
pub(super) struct Piece {
    text: Box<[u8]>,
    cut: Marks,
    bytes: Marks,
}

/// What the lines of one connection say of it.
pub(super) fn origin(
    door: Door,
    (caller, session): (Option<&Text>, Option<&Text>),
    source: Option<SocketAddr>,
) -> Piece {
    piece(|line| {
        line.safe(key::DOOR, door.as_str().as_bytes());
        line.text(key::CALLER, caller);
        line.text(key::SESSION, session);
        if let Some(source) = source {
            line.source(source);
        }
    })
}

/// What lines say of the policies that decided.
pub(super) fn grounds(policies: &[&str], revision: &str) -> Piece {
    piece(|line| {
        if !policies.is_empty() {
            line.policies(key::POLICIES, policies);
        }
        line.field(key::REVISION, revision.as_bytes(), MOST_BYTES);
    })
}

fn piece(write: impl FnOnce(&mut Line<'_>)) -> Piece {
    let mut out = Vec::new();
    let mut line = Line::new(&mut out);
    write(&mut line);
    let Line { cut, bytes, .. } = line;
    Piece {
        text: out.into(),
        cut,
        bytes,
    }
}

/// Appends `record` as one line, with its newline.
pub(super) fn append(out: &mut Vec<u8>, stamp: &mut Stamp, record: &Record) {
    out.reserve(USUAL_BYTES);
    out.extend_from_slice(br#"{"time":""#);
    stamp.append(out, record.at);
    out.extend_from_slice(br#"","id":""#);
    record.id.append_to(out);
    out.push(b'"');
    let mut line = Line::new(out);
    line.request(record);
    line.answer(record);
    line.marks();
    line.out.extend_from_slice(b"}\n");
}

/// A line in the making, or a part of one.
struct Line<'a> {
    out: &'a mut Vec<u8>,
    /// The fields that were cut.
    cut: Marks,
    /// The fields that are not UTF-8.
    bytes: Marks,
}

impl<'a> Line<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        Self {
            out,
            cut: Marks::default(),
            bytes: Marks::default(),
        }
    }

    fn request(&mut self, record: &Record) {
        let start = &record.start;
        if let Some(trace_id) = &start.trace_id {
            self.safe(key::TRACE_ID, trace_id.digits());
        }
        self.piece(start.origin.piece());
        if let Some(method) = &start.method {
            self.field(key::METHOD, method.as_str().as_bytes(), MOST_BYTES);
        }
        if let Some(host) = &start.host {
            self.host(host.as_bytes());
        }
        if let Some(path) = &start.path {
            self.field(
                key::PATH,
                without_query(path.as_bytes()),
                MOST_BYTES_OF_PATH,
            );
        }
        self.text(key::ROUTE, record.route.as_ref());
        self.text(key::SERVICE, start.service.as_ref());
    }

    fn answer(&mut self, record: &Record) {
        let (ruling, end) = (record.ruling.as_ref(), record.end.as_ref());
        let decision = ruling.map_or(Decision::Refuse, |ruling| ruling.decision);
        self.safe(key::DECISION, decision.as_str().as_bytes());
        let ended = end.and_then(|end| end.reason);
        if let Some(reason) = ended.or_else(|| ruling.and_then(|ruling| ruling.reason.as_deref())) {
            self.field(key::REASON, reason.as_bytes(), MOST_BYTES);
        }
        if let Some(ruling) = ruling {
            self.ruling(ruling);
        }
        if let Some(status) = end.and_then(|end| end.status) {
            self.number(key::STATUS, u64::from(status.as_u16()));
        }
        self.number(key::BYTES_IN, end.map_or(0, |end| end.bytes_in));
        self.number(key::BYTES_OUT, end.map_or(0, |end| end.bytes_out));
        let micros = record.took.unwrap_or_default().as_micros();
        self.number(key::DURATION, u64::try_from(micros).unwrap_or(u64::MAX));
        self.text(key::PROTOCOL, record.start.protocol.as_ref());
        self.text(key::APP_PROTOCOL, record.app_protocol.as_ref());
        self.text(key::UPGRADE, record.upgrade.as_ref());
        if record.retries > 0 {
            self.number(key::RETRIES, record.retries.into());
        }
        if let Some(withdrawn) = &record.withdrawn {
            self.withdrawn(withdrawn);
        }
    }

    fn ruling(&mut self, ruling: &Ruling) {
        if let Some(grounds) = &ruling.grounds {
            self.piece(grounds.piece());
        }
        if !ruling.notes.is_empty() {
            self.notes(&ruling.notes);
        }
        if let Some(shadow) = &ruling.shadow {
            let decision = shadow.decision.as_str().as_bytes();
            self.safe(key::SHADOW_DECISION, decision);
            self.policies(key::SHADOW_POLICIES, &shadow.policies);
        }
    }

    fn withdrawn(&mut self, withdrawn: &Withdrawn) {
        self.safe(key::WITHDRAWN_REASON, withdrawn.reason.as_bytes());
        self.policies(key::WITHDRAWN_POLICIES, &withdrawn.policies);
        let revision = withdrawn.revision.as_bytes();
        self.field(key::WITHDRAWN_REVISION, revision, MOST_BYTES);
        // A yes has none of its own.
        if !withdrawn.notes.is_empty() {
            self.notes(&withdrawn.notes);
        }
    }

    fn piece(&mut self, piece: &Piece) {
        self.out.extend_from_slice(&piece.text);
        self.cut.all(piece.cut);
        self.bytes.all(piece.bytes);
    }

    fn policies<T: AsRef<str>>(&mut self, key: Key, policies: &[T]) {
        let cut = policies.len() > MOST_POLICIES;
        self.begin(key);
        self.out.push(b'[');
        for (nth, policy) in policies.iter().take(MOST_POLICIES).enumerate() {
            if nth > 0 {
                self.out.push(b',');
            }
            let done = text::append(self.out, policy.as_ref().as_bytes(), MOST_BYTES);
            self.mark(key, done);
        }
        self.out.push(b']');
        self.mark(key, Done { cut, bytes: false });
    }

    fn notes(&mut self, notes: &[Note]) {
        let key = key::NOTES;
        self.begin(key);
        for (nth, note) in notes.iter().take(MOST_POLICIES).enumerate() {
            let opening: &[u8] = if nth == 0 { b"[{\"id\":" } else { b",{\"id\":" };
            self.out.extend_from_slice(opening);
            let done = text::append(self.out, note.policy.as_bytes(), MOST_BYTES);
            self.mark(key, done);
            let said: [(&[u8], _); 3] = [
                (b",\"reason\":", &note.reason),
                (b",\"owner\":", &note.owner),
                (b",\"advice\":", &note.advice),
            ];
            for (name, value) in said {
                if let Some(value) = value {
                    self.out.extend_from_slice(name);
                    let done = text::append(self.out, value.as_bytes(), MOST_BYTES);
                    self.mark(key, done);
                }
            }
            self.out.push(b'}');
        }
        self.out.push(b']');
        let cut = notes.len() > MOST_POLICIES;
        self.mark(key, Done { cut, bytes: false });
    }

    fn host(&mut self, host: &[u8]) {
        let name = without_credentials(host);
        self.field(key::HOST, name, MOST_BYTES);
        let cut = name.len() < host.len();
        self.mark(key::HOST, Done { cut, bytes: false });
    }

    fn source(&mut self, source: SocketAddr) {
        self.begin(key::SOURCE);
        self.out.push(b'"');
        match source.ip() {
            IpAddr::V4(address) => {
                for (nth, octet) in address.octets().into_iter().enumerate() {
                    if nth > 0 {
                        self.out.push(b'.');
                    }
                    decimal(self.out, u64::from(octet));
                }
            }
            IpAddr::V6(address) => {
                self.out.push(b'[');
                self.out.extend_from_slice(address.to_string().as_bytes());
                self.out.push(b']');
            }
        }
        self.out.push(b':');
        decimal(self.out, u64::from(source.port()));
        self.out.push(b'"');
    }

    fn marks(&mut self) {
        for (key, marks) in [(key::CUT, self.cut), (key::BYTES, self.bytes)] {
            if marks == Marks::default() {
                continue;
            }
            self.begin(key);
            for (nth, name) in marks.names().enumerate() {
                self.out.push(if nth == 0 { b'[' } else { b',' });
                self.quoted(name.as_bytes());
            }
            self.out.push(b']');
        }
    }

    fn text(&mut self, key: Key, value: Option<&Text>) {
        if let Some(value) = value {
            self.field(key, value.as_bytes(), MOST_BYTES);
        }
    }

    fn field(&mut self, key: Key, value: &[u8], most_bytes: usize) {
        self.begin(key);
        let done = text::append(self.out, value, most_bytes);
        self.mark(key, done);
    }

    /// A value of which every byte is known to need no escape.
    fn safe(&mut self, key: Key, value: &[u8]) {
        self.begin(key);
        self.quoted(value);
    }

    fn number(&mut self, key: Key, value: u64) {
        self.begin(key);
        decimal(self.out, value);
    }

    fn begin(&mut self, key: Key) {
        self.out.extend_from_slice(key.head);
    }

    fn quoted(&mut self, safe: &[u8]) {
        self.out.push(b'"');
        self.out.extend_from_slice(safe);
        self.out.push(b'"');
    }

    fn mark(&mut self, key: Key, done: Done) {
        if done.cut {
            self.cut.add(key);
        }
        if done.bytes {
            self.bytes.add(key);
        }
    }
}

/// More than most lines have.
const USUAL_BYTES: usize = 1_024;

/// Long enough for any SPIFFE ID in use, any host name and any policy's name.
const MOST_BYTES: usize = 512;

/// Long enough for any path that people write.
const MOST_BYTES_OF_PATH: usize = 2_048;

/// More policies than this are not read one by one.
const MOST_POLICIES: usize = 16;

fn without_credentials(host: &[u8]) -> &[u8] {
    host.rsplit(|byte| *byte == b'@').next().unwrap_or(host)
}

fn without_query(path: &[u8]) -> &[u8] {
    path.split(|byte| *byte == b'?').next().unwrap_or(path)
}

/// Appends `number` in decimal.
fn decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [b'0'; 20];
    let mut start = digits.len();
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        *digit += u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        start = at;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(start..).unwrap_or_default());
}

#[cfg(test)]
mod tests;
