//! A provider of our own over real HTTPS, that says what it should or what a
//! test makes it say: each lie beside the truth.
//!
//! The oracle is what the library makes of it: the person whom the provider
//! named and nothing else, or the exact word for why not.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop"
)]

mod answers;
mod bearer;
mod device;
mod document;
mod id_token;
mod keys;
mod logout;
mod outage;
mod parsers;
mod people;
mod refresh;
mod signature;
mod world;
