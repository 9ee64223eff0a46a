//! Whom we believe, tried on real handshakes in both roles.

// Clippy takes only what is under `cfg(test)` for a test, helpers included.

#[cfg(test)]
mod bundle;
#[cfg(test)]
mod chains;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod demo_script;
#[cfg(test)]
mod handshake;
#[cfg(test)]
mod host_certificates;
#[cfg(test)]
mod lease;
#[cfg(test)]
mod newcomers;
#[cfg(test)]
mod openssl;
#[cfg(test)]
mod parties;
#[cfg(test)]
mod renewal;
#[cfg(test)]
mod resumption;
#[cfg(test)]
mod rotation;
#[cfg(test)]
#[path = "../strangers/mod.rs"]
mod strangers;
#[cfg(test)]
mod svid_corpus;
