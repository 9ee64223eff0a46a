//! A record as one line of JSON.

use crate::audit::entry::Decision;
use crate::audit::entry::Note;
use crate::audit::entry::Record;
use crate::audit::entry::Ruling;
use crate::audit::stamp::Stamp;
use crate::audit::text;
use crate::audit::text::Done;
use crate::audit::text::Text;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;

/// The name of a field.
#[derive(Clone, Copy)]
struct Key {
    name: &'static str,
    /// The name as it stands in a line, from comma to colon.
    head: &'static [u8],
}

/// The [`Key`] of a name.
macro_rules! key {
    ($name:literal) => {
        Key {
            name: $name,
            head: concat!(",\"", $name, "\":").as_bytes(),
        }
    };
}

/// Appends `record` as one line, with its newline.
pub(super) fn append(out: &mut Vec<u8>, stamp: &mut Stamp, record: &Record) {
    out.reserve(USUAL_BYTES);
    out.extend_from_slice(br#"{"time":""#);
    stamp.append(out, record.at);
    out.extend_from_slice(br#"","id":""#);
    record.id.append_to(out);
    out.push(b'"');
    let mut line = Line {
        out,
        cut: Marks::default(),
        bytes: Marks::default(),
    };
    line.request(record);
    line.answer(record);
    line.marks();
    line.out.extend_from_slice(b"}\n");
}

/// A line that has its beginning.
struct Line<'a> {
    out: &'a mut Vec<u8>,
    /// The fields that were cut.
    cut: Marks,
    /// The fields that are not UTF-8.
    bytes: Marks,
}

impl Line<'_> {
    fn request(&mut self, record: &Record) {
        let start = &record.start;
        if let Some(trace_id) = &start.trace_id {
            self.safe(key!("trace_id"), trace_id.digits());
        }
        self.safe(key!("door"), start.door.as_str().as_bytes());
        self.text(key!("caller"), start.caller.as_ref());
        if let Some(source) = start.source {
            self.source(source);
        }
        if let Some(method) = &start.method {
            self.field(key!("method"), method.as_str().as_bytes(), MOST_BYTES);
        }
        if let Some(host) = &start.host {
            self.host(host.as_bytes());
        }
        if let Some(path) = &start.path {
            self.field(
                key!("path"),
                without_query(path.as_bytes()),
                MOST_BYTES_OF_PATH,
            );
        }
        self.text(key!("route"), record.route.as_ref());
        self.text(key!("service"), start.service.as_ref());
    }

    fn answer(&mut self, record: &Record) {
        let (ruling, end) = (record.ruling.as_ref(), record.end.as_ref());
        let decision = ruling.map_or(Decision::Refuse, |ruling| ruling.decision);
        self.safe(key!("decision"), decision.as_str().as_bytes());
        let ended = end.and_then(|end| end.reason);
        if let Some(reason) = ended.or_else(|| ruling.and_then(|ruling| ruling.reason.as_deref())) {
            self.field(key!("reason"), reason.as_bytes(), MOST_BYTES);
        }
        if let Some(ruling) = ruling {
            self.ruling(ruling);
        }
        if !record.notes.is_empty() {
            self.notes(&record.notes);
        }
        if let Some(shadow) = &record.shadow {
            let decision = shadow.decision.as_str().as_bytes();
            self.safe(key!("shadow_decision"), decision);
            self.policies(key!("shadow_policies"), &shadow.policies);
        }
        if let Some(status) = end.and_then(|end| end.status) {
            self.number(key!("status"), u64::from(status.as_u16()));
        }
        self.number(key!("bytes_in"), end.map_or(0, |end| end.bytes_in));
        self.number(key!("bytes_out"), end.map_or(0, |end| end.bytes_out));
        let micros = record.began.elapsed().as_micros();
        self.number(
            key!("duration_us"),
            u64::try_from(micros).unwrap_or(u64::MAX),
        );
        self.text(key!("protocol"), record.start.protocol.as_ref());
        self.text(key!("app_protocol"), record.app_protocol.as_ref());
        self.text(key!("upgrade"), record.upgrade.as_ref());
        if record.retries > 0 {
            self.number(key!("retries"), record.retries.into());
        }
    }

    fn ruling(&mut self, ruling: &Ruling) {
        if !ruling.policies.is_empty() {
            self.policies(key!("policies"), &ruling.policies);
        }
        if let Some(revision) = &ruling.revision {
            self.field(key!("revision"), revision.as_bytes(), MOST_BYTES);
        }
    }

    fn policies(&mut self, key: Key, policies: &[Arc<str>]) {
        self.begin(key);
        self.out.push(b'[');
        for (nth, policy) in policies.iter().take(MOST_POLICIES).enumerate() {
            if nth > 0 {
                self.out.push(b',');
            }
            let done = text::append(self.out, policy.as_bytes(), MOST_BYTES);
            self.mark(key, done);
        }
        self.out.push(b']');
        let cut = policies.len() > MOST_POLICIES;
        self.mark(key, Done { cut, bytes: false });
    }

    fn notes(&mut self, notes: &[Note]) {
        let key = key!("notes");
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
        let key = key!("host");
        let name = without_credentials(host);
        self.field(key, name, MOST_BYTES);
        let cut = name.len() < host.len();
        self.mark(key, Done { cut, bytes: false });
    }

    fn source(&mut self, source: SocketAddr) {
        self.begin(key!("source"));
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
        for (key, marks) in [(key!("cut"), self.cut), (key!("bytes"), self.bytes)] {
            let names = marks.names.into_iter().take(marks.count);
            for (nth, name) in names.enumerate() {
                if nth == 0 {
                    self.begin(key);
                }
                self.out.push(if nth == 0 { b'[' } else { b',' });
                self.quoted(name.as_bytes());
            }
            if marks.count > 0 {
                self.out.push(b']');
            }
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
            self.cut.add(key.name);
        }
        if done.bytes {
            self.bytes.add(key.name);
        }
    }
}

/// Names of fields, each once.
#[derive(Clone, Copy, Default)]
struct Marks {
    names: [&'static str; 14],
    count: usize,
}

impl Marks {
    fn add(&mut self, name: &'static str) {
        let last = self.count.checked_sub(1).and_then(|at| self.names.get(at));
        if last == Some(&name) {
            return;
        }
        if let Some(place) = self.names.get_mut(self.count) {
            *place = name;
            self.count += 1;
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
