//! `portreeve develop`: what a mesh on a developer's machine needs besides.

use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use crate::app;
use crate::cli::print;
use crate::cli::runtime;
use crate::config::Log;
use crate::config::LogFormat;
use crate::demo::development;

#[derive(Debug, Subcommand)]
pub(super) enum DevelopCommand {
    /// Write certificates for `localhost`, and a client's secret
    ///
    /// web-ca.pem, edge.pem, edge.key, provider.pem, provider.key, dev.secret. The CA is good for `localhost` alone, and its key is
    /// thrown away. What is there is replaced.
    Files {
        /// Where to
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
    },
    /// Run a provider that signs anybody in with a click, without a password
    ///
    /// Its client is `edge`, with the secret of `dev.secret`, at that port of `localhost`.
    Provider {
        /// What `develop files` has written
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
        /// The port of `localhost` that browsers find it at
        #[arg(long, value_name = "PORT")]
        port: u16,
        /// The port of `localhost` that browsers find the edge at
        #[arg(long, value_name = "PORT")]
        edge_port: u16,
        /// Listen on all addresses: in a container, whose port is published for loopback only
        #[arg(long)]
        allow_remote: bool,
    },
}

pub(super) fn develop(command: DevelopCommand) -> ExitCode {
    match command {
        DevelopCommand::Files { dir } => match development::write_files(&dir) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => print::failure(&error),
        },
        DevelopCommand::Provider {
            dir,
            port,
            edge_port,
            allow_remote,
        } => {
            let host = if allow_remote { [0; 4] } else { [127, 0, 0, 1] };
            provider(&dir, SocketAddr::from((host, port)), edge_port)
        }
    }
}

fn provider(dir: &Path, listen: SocketAddr, edge_port: u16) -> ExitCode {
    let log = Log {
        format: LogFormat::Text,
        level: "info".to_owned(),
    };
    if let Err(error) = app::start_logging(&log) {
        return print::failure(&error);
    }
    let provider = match development::provider(dir, listen, edge_port) {
        Ok(provider) => provider,
        Err(error) => return print::failure(&error),
    };
    tracing::warn!(
        issuer = provider.issuer(),
        "a provider for development signs anybody in who asks"
    );
    runtime::run(async {
        match app::told_to_stop().await {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => print::failure(&error),
        }
    })
}
