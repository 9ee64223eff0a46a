//! Sessions as the rest of the program uses them: on several sidecars with one
//! PostgreSQL.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a test may stop, and has its own time"
)]

mod calendar;
mod postgresql;
mod replicas;
