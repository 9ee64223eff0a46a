//! The record of a deed that is no request: a certificate issued, a key rotated.

use crate::audit::entry::Decision;
use crate::audit::request_id::RequestId;
use crate::audit::shard::Room;
use crate::audit::stamp::Stamp;
use crate::audit::text;
use crate::audit::text::Text;
use std::time::SystemTime;

/// A deed under way. It holds its room in the log; dropped without an end, it
/// is recorded as refused, with the reason `abandoned`.
#[derive(Debug)]
pub struct Event {
    room: Room,
    at: SystemTime,
    id: RequestId,
    name: &'static str,
    facts: Vec<(&'static str, Text)>,
}

impl Event {
    pub(super) const fn begin(
        room: Room,
        id: RequestId,
        at: SystemTime,
        name: &'static str,
    ) -> Self {
        Self {
            room,
            at,
            id,
            name,
            facts: Vec::new(),
        }
    }

    /// The record's name.
    #[must_use]
    pub const fn id(&self) -> RequestId {
        self.id
    }

    /// Adds a field. `name` is in `snake_case`, and none that every record has.
    pub fn fact(&mut self, name: &'static str, value: impl Into<Text>) {
        self.facts.push((name, value.into()));
    }

    /// Writes the record.
    pub fn end(mut self, decision: Decision, reason: Option<&str>) {
        self.write(decision, reason);
    }

    fn write(&mut self, decision: Decision, reason: Option<&str>) {
        let Self {
            room,
            at,
            id,
            name,
            facts,
        } = self;
        room.fill(|out, stamp| {
            let mut line = Line::begin(out, stamp, *at, *id);
            line.field("event", &Text::Static(name));
            line.field("decision", &Text::Static(decision.as_str()));
            if let Some(reason) = reason {
                line.field("reason", &Text::from(reason.to_owned()));
            }
            for (name, value) in facts.iter() {
                line.field(name, value);
            }
            line.end();
        });
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        if !self.room.is_filled() {
            self.write(Decision::Refuse, Some("abandoned"));
        }
    }
}

struct Line<'a> {
    out: &'a mut Vec<u8>,
    cut: Vec<&'static str>,
    bytes: Vec<&'static str>,
}

impl<'a> Line<'a> {
    fn begin(out: &'a mut Vec<u8>, stamp: &mut Stamp, at: SystemTime, id: RequestId) -> Self {
        out.extend_from_slice(br#"{"time":""#);
        stamp.append(out, at);
        out.extend_from_slice(br#"","id":""#);
        id.append_to(out);
        out.push(b'"');
        Self {
            out,
            cut: Vec::new(),
            bytes: Vec::new(),
        }
    }

    fn field(&mut self, name: &'static str, value: &Text) {
        self.name(name);
        let done = text::append(self.out, value.as_bytes(), MOST_BYTES);
        if done.cut {
            self.cut.push(name);
        }
        if done.bytes {
            self.bytes.push(name);
        }
    }

    fn end(mut self) {
        for (name, marked) in [
            ("cut", std::mem::take(&mut self.cut)),
            ("bytes", std::mem::take(&mut self.bytes)),
        ] {
            if marked.is_empty() {
                continue;
            }
            self.name(name);
            let quoted: Vec<String> = marked.iter().map(|name| format!("\"{name}\"")).collect();
            self.out
                .extend_from_slice(format!("[{}]", quoted.join(",")).as_bytes());
        }
        self.out.extend_from_slice(b"}\n");
    }

    fn name(&mut self, name: &'static str) {
        self.out.extend_from_slice(b",\"");
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }
}

/// Long enough for a SPIFFE ID of the longest kind.
const MOST_BYTES: usize = 2_048;

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &'static str, value: &str) -> serde_json::Value {
        let mut out = Vec::new();
        let mut line = Line::begin(
            &mut out,
            &mut Stamp::default(),
            SystemTime::UNIX_EPOCH,
            RequestId::new(1, 2),
        );
        line.field(name, &Text::from(value.to_owned()));
        line.end();
        assert_eq!(out.pop(), Some(b'\n'));
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn a_fact_cannot_break_out_of_its_field() {
        let value = "a\",\"decision\":\"permit\n";
        assert_eq!(written("proof", value)["proof"], value);
        assert!(written("proof", value).get("decision").is_none());
    }

    #[test]
    fn a_long_fact_is_cut_and_marked() {
        let line = written("caller", &"x".repeat(MOST_BYTES + 1));
        assert_eq!(line["caller"].as_str().unwrap().len(), MOST_BYTES);
        assert_eq!(line["cut"], serde_json::json!(["caller"]));
    }
}
