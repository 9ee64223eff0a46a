//! Requests that are described and not sent, put to the policy.
//!
//! For whoever writes policies: what would be decided, and why. The request is
//! read by the door's own rules and decided by the sidecar's own decider. No
//! port is taken, and nothing is forwarded or recorded.

mod asked;
mod cases;
mod handshake;
mod json;
mod stage;
mod text;
mod who;

pub use asked::Asked;
pub use asked::Told;
pub use asked::What;
pub use asked::moment;
pub use cases::Case;
pub use cases::CaseFile;
pub use cases::CaseMistake;
pub use cases::Expected;
pub use cases::Ran;
pub use cases::Rehearsal;
pub use cases::coverage;
pub use cases::failures;
pub use cases::read_cases;
pub use cases::schema as cases_schema;
pub use cases::summary;
pub use cases::to_junit;
pub use handshake::Handshake;
pub use handshake::HandshakeError;
pub use json::to_json;
pub use stage::NoService;
pub use stage::Stage;
pub use stage::StageError;
pub use text::to_text;
pub use who::Described;
pub use who::Who;
