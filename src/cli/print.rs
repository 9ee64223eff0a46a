//! The only place that writes to the terminal.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command's result is its output"
)]

use std::error::Error;
use std::fmt::Display;
use std::process::ExitCode;

use crate::config::Config;

/// A line of the result.
pub(super) fn line(text: impl Display) {
    println!("{text}");
}

/// A line about something that is wrong.
pub(super) fn complaint(text: impl Display) {
    eprintln!("{text}");
}

/// An error with all its causes, and the exit code for it.
pub(super) fn failure(error: &dyn Error) -> ExitCode {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    eprintln!(
        "portreeve: {}",
        causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
    );
    ExitCode::FAILURE
}

/// The JSON Schema of the configuration.
pub(super) fn schema() -> ExitCode {
    line(format_args!("{:#}", Config::schema()));
    ExitCode::SUCCESS
}
