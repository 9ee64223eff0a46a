//! `portreeve authority`

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use crate::app;
use crate::app::AuthorityApp;
use crate::authority;
use crate::cli::check;
use crate::cli::print;
use crate::config::AuthorityConfig;
use crate::time::Clock;
use crate::time::SystemClock;

/// Everything that is wrong with a configuration and the files that it names.
pub(super) fn check(path: &Path) -> ExitCode {
    let config = match AuthorityConfig::load(path) {
        Ok(config) => config,
        Err(mistakes) => return check::refuse(path, &mistakes),
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let wrong = authority::look_at(&config.authority, &clock);
    for error in &wrong {
        print::failure(error);
    }
    let are_policies_good = match authority::look_at_policies(&config.authority) {
        None => true,
        Some(Ok(warnings)) => {
            warnings.iter().for_each(print::complaint);
            true
        }
        Some(Err(mistakes)) => {
            mistakes.iter().for_each(print::complaint);
            false
        }
    };
    if wrong.is_empty() && are_policies_good {
        print::line("ok");
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Serves until told to stop.
pub(super) fn run(path: &Path) -> ExitCode {
    let config = match AuthorityConfig::load(path) {
        Ok(config) => config,
        Err(mistakes) => return check::refuse(path, &mistakes),
    };
    if let Err(error) = app::start_logging(&config.log) {
        return print::failure(&error);
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let app = match AuthorityApp::build(config, &clock) {
        Ok(app) => app,
        Err(error) => return print::failure(&error),
    };
    let running = match app.start() {
        Ok(running) => running,
        Err(error) => return print::failure(&error),
    };
    if let Some(address) = running.bundle_endpoint() {
        tracing::info!("serving: bundle_endpoint {address}");
    }
    tracing::info!("serving: authority {}", running.address());
    match app::run_authority_until_signalled(running) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => print::failure(&error),
    }
}
