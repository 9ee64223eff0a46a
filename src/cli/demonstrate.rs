//! `portreeve demo`

use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::app;
use crate::cli::print;
use crate::config::Log;
use crate::config::LogFormat;
use crate::demo::Demo;
use crate::demo::Outcome;
use crate::demo::Pace;
use crate::store;
use crate::time::Clock as _;
use crate::time::SystemClock;

/// How long the mesh runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stay {
    ForTheTour,
    UntilInterrupted,
}

/// Runs the small mesh: for the tour, or until Ctrl-C.
pub(super) fn demonstrate(dir: Option<PathBuf>, stay: Stay) -> ExitCode {
    let dir = dir.unwrap_or_else(new_dir);
    if let Err(error) = store::make_secret_dir(&dir) {
        return print::failure(&error);
    }
    let level = if stay == Stay::ForTheTour {
        "error"
    } else {
        "warn"
    };
    let log = Log {
        format: LogFormat::Text,
        level: level.to_owned(),
    };
    if let Err(error) = app::start_logging(&log) {
        return print::failure(&error);
    }
    let pace = match stay {
        Stay::ForTheTour => ON_TOUR,
        Stay::UntilInterrupted => AT_LEISURE,
    };
    let demo = match Demo::start(&dir, pace) {
        Ok(demo) => demo,
        Err(error) => return print::failure(&error),
    };
    match stay {
        Stay::ForTheTour => tour(demo),
        Stay::UntilInterrupted => remain(demo),
    }
}

fn tour(demo: Demo) -> ExitCode {
    let mut missed = 0_u32;
    let taken = demo.tour(|outcome| {
        missed += u32::from(!outcome.as_expected);
        print::line(told(outcome));
    });
    if let Err(error) = taken {
        return print::failure(&error);
    }
    if let Err(error) = demo.stop() {
        return print::failure(&error);
    }
    if missed > 0 {
        print::complaint(format_args!("{missed} outcomes were not as expected"));
        return ExitCode::FAILURE;
    }
    print::line("all as expected");
    ExitCode::SUCCESS
}

fn told(outcome: &Outcome) -> String {
    let Outcome {
        as_expected,
        found,
        tried,
        wanted,
    } = outcome;
    let mark = if *as_expected { "ok  " } else { "MISS" };
    format!("{mark} {tried}\n       expected: {wanted}\n       found:    {found}")
}

fn remain(demo: Demo) -> ExitCode {
    print::line(demo.guide());
    match demo.run_until_interrupted() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => print::failure(&error),
    }
}

/// A folder of this run's own.
fn new_dir() -> PathBuf {
    let since = SystemClock
        .now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    let name = format!("portreeve-demo-{}-{}", std::process::id(), since.as_secs());
    Path::new(&std::env::temp_dir()).join(name)
}

/// As in the configuration, and as short as an experiment's patience.
const AT_LEISURE: Pace = Pace {
    svid_ttl_s: 3_600,
    tokens_s: 30,
};
/// Identities are renewed every three seconds, so that it can be watched.
const ON_TOUR: Pace = Pace {
    svid_ttl_s: 6,
    tokens_s: 6,
};
