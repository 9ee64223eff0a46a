//! A sidecar's socket, and whoever orders it about there.

use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use tonic::Status;
use tonic::transport::Channel;

use crate::cli::check;
use crate::cli::print;
use crate::cli::runtime;
use crate::cli::socket;
use crate::config::Config;
use crate::rpc::sidecar::operations_client::OperationsClient;

/// Where a sidecar listens to its operators: one of the two.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Hatch {
    /// The sidecar's socket, which its configuration names as `admin.socket`
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// The sidecar's configuration file, which names the socket
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Hatch {
    fn path(&self) -> Result<PathBuf, ExitCode> {
        match (&self.socket, &self.config) {
            (Some(path), _) => Ok(path.clone()),
            (None, Some(file)) => named_in(file),
            // clap demands one of the two.
            (None, None) => Err(ExitCode::from(2)),
        }
    }
}

fn named_in(file: &Path) -> Result<PathBuf, ExitCode> {
    let config = Config::load(file).map_err(|mistakes| check::refuse(file, &mistakes))?;
    config.hatch.ok_or_else(|| {
        print::complaint(format_args!(
            "portreeve: `{}` names no socket: say `admin.socket: PATH` there and start the sidecar anew",
            file.display()
        ));
        ExitCode::FAILURE
    })
}

/// Does `work` with the sidecar at the socket.
pub(super) fn with<F: Future<Output = Result<(), Status>>>(
    hatch: &Hatch,
    work: impl FnOnce(OperationsClient<Channel>) -> F,
) -> ExitCode {
    let path = match hatch.path() {
        Ok(path) => path,
        Err(code) => return code,
    };
    runtime::run(async {
        let channel = match socket::connect(&path).await {
            Ok(channel) => channel,
            Err(error) => {
                print::complaint(format_args!(
                    "portreeve: no sidecar answers at `{}`: is it running, with this as its `admin.socket`, and as your user?",
                    path.display()
                ));
                return print::failure(&error);
            }
        };
        match work(OperationsClient::new(channel)).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(status) => {
                print::complaint(format_args!("portreeve: {}", status.message()));
                ExitCode::FAILURE
            }
        }
    })
}
