//! The command line as it is told: on one screen, with an example of each command.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Command;
use clap::CommandFactory as _;
use clap::FromArgMatches as _;
use clap::error::ErrorKind;

use crate::cli::Arguments;
use crate::cli::examples;
use crate::cli::print;

/// What the command line means.
///
/// # Errors
///
/// The exit code where it only asks what there is, which is then told, or means
/// nothing, which is said with what would.
pub(super) fn understood(typed: &[OsString]) -> Result<Arguments, ExitCode> {
    command()
        .try_get_matches_from(typed)
        .and_then(|matches| Arguments::from_arg_matches(&matches))
        .map_err(|told| tell(&told, typed))
}

/// Every command, with its examples.
pub(super) fn command() -> Command {
    let command = Arguments::command();
    let overview = overview(&command);
    exemplified(command, "").help_template(overview)
}

/// All commands on one screen: a line for each, none for what each has.
fn overview(command: &Command) -> String {
    let mut text =
        "{about}\nUsage: portreeve COMMAND …     With examples: portreeve COMMAND --help"
            .to_owned();
    for one in command.get_subcommands().filter(|one| !one.is_hide_set()) {
        let about = one.get_about().map(ToString::to_string).unwrap_or_default();
        text.push_str(&format!("\n  {:<11}  {about}", one.get_name()));
    }
    text
}

/// It, and all below it, with the examples behind their help.
fn exemplified(command: Command, words: &str) -> Command {
    let command = match examples::of(words) {
        [] => command,
        [one] => command.after_help(format!("Example:\n  {one}")),
        several => command.after_help(format!("Examples:\n  {}", several.join("\n  "))),
    };
    let names: Vec<String> = command
        .get_subcommands()
        .map(|below| below.get_name().to_owned())
        .collect();
    names.into_iter().fold(command, |command, name| {
        let words = format!("{words} {name}");
        command.mut_subcommand(name, |below| exemplified(below, words.trim_start()))
    })
}

fn tell(told: &clap::Error, typed: &[OsString]) -> ExitCode {
    // Whoever reads may have gone: then there is nobody to tell.
    drop(told.print());
    let shown = matches!(
        told.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            | ErrorKind::DisplayVersion
    );
    if !shown && let Some(example) = examples::of(&meant(typed)).first() {
        print::complaint(format_args!("For example: {example}"));
    }
    ExitCode::from(u8::try_from(told.exit_code()).unwrap_or(2))
}

/// The words that lead to the command that was meant, as far as they do.
fn meant(typed: &[OsString]) -> String {
    let mut command = &Arguments::command();
    let mut words = Vec::new();
    for word in typed.iter().skip(1).map_while(|word| word.to_str()) {
        let Some(below) = command.find_subcommand(word) else {
            break;
        };
        words.push(word);
        command = below;
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every command with the words that lead to it.
    fn all(command: &Command, words: &str, to: &mut Vec<(String, Command)>) {
        for below in command.get_subcommands() {
            let words = format!("{words} {}", below.get_name());
            all(below, &words, to);
            to.push((words.trim_start().to_owned(), below.clone()));
        }
    }

    fn commands() -> Vec<(String, Command)> {
        let mut found = Vec::new();
        all(&command(), "", &mut found);
        assert!(found.len() > 35, "{} commands", found.len());
        found
    }

    /// What a shell would give us of an example, or of what it has in `$(…)`.
    fn typed(example: &str) -> Vec<OsString> {
        let (_, ours) = example.split_once("portreeve ").unwrap();
        let ours = ours.split([')', '>', '|']).next().unwrap();
        ["portreeve"]
            .into_iter()
            .chain(ours.split_whitespace().filter(|word| *word != "\\"))
            .map(OsString::from)
            .collect()
    }

    #[test]
    fn every_command_has_an_example_that_is_understood_as_that_command() {
        for (words, command) in commands() {
            let told = command.clone().render_long_help().to_string();
            let of = examples::of(&words);
            assert!(!of.is_empty(), "`{words}` has no example");
            // As it is written: not wrapped by clap, nor by a terminal.
            assert!(of.iter().all(|one| told.contains(one)), "{told}");
            let mut lines = of.iter().flat_map(|one| one.lines());
            assert!(lines.all(|line| line.len() <= 76), "{of:?}");
            let shown = of.iter().filter(|one| {
                assert!(understood(&typed(one)).is_ok(), "{one}");
                meant(&typed(one)) == words
            });
            assert!(
                shown.count() > 0 || command.has_subcommands(),
                "{words}: {of:?}"
            );
        }
    }

    #[test]
    fn every_example_is_of_a_command() {
        let mut known: Vec<String> = commands().into_iter().map(|(words, _)| words).collect();
        known.sort();
        assert_eq!(examples::all().collect::<Vec<_>>(), known);
    }

    #[test]
    fn the_overview_fits_a_screen_and_has_all_that_is_not_hidden() {
        for told in [command().render_help(), command().render_long_help()] {
            let told = told.to_string();
            // One line is the shell's own.
            assert!(told.lines().count() < 24, "{told}");
            assert!(
                told.lines().all(|line| line.chars().count() <= 80),
                "{told}"
            );
            for one in command().get_subcommands() {
                let line = format!("\n  {} ", one.get_name());
                assert_eq!(told.contains(&line), !one.is_hide_set(), "{line}{told}");
            }
        }
    }

    #[test]
    fn what_is_meant_is_found_as_far_as_it_is_right() {
        for (line, words) in [
            ("portreeve policy explain --what", "policy explain"),
            ("portreeve policy what", "policy"),
            ("portreeve --config x run", ""),
            ("portreeve", ""),
        ] {
            let typed: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(meant(&typed), words, "{line}");
        }
    }
}
