//! The story of a TCP connection.
//!
//! Where nobody on the way reads what is said there is one question for a whole
//! connection: may this caller `connect` to this service? It is asked when it
//! is proved who calls, and a yes costs its permit to reach the other side.
//! Then bytes go both ways, until both sides are done or the reasons to let
//! them are gone: the same that cut a connection which has left HTTP.
//!
//! Whoever is refused or cut gets a reset, never an orderly end: in many
//! protocols the end of the stream is the end of the message, and what was cut
//! must not look complete.

mod broken;
mod inbound;
mod meters;
mod outbound;
mod passing;
mod plain;
mod relay;
mod scratch;

pub use inbound::TcpInboundDoor;
pub use meters::TcpMeters;
pub use meters::TcpMetrics;
pub use outbound::Equipment;
pub use outbound::TcpOutboundDoor;
pub use plain::PlainWay;
pub use plain::WayEquipment;
pub use scratch::Scratch;
