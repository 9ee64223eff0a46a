//! HTTP/2, frame by frame, without a library that would keep us from mistakes.

use serde_json::Value;

use crate::caller::Caller;

/// Whoever speaks HTTP/2 with a door.
pub(crate) struct Framed {
    caller: Caller,
}

/// What became of a stream, or of the whole connection.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// A response: its body, and its status if that is 200.
    Answer(Option<u16>, String),
    /// The connection is over, with this error code.
    GoAway(u32),
    /// The stream is over, with this error code.
    Reset(u32),
}

#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Framed {
    /// Sends the preface and empty settings.
    pub(crate) fn begin(mut caller: Caller) -> Self {
        caller.send(PREFACE);
        let mut framed = Self { caller };
        framed.send(&frame(SETTINGS, 0, 0, &[]));
        framed
    }

    pub(crate) fn send(&mut self, frames: &[u8]) {
        self.caller.send(frames);
    }

    /// Sends to whoever may have hung up.
    pub(crate) fn try_send(&mut self, frames: &[u8]) -> bool {
        self.caller.try_send(frames).is_ok()
    }

    pub(crate) fn read(&mut self) -> Frame {
        let head = self.caller.exactly(9);
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let found = Frame {
            kind: head[3],
            flags: head[4],
            stream: u32::from_be_bytes([head[5], head[6], head[7], head[8]]),
            payload: self.caller.exactly(length as usize),
        };
        if found.kind == PING && found.flags & ACK == 0 {
            self.try_send(&frame(PING, ACK, 0, &found.payload));
        }
        found
    }

    /// The next frame of this kind.
    pub(crate) fn next(&mut self, kind: u8) -> Frame {
        loop {
            let frame = self.read();
            if frame.kind == kind {
                return frame;
            }
        }
    }

    /// How `stream` ends.
    pub(crate) fn outcome(&mut self, stream: u32) -> Outcome {
        let (mut status, mut body) = (None, Vec::new());
        loop {
            let frame = self.read();
            match frame.kind {
                GOAWAY if code(&frame.payload, 4) != 0 => {
                    return Outcome::GoAway(code(&frame.payload, 4));
                }
                RST_STREAM if frame.stream == stream => {
                    return Outcome::Reset(code(&frame.payload, 0));
                }
                // The one status that is told by a single byte which we know.
                HEADERS if frame.stream == stream && frame.payload[0] == 0x88 => {
                    status = Some(200);
                }
                DATA if frame.stream == stream => body.extend(frame.payload),
                _ => {}
            }
            let ends = matches!(frame.kind, HEADERS | DATA) && frame.flags & END_STREAM != 0;
            if ends && frame.stream == stream {
                return Outcome::Answer(status, String::from_utf8(body).unwrap());
            }
        }
    }

    /// The door closes, whatever comes before.
    pub(crate) fn ends(mut self) {
        self.caller.rest();
    }

    /// The door closes in good order, once it knows that we know.
    pub(crate) fn goes(mut self) {
        while self.next(GOAWAY).payload[..4] == [0x7f, 0xff, 0xff, 0xff] {}
        self.caller.rest();
    }
}

impl Outcome {
    /// A refusal's status and reason.
    pub(crate) fn refusal(&self) -> String {
        match self {
            Self::Answer(_, body) => {
                let problem: Value = serde_json::from_str(body).unwrap_or_default();
                let reason = problem["reason"].as_str().unwrap_or_default();
                format!("{} {reason}", problem["status"])
            }
            Self::GoAway(code) => format!("goaway {code}"),
            Self::Reset(code) => format!("reset {code}"),
        }
    }
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![a, b, c, kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A whole head, in as many frames as it takes.
pub(crate) fn head(stream: u32, end: u8, fields: &[(&str, &str)]) -> Vec<u8> {
    let block = block(fields);
    let mut parts = block.chunks(LARGEST_FRAME).peekable();
    let (mut frames, mut kind, mut flags) = (Vec::new(), HEADERS, end);
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            flags |= END_HEADERS;
        }
        frames.extend(frame(kind, flags, stream, part));
        (kind, flags) = (CONTINUATION, 0);
    }
    frames
}

pub(crate) fn data(stream: u32, end: u8, bytes: &[u8]) -> Vec<u8> {
    frame(DATA, end, stream, bytes)
}

/// Literal fields that are put in no table (RFC 7541 6.2.2), whatever is in them.
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            push_length(&mut block, text.len());
            block.extend(text.as_bytes());
        }
    }
    block
}

/// RFC 7541 5.1, with a prefix of 7 bits.
fn push_length(block: &mut Vec<u8>, length: usize) {
    let Some(mut rest) = length.checked_sub(127) else {
        block.push(u8::try_from(length).unwrap());
        return;
    };
    block.push(127);
    while rest >= 128 {
        block.push(u8::try_from(rest % 128 + 128).unwrap());
        rest /= 128;
    }
    block.push(u8::try_from(rest).unwrap());
}

fn code(payload: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(payload[at..at + 4].try_into().unwrap())
}

/// What everybody takes (RFC 9113 4.2).
const LARGEST_FRAME: usize = 16_384;

pub(crate) const PREFACE: &str = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PUSH_PROMISE: u8 = 5;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;
