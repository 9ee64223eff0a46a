//! `portreeve manual`: a page for each command, made of what its help says.

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::Roff;
use clap_mangen::roff::bold;
use clap_mangen::roff::roman;

use crate::cli::examples;
use crate::cli::print;
use crate::cli::words;

/// Writes them into `dir`.
pub(super) fn manual(dir: &Path) -> ExitCode {
    let mut command = words::command()
        .disable_help_subcommand(true)
        .long_about(DESCRIPTION);
    command.build();
    match write(&command, "", dir) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let dir = dir.display();
            print::complaint(format_args!("portreeve: cannot write to `{dir}`"));
            print::failure(&error)
        }
    }
}

/// The page of a command, and of each below it.
fn write(command: &Command, words: &str, dir: &Path) -> io::Result<()> {
    fs::write(dir.join(file(words)), page(command, words)?)?;
    for below in below(command) {
        let words = format!("{words} {}", below.get_name());
        write(below, words.trim_start(), dir)?;
    }
    Ok(())
}

fn page(command: &Command, words: &str) -> io::Result<Vec<u8>> {
    let man = Man::new(command.clone())
        .source(concat!("portreeve ", env!("CARGO_PKG_VERSION")))
        .manual("Portreeve");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    let mut more = Roff::new();
    commands(&mut more, command, words);
    let answers = ANSWERS.contains(&words);
    let statuses = STATUSES.iter().take(if answers { 4 } else { 3 });
    list(&mut more, "EXIT STATUS", statuses);
    for (_, heading, terms) in BESIDES.iter().filter(|(of, ..)| of.contains(&words)) {
        list(&mut more, heading, terms.iter());
    }
    for (number, example) in examples::of(words).iter().enumerate() {
        match number {
            0 => more.control("SH", ["EXAMPLES"]),
            _ => more.control("PP", []),
        };
        for line in example.lines() {
            more.text([roman(line.trim_start())]);
            more.control("br", []);
        }
    }
    if !words.is_empty() {
        more.control("SH", ["SEE ALSO"]);
        let above = words.rsplit_once(' ').map_or("", |(above, _)| above);
        more.text(reference(above));
    }
    more.to_writer(&mut page)?;
    Ok(page)
}

/// The commands below one, with their pages.
fn commands(page: &mut Roff, command: &Command, words: &str) {
    if command.has_subcommands() {
        page.control("SH", ["COMMANDS"]);
    }
    for below in below(command) {
        let words = format!("{words} {}", below.get_name());
        page.control("TP", []);
        page.text(reference(words.trim_start()));
        let about = below.get_about().map(ToString::to_string);
        page.text([roman(about.unwrap_or_default())]);
    }
}

fn list<'a>(page: &mut Roff, heading: &str, terms: impl Iterator<Item = &'a (&'a str, &'a str)>) {
    page.control("SH", [heading]);
    for (term, text) in terms {
        page.control("TP", []);
        page.text([bold(*term)]);
        page.text([roman(*text)]);
    }
}

fn reference(words: &str) -> [clap_mangen::roff::Inline; 2] {
    let file = file(words);
    [bold(file.trim_end_matches(".1")), roman("(1)")]
}

fn file(words: &str) -> String {
    let parts = ["portreeve"].into_iter().chain(words.split_whitespace());
    format!("{}.1", parts.collect::<Vec<_>>().join("-"))
}

fn below(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|one| !one.is_hide_set())
}

/// What the program is, at more length than its help has room for.
const DESCRIPTION: &str = "A sidecar that decides every request, not every login.

It stands beside a service, proves who is at the other end with mutual TLS 1.3 and SPIFFE identities, puts each HTTP request to a \
Cedar policy, records the decision, and only then forwards it. Without a permit there is no request, and without room for the record \
there is none.";

const STATUSES: [(&str, &str); 4] = [
    ("0", "As wished."),
    (
        "1",
        "Something is wrong: standard error says what, and where.",
    ),
    ("2", "The command line is not understood."),
    ("3", "The answer is no."),
];

/// The commands whose answer may be no.
const ANSWERS: [&str; 4] = ["", "login", "policy explain", "policy test"];

type Terms = &'static [(&'static str, &'static str)];

/// What pages have besides: of which commands, under which heading.
const BESIDES: &[(&[&str], &str, Terms)] = &[
    (
        &["run"],
        "SIGNALS",
        &[
            (
                "SIGTERM, SIGINT",
                "Drain: say at /readyz that it is not ready, take no new connections after a second, let what is under way end, for \
                 as long as drain_deadline_ms says. A second one cuts what is left.",
            ),
            (
                "SIGHUP",
                "Read the policies again, and open the audit file again.",
            ),
        ],
    ),
    (
        &["authority"],
        "SIGNALS",
        &[
            ("SIGTERM, SIGINT", "End."),
            ("SIGHUP", "Open the audit file again."),
        ],
    ),
    (
        &["login", "logout", "token"],
        "ENVIRONMENT",
        &[(
            "XDG_STATE_HOME",
            "The folder that has the tokens of logins, in portreeve. Without it, ~/.local/state.",
        )],
    ),
    (
        &["", "check", "run"],
        "FILES",
        &[
            (
                "/etc/portreeve/portreeve.yaml",
                "The configuration that the service of systemd runs by.",
            ),
            ("/etc/portreeve/policy", "The folder of its policies."),
            (
                "/var/log/portreeve",
                "Where the service may write its records.",
            ),
            (
                "/var/lib/portreeve",
                "Where the service may keep what outlives it.",
            ),
            ("/run/portreeve", "Where the service may have its sockets."),
        ],
    ),
];
