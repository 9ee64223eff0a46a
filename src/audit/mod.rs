//! One line per request, whatever happens to it.
//!
//! Room for the line is taken before the request is looked at
//! ([`Shard::begin`]). From then on nothing can prevent it from being written:
//! not a full queue, not a cancelled task. If there is no room, or the sink
//! does not take what it is given, the request is refused before anybody acts
//! on it.
//!
//! A line is one JSON object in ASCII-safe UTF-8. Its `time` is the moment the
//! request arrived; lines stand in the order in which requests *ended*, and
//! only those of one worker are strictly so. Query strings are never recorded:
//! they hold secrets. No field holds a credential.
//!
//! What the caller chose (path, host, names) cannot break out of its field:
//! control, line-separating and direction-changing characters are escaped.
//! A field longer than its cap is cut and named in `cut`. A field that is not
//! UTF-8 is named in `bytes`, and each of its characters stands for one byte.

mod batch;
mod chain;
mod checkpoint;
mod common;
mod entry;
mod event;
mod feed;
mod grounds;
mod line;
mod log;
mod meters;
mod note;
mod notice;
mod origin;
mod paper;
mod query;
mod request_id;
mod rotation;
mod scribe;
mod shard;
mod sink;
mod stamp;
mod status;
pub mod syslog;
mod tail;
mod text;
mod trace_id;
mod verify;
mod wishes;
mod writer;

#[cfg(test)]
mod tests;

pub use chain::{Chain, Link, Sealed};
pub use checkpoint::{Checkpoint, LogId};
pub use entry::{Decision, Door, End, Entry, Note, Ruling, Shadowed, Start, Withdrawn};
pub use event::Event;
pub use feed::{Heard, Watcher};
pub use grounds::Grounds;
pub use log::{Checkpoints, Log, OpenError, Settings};
pub use note::{KeyError, NoteError, SigningKey, VerifierKey};
pub use origin::Origin;
pub use query::{Filter, Row, StatusError, Wanted, WantedStatus};
pub use request_id::RequestId;
pub use rotation::Rotation;
pub use shard::{NoRoom, Room, Shard};
pub use sink::{Sink, SinkError};
pub use status::{Failure, Status};
pub use text::Text;
pub use trace_id::TraceId;
pub use verify::{Finding, LogSeen, Report, Verifier, Wrong, in_order};
pub use wishes::FilterError;
pub use writer::{UnwrittenError, Writer};
