//! What a caller that is slow, silent or rude does to a whole sidecar, byte by byte.

// Clippy takes only what is under `cfg(test)` for a test, helpers included.

#[cfg(test)]
mod idle;
#[cfg(test)]
mod large;
#[cfg(test)]
mod sidecar;
#[cfg(test)]
mod stuck;
#[cfg(test)]
mod unread;
#[cfg(test)]
mod upgrade;
#[cfg(test)]
mod upload;
