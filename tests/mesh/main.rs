//! Whole sidecars, from their configuration to the bytes that an application gets.
//!
//! Each test builds its sidecars with `App::build`, connects through real
//! sockets with real certificates, and believes only what arrived: at the
//! application, at the caller, in the records and in the metrics.

// Clippy takes only what is under `cfg(test)` for a test, helpers included.

#[cfg(test)]
mod advice;
#[cfg(test)]
mod answers;
#[cfg(test)]
mod application;
#[cfg(test)]
mod authority;
#[cfg(test)]
mod balancer;
#[cfg(test)]
mod caller;
#[cfg(test)]
mod claims;
#[cfg(test)]
mod counts;
#[cfg(test)]
mod crowd;
#[cfg(test)]
mod drain;
#[cfg(test)]
mod edge;
#[cfg(test)]
mod endpoint;
#[cfg(test)]
mod endpoints;
#[cfg(test)]
mod far_side;
#[cfg(test)]
mod fields;
#[cfg(test)]
mod frames;
#[cfg(test)]
mod framing;
#[cfg(test)]
mod gates;
#[cfg(test)]
mod grace;
#[cfg(test)]
mod grpc;
#[cfg(test)]
mod heads;
#[cfg(test)]
mod http2_answers;
#[cfg(test)]
mod http2_bodies;
#[cfg(test)]
mod http2_floods;
#[cfg(test)]
mod http2_frames;
#[cfg(test)]
mod http2_heads;
#[cfg(test)]
mod lease;
#[cfg(test)]
mod life;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod log;
#[cfg(test)]
mod name_server;
#[cfg(test)]
mod names;
#[cfg(test)]
mod outbound;
#[cfg(test)]
mod pair;
#[cfg(test)]
mod paths;
#[cfg(test)]
mod probes;
#[cfg(test)]
mod readiness;
#[cfg(test)]
mod records;
#[cfg(test)]
mod redecided;
#[cfg(test)]
mod redecided_grpc;
#[cfg(test)]
mod redecided_upgrade;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod retries;
#[cfg(test)]
mod roots;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod story;
#[cfg(test)]
#[path = "../strangers/mod.rs"]
mod strangers;
#[cfg(test)]
mod streaming;
#[cfg(test)]
mod tcp;
#[cfg(test)]
mod transparent;
#[cfg(test)]
mod trial;
#[cfg(test)]
mod unix;
#[cfg(test)]
mod upgrade;
#[cfg(test)]
mod vigil;
