//! The authority's socket, and whoever orders it about there.

use std::future::Future;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use std::time::SystemTime;

use clap::Args;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tonic::Status;
use tonic::transport::Channel;
use tonic::transport::Endpoint;

use crate::cli::print;
use crate::cli::runtime;
use crate::rpc::authority::admin_client::AdminClient;

/// Where the authority listens to its operator.
#[derive(Debug, Args)]
pub(super) struct Socket {
    /// The authority's socket, as its configuration names it
    #[arg(long, value_name = "PATH", default_value = "authority.sock")]
    socket: PathBuf,
}

/// Does `work` with the authority at the socket.
pub(super) fn with<F: Future<Output = Result<(), Status>>>(
    socket: &Socket,
    work: impl FnOnce(AdminClient<Channel>) -> F,
) -> ExitCode {
    let path = socket.socket.as_path();
    runtime::run(async {
        let client = match connect(path).await {
            Ok(channel) => AdminClient::new(channel),
            Err(error) => {
                print::complaint(format_args!(
                    "portreeve: no authority answers at `{}` (see --socket)",
                    path.display()
                ));
                return print::failure(&error);
            }
        };
        match work(client).await {
            Ok(()) => ExitCode::SUCCESS,
            Err(status) => {
                print::complaint(format_args!("portreeve: {}", status.message()));
                ExitCode::FAILURE
            }
        }
    })
}

/// Who answers at the socket at `path`.
pub(super) async fn connect(path: &Path) -> Result<Channel, tonic::transport::Error> {
    let path = path.to_owned();
    let connector = tower::service_fn(move |_| {
        let path = path.clone();
        async move { UnixStream::connect(path).await.map(TokioIo::new) }
    });
    Endpoint::from_static("http://localhost")
        .timeout(PATIENCE)
        .connect_with_connector(connector)
        .await
}

/// Seconds since 1970, as people read them.
pub(super) fn date(seconds: u64) -> String {
    let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
    at.map_or_else(|| print::BEYOND.to_owned(), print::date)
}

/// A database that fails over takes seconds.
const PATIENCE: Duration = Duration::from_secs(15);
