//! A real authority, and whoever wants a name from it.

#![expect(
    clippy::string_slice,
    clippy::unwrap_in_result,
    reason = "a test may stop"
)]

mod admin;
mod backup;
mod calendar;
mod closed;
mod cluster;
mod company;
mod damage;
mod database;
mod entry_files;
mod groups;
mod household;
mod istio;
mod kept_policy;
mod kubernetes;
mod load;
mod operator;
mod outage;
mod parsers;
mod petitioner;
mod policies;
mod possession;
mod process;
mod renewal;
mod requests;
mod restart;
mod revocation;
mod rotation;
mod signatures;
mod steps;
mod tokens;
mod told_policies;
mod town;
