//! `portreeve policy test`

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cli::check;
use crate::cli::print;
use crate::config::AuthorityConfig;
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
    /// The configuration of the authority that gives the policies out, instead of a sidecar's
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    authority: Option<PathBuf>,
    /// Write what came of the cases to a file as JUnit's XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Fail also if there is a policy that applies in no case
    #[arg(long)]
    every_policy: bool,
}

fn stage(wanted: &Test) -> Result<Stage, StageError> {
    let dir = &wanted.dir;
    if let Some(path) = &wanted.authority {
        let config = AuthorityConfig::load(path).map_err(StageError::Config)?;
        return Stage::of_authority(dir, &config);
    }
    match &wanted.config {
        None => Stage::of_folder_alone(dir),
        Some(path) => Stage::of_folder(dir, &Config::load(path).map_err(StageError::Config)?),
    }
}

/// Whether the policies say what their cases expect.
pub(super) fn test(wanted: &Test) -> ExitCode {
    let config = wanted.config.as_ref().or(wanted.authority.as_ref());
    let config = config.unwrap_or(&wanted.dir);
    let stage = match stage(wanted) {
        Ok(stage) => stage,
        Err(error) => return check::unstaged(config, &error),
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
