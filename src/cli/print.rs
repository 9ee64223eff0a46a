//! The only place that writes to the terminal.

use std::error::Error;
use std::fmt::Display;
use std::io;
use std::io::Write;
use std::process::ExitCode;
use std::time::SystemTime;

/// A line of the result.
pub(super) fn line(text: impl Display) {
    say(io::stdout().lock(), text);
}

/// All of `bytes`, as they are.
///
/// # Errors
///
/// If nobody reads any more.
pub(super) fn whole(bytes: &[u8]) -> io::Result<()> {
    let mut to = io::stdout().lock();
    to.write_all(bytes)?;
    to.flush()
}

/// A line about something that is wrong.
pub(super) fn complaint(text: impl Display) {
    say(io::stderr().lock(), text);
}

/// An error with all its causes, and the exit code for it.
pub(super) fn failure(error: &dyn Error) -> ExitCode {
    complaint(format_args!("portreeve: {}", chain(error)));
    ExitCode::FAILURE
}

/// An error with all its causes, in one line. Errors of others often say their cause themselves: then it is said once.
pub(super) fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        if text.ends_with(&cause) {
            text
        } else {
            format!("{text}: {cause}")
        }
    })
}

/// The exit code of an answer that is no, where nothing went wrong.
pub(super) fn no() -> ExitCode {
    ExitCode::from(3)
}

/// A date as people read it.
pub(super) fn date(at: SystemTime) -> String {
    jiff::Timestamp::try_from(at).map_or_else(|_beyond| BEYOND.to_owned(), |at| at.to_string())
}

/// A JSON Schema.
pub(super) fn schema(schema: &serde_json::Value) -> ExitCode {
    line(format_args!("{schema:#}"));
    ExitCode::SUCCESS
}

/// Whoever reads may have gone, as `head` does: then there is nobody to tell.
fn say(mut to: impl Write, text: impl Display) {
    drop(writeln!(to, "{text}"));
}

/// A date that no calendar has.
pub(super) const BEYOND: &str = "beyond the calendar";
