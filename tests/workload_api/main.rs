//! The Workload API of a sidecar, asked by somebody else's client.

// Clippy takes only what is under `cfg(test)` for a test, helpers included.

#[cfg(test)]
mod agent;
#[cfg(test)]
mod authority;
#[cfg(test)]
mod sidecar;
#[cfg(test)]
mod strangers_client;
#[cfg(test)]
mod tokens;
