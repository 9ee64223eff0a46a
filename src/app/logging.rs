//! The operational log: for the operator's curiosity, on standard error.
//!
//! It may be dropped or filtered. The audit log is evidence and has nothing to
//! do with it.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::Log;
use crate::config::LogFormat;

/// Starts the log of this process, once. A process that has one keeps it.
///
/// # Errors
///
/// [`BadLevel`] if `settings.level` is not a list of `tracing` directives.
pub fn start(settings: &Log) -> Result<(), BadLevel> {
    let filter = EnvFilter::builder()
        .parse(&settings.level)
        .map_err(|cause| BadLevel {
            level: settings.level.clone(),
            cause,
        })?;
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let started = match settings.format {
        LogFormat::Json => {
            let layer = layer.json().flatten_event(true);
            tracing_subscriber::registry()
                .with(filter)
                .with(layer)
                .try_init()
        }
        LogFormat::Text => tracing_subscriber::registry()
            .with(filter)
            .with(layer)
            .try_init(),
    };
    if started.is_err() {
        tracing::debug!("this process has a log already");
    }
    Ok(())
}

/// A level that is none.
#[derive(Debug, thiserror::Error)]
#[error("log.level: `{level}` is neither a level nor a list of directives")]
pub struct BadLevel {
    /// What was given.
    pub level: String,
    /// What is wrong with it.
    #[source]
    pub cause: tracing_subscriber::filter::ParseError,
}
