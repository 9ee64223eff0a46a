//! `portreeve health`: the question that an image without a shell cannot ask otherwise.

use std::net::AddrParseError;
use std::net::SocketAddr;
use std::process::ExitCode;

use bytes::Bytes;
use http::StatusCode;
use tokio::time::timeout;

use crate::cli::print;
use crate::cli::runtime;
use crate::cli::window;
use crate::cli::window::AskError;
use crate::cli::window::PATIENCE;

/// Asks the window at `admin` whether all is well.
pub(super) fn health(admin: SocketAddr) -> ExitCode {
    runtime::run(async {
        let Ok(asked) = timeout(PATIENCE, ask(admin)).await else {
            print::complaint(format_args!(
                "portreeve: nobody at {admin} has answered within {} s",
                PATIENCE.as_secs()
            ));
            return ExitCode::FAILURE;
        };
        match asked {
            Ok((StatusCode::OK, _said)) => {
                print::line("ready");
                ExitCode::SUCCESS
            }
            Ok((status, said)) => {
                let said = String::from_utf8_lossy(&said);
                print::complaint(format_args!(
                    "portreeve: not ready ({status}): {}",
                    said.trim()
                ));
                ExitCode::FAILURE
            }
            Err(error) => window::is_silent(admin, &error),
        }
    })
}

/// An address, as the configuration names it.
///
/// # Errors
///
/// How one is written.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_error: AddrParseError| {
        "write an IP address and a port, such as 127.0.0.1:15020 or [::1]:15020".to_owned()
    })
}

/// The status and the words of `/readyz`.
async fn ask(admin: SocketAddr) -> Result<(StatusCode, Bytes), AskError> {
    let answer = window::ask(admin, "/readyz").await?;
    Ok((answer.status, answer.whole().await?))
}
