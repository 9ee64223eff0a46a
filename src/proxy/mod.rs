//! The story of a request.
//!
//! A connection is accepted, and proves who calls. Each request on it takes
//! room in the log before it is looked at; gets its one reading, or is
//! refused; is put to the policy as a question; and costs the permit that
//! comes back to be forwarded. The response streams back, and when its last
//! byte has passed, the record ends.
//!
//! [`InboundDoor`] is for other workloads, [`OutboundDoor`] for our own
//! application. `passage.rs` has the steps in their order; everything else
//! here is what one of the steps needs. Where HTTP is not what is spoken there
//! are doors of another kind, in `tcp`; where our application does not know that
//! we are there, `transparent.rs` finds the door for what it dials.

mod activity;
mod alarm;
mod app_watch;
mod asked;
mod authority;
mod balancers;
mod body;
mod canonical;
mod desk;
mod doorway;
mod download;
mod edge;
mod exchange;
mod forwarding;
mod gates;
mod grpc;
mod guest;
mod handover;
mod headers;
mod inbound;
mod introduction;
mod lifetime;
mod live;
mod meters;
mod outbound;
mod outgoing;
mod passage;
mod path;
mod probe_path;
mod probes;
mod pump;
mod refusal;
mod reply;
mod rewound;
mod ruling;
mod serve;
mod settings;
mod sniff;
mod switch;
mod tcp;
mod threshold;
mod transparent;
mod upstream;

pub use activity::Pace;
pub use activity::Silence;
pub use app_watch::AppReady;
pub use app_watch::AppWatch;
pub use asked::Described;
pub use asked::Terms;
pub use asked::Unreadable;
pub use asked::is_forwarded;
pub use authority::is_host;
pub use balancers::Balancers;
pub use desk::Desk;
pub use edge::Asserter;
pub use edge::Counter;
pub use edge::Edge;
pub use edge::EdgeDoor;
pub use edge::EdgeEquipment;
pub use edge::EdgeMetrics;
pub use edge::EdgeRoute;
pub use edge::EdgeTarget;
pub use edge::Errand;
pub use edge::Errands;
pub use edge::NoKeys;
pub use edge::Office;
pub use edge::Page;
pub use edge::Shown;
pub use edge::counter;
pub use gates::AppHealth;
pub use gates::Gates;
pub use gates::Rate;
pub use gates::RateLimit;
pub use inbound::InboundDoor;
pub use inbound::InboundEquipment;
pub use live::LiveMeters;
pub use meters::DoorMeters;
pub use meters::Metrics;
pub use outbound::FarSide;
pub use outbound::OutboundDoor;
pub use path::EncodedSlashes;
pub use path::Latitude;
pub use path::PathError;
pub use path::Semicolons;
pub use path::canonical as canonical_path;
pub use probe_path::ProbePath;
pub use probe_path::ProbePathError;
pub use probes::Probes;
pub use probes::ProbesDoor;
pub use settings::Inbound;
pub use settings::Limits;
pub use settings::Outbound;
pub use settings::Passthrough;
pub use settings::TcpInbound;
pub use settings::TcpOutbound;
pub use settings::Transparent;
pub use tcp::Equipment;
pub use tcp::PlainWay;
pub use tcp::Scratch;
pub use tcp::TcpInboundDoor;
pub use tcp::TcpMeters;
pub use tcp::TcpMetrics;
pub use tcp::TcpOutboundDoor;
pub use tcp::WayEquipment;
pub use transparent::Beyond;
pub use transparent::TransparentDoor;
pub use upstream::Balancing;
pub use upstream::Ejection;
pub use upstream::Retries;
