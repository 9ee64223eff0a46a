//! A real authority, and whoever wants a name from it.

#![expect(
    clippy::string_slice,
    clippy::unwrap_in_result,
    reason = "a test may stop"
)]

mod admin;
mod backup;
mod bundle_endpoint;
mod calendar;
mod closed;
mod cluster;
mod company;
mod damage;
mod database;
mod entry_files;
mod federation;
mod foreign;
mod foreign_refusals;
mod groups;
mod household;
mod istio;
mod kept_policy;
mod kubernetes;
mod kubernetes_keys;
mod kubernetes_review;
mod load;
mod minting;
mod operator;
mod outage;
mod parsers;
mod petitioner;
mod policies;
mod possession;
mod process;
mod programs;
mod programs_renewed;
mod programs_tokens;
mod renewal;
mod requests;
mod restart;
mod revocation;
mod rotation;
mod sidecar_tokens;
mod signatures;
mod site;
mod steps;
mod tcp;
mod tokens;
mod told_policies;
mod told_signals;
mod town;
mod upstream;
mod web;
mod workload_api;
