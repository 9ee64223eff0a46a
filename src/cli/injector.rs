//! `portreeve injector`

use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;

use crate::app;
use crate::app::InjectorApp;
use crate::cli::check;
use crate::cli::print;
use crate::config::InjectorConfig;
use crate::id::TrustDomain;
use crate::inject;
use crate::time::Clock;
use crate::time::SystemClock;

#[derive(Debug, Subcommand)]
pub(super) enum InjectorCommand {
    /// Write what a cluster must have before an authority and an injector can run in it
    ///
    /// The trust domain's root and its key, the key that the authority seals with, and a certificate for the injector with the CA
    /// to believe it by. What is there stays, but for the injector's certificate: that is made anew for a year, and the CA from
    /// before stays believed beside its successor.
    Files {
        /// Where to
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
        /// Whose root it is
        #[arg(long, value_name = "NAME")]
        trust_domain: TrustDomain,
        /// The name that API servers call the injector by
        #[arg(
            long,
            value_name = "NAME",
            default_value = "portreeve-injector.portreeve-system.svc"
        )]
        host: String,
    },
}

/// Runs it, or does what is wanted of it.
pub(super) fn injector(config: Option<PathBuf>, command: Option<InjectorCommand>) -> ExitCode {
    match (config, command) {
        (_, Some(command)) => order(command),
        (Some(config), None) => run(&config),
        // clap demands one of the two.
        (None, None) => ExitCode::from(2),
    }
}

fn order(command: InjectorCommand) -> ExitCode {
    let InjectorCommand::Files {
        dir,
        trust_domain,
        host,
    } = command;
    match inject::write_files(&dir, &trust_domain, &host, SystemClock.now()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => print::failure(&error),
    }
}

/// Answers until told to stop.
fn run(path: &Path) -> ExitCode {
    let config = match InjectorConfig::load(path) {
        Ok(config) => config,
        Err(mistakes) => return check::refuse(path, &mistakes),
    };
    if let Err(error) = app::start_logging(&config.log) {
        return print::failure(&error);
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let app = match InjectorApp::build(config, &clock) {
        Ok(app) => app,
        Err(error) => return print::failure(&error),
    };
    let running = match app.start() {
        Ok(running) => running,
        Err(error) => return print::failure(&error),
    };
    tracing::info!("serving: injector {}", running.address());
    match app::run_injector_until_signalled(running) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => print::failure(&error),
    }
}
