//! Whom we believe, tried on real handshakes in both roles.

mod corpus;
mod handshake;
mod parties;
mod renewal;
mod resumption;
mod rotation;
mod svid_corpus;
