//! `portreeve check` and `portreeve policy check`

use std::path::Path;
use std::process::ExitCode;

use crate::app;
use crate::cli::print;
use crate::config::Config;
use crate::config::Mistake;
use crate::config::PolicySource;
use crate::policy;
use crate::policy::Policy;
use crate::rehearsal::StageError;

/// Everything that is wrong with a configuration and its policies.
pub(super) fn configuration(path: &Path) -> ExitCode {
    match Config::load(path) {
        Err(mistakes) => refuse(path, &mistakes),
        Ok(config) => {
            let mistakes = app::check(&config);
            for mistake in &mistakes {
                print::failure(mistake);
            }
            let judged = match &config.policy_source {
                PolicySource::Authority => kept(&config),
                PolicySource::Folder(dir) => judge(dir, &config.policy),
            };
            if mistakes.is_empty() {
                judged
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

/// Everything that is wrong with a folder of policies. Without a configuration
/// services and groups are what the policies name.
pub(super) fn policies(dir: &Path, config: Option<&Path>) -> ExitCode {
    match config.map(Config::load) {
        None => judge(dir, &policy::Settings::as_named_in(dir)),
        Some(Ok(config)) => judge(dir, &config.policy),
        Some(Err(mistakes)) => refuse(config.unwrap_or(dir), &mistakes),
    }
}

/// Complains about a configuration file.
pub(super) fn refuse(path: &Path, mistakes: &[Mistake]) -> ExitCode {
    for mistake in mistakes {
        print::complaint(format_args!("{}: {mistake}", path.display()));
    }
    ExitCode::FAILURE
}

/// Complains about what policies cannot be tried out with; `path` is the configuration.
pub(super) fn unstaged(path: &Path, error: &StageError) -> ExitCode {
    match error {
        StageError::Config(mistakes) => refuse(path, mistakes),
        StageError::Mistakes(mistakes) => {
            mistakes.iter().for_each(print::complaint);
            ExitCode::FAILURE
        }
        StageError::NoKept(_) | StageError::NoWords | StageError::NoneKept => print::failure(error),
    }
}

/// What can be said of the authority's policies without asking it.
fn kept(config: &Config) -> ExitCode {
    match app::look_at_kept_policy(config) {
        Ok(None) => {
            print::line("ok: policies will come from the authority; none was kept yet");
            ExitCode::SUCCESS
        }
        Ok(Some(kept)) => {
            print::line(format_args!(
                "ok: policies come from the authority; set {}, revision {}, was kept",
                kept.version,
                kept.policy.revision()
            ));
            ExitCode::SUCCESS
        }
        Err(error) => print::failure(&error),
    }
}

fn judge(dir: &Path, settings: &policy::Settings) -> ExitCode {
    match Policy::load(dir, settings) {
        Ok((policy, warnings)) => {
            warnings.iter().for_each(print::complaint);
            print::line(format_args!(
                "ok: {} policies, revision {}",
                policy.names().len(),
                policy.revision()
            ));
            ExitCode::SUCCESS
        }
        Err(mistakes) => {
            mistakes.iter().for_each(print::complaint);
            ExitCode::FAILURE
        }
    }
}
