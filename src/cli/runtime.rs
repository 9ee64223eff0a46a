//! An event loop for a command that asks somebody something.

use std::future::Future;
use std::process::ExitCode;

use crate::cli::print;

/// Does `work`, on this thread.
pub(super) fn run(work: impl Future<Output = ExitCode>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => print::failure(&error),
    }
}
