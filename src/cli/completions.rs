//! `portreeve completions`: what makes a shell complete our commands.

use std::process::ExitCode;

use clap::ValueEnum;
use clap_complete::Shell as Dialect;

use crate::cli::print;
use crate::cli::words;

/// Whose completions they are.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Shell {
    Bash,
    Fish,
    Zsh,
}

/// Prints them.
pub(super) fn completions(shell: Shell) -> ExitCode {
    let dialect = match shell {
        Shell::Bash => Dialect::Bash,
        Shell::Fish => Dialect::Fish,
        Shell::Zsh => Dialect::Zsh,
    };
    let mut script = Vec::new();
    clap_complete::generate(dialect, &mut words::command(), "portreeve", &mut script);
    print::line(String::from_utf8_lossy(&script).trim_end());
    ExitCode::SUCCESS
}
