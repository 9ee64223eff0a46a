//! `portreeve demo`

use std::path::PathBuf;
use std::process::ExitCode;

/// Runs the small mesh.
pub(super) fn demonstrate(_dir: Option<PathBuf>, _once: bool) -> ExitCode {
    ExitCode::FAILURE
}
