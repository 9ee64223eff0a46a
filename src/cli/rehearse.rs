//! `portreeve policy test`

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cli::check;
use crate::cli::print;
use crate::config::Config;
use crate::rehearsal::Rehearsal;
use crate::rehearsal::Stage;
use crate::rehearsal::StageError;
use crate::rehearsal::coverage;
use crate::rehearsal::failures;
use crate::rehearsal::read_cases;
use crate::rehearsal::summary;
use crate::rehearsal::to_junit;

/// A folder of policies and cases.
#[derive(Debug, Args)]
pub(super) struct Test {
    /// The folder of the *.cedar files and the *.test.yaml files
    dir: PathBuf,
    /// The configuration that declares services, routes, headers, zones and groups.
    /// Without it, services and groups are what the policies name
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Write what came of the cases to a file as JUnit's XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Fail also if there is a policy that applies in no case
    #[arg(long)]
    every_policy: bool,
}

/// Whether the policies say what their cases expect.
pub(super) fn test(wanted: &Test) -> ExitCode {
    let stage = match &wanted.config {
        None => Stage::of_folder_alone(&wanted.dir),
        Some(path) => match Config::load(path) {
            Ok(config) => Stage::of_folder(&wanted.dir, &config),
            Err(mistakes) => return check::refuse(path, &mistakes),
        },
    };
    let stage = match stage {
        Ok(stage) => stage,
        Err(StageError::Mistakes(mistakes)) => {
            mistakes.iter().for_each(print::complaint);
            return ExitCode::FAILURE;
        }
        Err(error) => return print::failure(&error),
    };
    let files = match read_cases(&wanted.dir) {
        Ok(files) => files,
        Err(mistakes) => {
            mistakes.iter().for_each(print::complaint);
            return ExitCode::FAILURE;
        }
    };
    let rehearsal = Rehearsal::run(&stage, files);
    let left_out = coverage(&rehearsal, stage.policy());
    if let Some(path) = &wanted.junit {
        let wrong = if wanted.every_policy {
            &left_out[..]
        } else {
            &[]
        };
        if let Err(error) = fs::write(path, to_junit(&rehearsal, wrong)) {
            print::complaint(format_args!(
                "portreeve: cannot write `{}`: {error}",
                path.display()
            ));
            return ExitCode::FAILURE;
        }
    }
    failures(&rehearsal).iter().for_each(print::line);
    for policy in &left_out {
        print::line(format_args!("no case applies {policy}"));
    }
    print::line(summary(&rehearsal, stage.policy()));
    if rehearsal.is_as_expected() && (left_out.is_empty() || !wanted.every_policy) {
        ExitCode::SUCCESS
    } else {
        print::no()
    }
}
