//! Handshakes: from a TCP stream to a peer whose name is proved.
//!
//! TLS 1.3 only, mutual always, and both ends judge the other's certificate by
//! [`x509::verify`](crate::x509::verify). Sessions are never resumed: a resumed
//! session would skip that judgement, and keep an expired or withdrawn
//! certificate alive. What is spoken is what was negotiated: a version of HTTP,
//! or bytes that nobody on the way reads. Without that there is no connection.
//!
//! A connection ends with the certificates it was made with, unless both ends
//! prove their next ones on another connection: [`Lease`] says how.
//!
//! Not mutual is only where names are given out: [`Reception`] also lets in
//! whoever has none yet, and [`Approach`] is how that one calls.

mod acceptor;
mod approach;
mod belief;
mod claim;
mod claimant;
mod connector;
mod error;
mod greeting;
mod host_certificates;
mod keying;
mod lease;
mod opaque;
mod open_reception;
mod peer;
mod possession;
mod protocol;
mod provider;
mod reception;
mod refusal;
mod reliance;
mod settings;
mod shown;
mod slots;
mod verifier;

pub use acceptor::{Accepted, Acceptor, Arrival};
pub use approach::{Approach, Approached};
pub use belief::{Belief, Loss};
pub use claim::{Claim, ClaimError, Receipt, Verdict, VerdictError};
pub use claimant::{Claimant, ProveError, Proved};
pub use connector::{Connected, Connector};
pub use error::{AcceptError, ConnectError, HandshakeError};
pub use host_certificates::HostCertificates;
pub use keying::{ConnectionName, Keying};
pub use lease::{ExtendError, Extension, Lease, Leases, Unproved};
pub use opaque::{
    OpaqueAccepted, OpaqueAcceptor, OpaqueArrival, OpaqueConnected, OpaqueConnector, is_refusal,
};
pub use open_reception::{OpenReception, ShowError, Shows};
pub use peer::Peer;
pub use possession::possession_message;
pub use protocol::Protocol;
pub use reception::{Exporter, Reception, Visitor};
pub use refusal::Refusal;
pub use reliance::{RelianceError, rely_on};
pub use settings::Settings;
pub use slots::HandshakeSlots;
