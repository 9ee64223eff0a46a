//! `portreeve audit`: keys for checkpoints, and whether a log is whole.

use std::fs;
use std::fs::File;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap::Subcommand;
use rustix::io::Errno;
use zeroize::Zeroizing;

use crate::audit::LogSeen;
use crate::audit::Report;
use crate::audit::SigningKey;
use crate::audit::Verifier;
use crate::audit::VerifierKey;
use crate::audit::in_order;
use crate::cli::print;
use crate::cli::query;
use crate::cli::query::Query;
use crate::store;

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Make a key that checkpoints are signed with, and print what they are checked with
    ///
    /// The file, for `audit.checkpoints.key_file`, is made with mode 0600 and never overwritten. What is printed is no
    /// secret: `portreeve audit verify --key` takes it. Without `--name`, prints that of a key that is there already.
    Key {
        /// The key's file
        file: PathBuf,
        /// What the key is called, such as `orders.example.org`: who signs. Without spaces and `+`
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
    },
    /// Print the records that one looks for, as they are
    ///
    /// A value may end in `*`: what begins so. All that is given must fit. On a terminal a record is told in short,
    /// else, and with --json, as it is written. Exits with 0, or with 1 if a file cannot be read or has lines that are no
    /// records, which are named.
    Query(Box<Query>),
    /// Say whether a log is whole: nothing changed, taken out, moved, put in or cut off
    ///
    /// The files may be in any order. Says what is wrong, in which file and line and with which number, and what these
    /// files alone cannot show. Exits with 0 if nothing is wrong, with 1 if something is.
    Verify(Verify),
}

#[derive(Args, Debug)]
pub(super) struct Verify {
    /// The files of one log, rotated ones as well; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The key that checkpoints are checked with, as `portreeve audit key` has printed it
    #[arg(long, value_name = "NAME+ID+KEY")]
    key: Option<VerifierKey>,
    /// A checkpoint that was kept elsewhere, as `/audit/checkpoint` shows it. Any number of them
    #[arg(long, value_name = "FILE", requires = "key")]
    checkpoint: Vec<PathBuf>,
    /// Print all that was found as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn audit(command: AuditCommand) -> ExitCode {
    match command {
        AuditCommand::Key { file, name } => key(&file, name.as_deref()),
        AuditCommand::Query(wanted) => query::query(*wanted),
        AuditCommand::Verify(wanted) => verify(wanted),
    }
}

fn key(file: &Path, name: Option<&str>) -> ExitCode {
    let Some(name) = name else {
        return match fs::read_to_string(file).map(|text| text.parse::<SigningKey>()) {
            Ok(Ok(key)) => {
                print::line(key.verifier());
                ExitCode::SUCCESS
            }
            Ok(Err(error)) => unreadable(file, &error),
            Err(error) => unreadable(file, &error),
        };
    };
    let made = SigningKey::generate(name).and_then(|key| Ok((key.secret()?, key)));
    let (secret, key) = match made {
        Ok(made) => made,
        Err(error) => return print::failure(&error),
    };
    let text = Zeroizing::new(format!("{}\n", *secret));
    match store::create_secret(file, text.as_bytes()) {
        Ok(true) => {
            print::line(key.verifier());
            ExitCode::SUCCESS
        }
        Ok(false) => unreadable(file, &io::Error::from(Errno::EXIST)),
        Err(error) => print::failure(&error),
    }
}

/// An error about `file`.
fn unreadable(file: &Path, error: &dyn std::error::Error) -> ExitCode {
    print::complaint(format_args!(
        "portreeve: {}: {}",
        file.display(),
        print::chain(error)
    ));
    ExitCode::FAILURE
}

fn verify(wanted: Verify) -> ExitCode {
    let mut verifier = Verifier::new(wanted.key);
    for file in &wanted.checkpoint {
        let note = match fs::read_to_string(file) {
            Ok(note) => note,
            Err(error) => return unreadable(file, &error),
        };
        if let Err(error) = verifier.keep(&file.to_string_lossy(), &note) {
            return unreadable(file, &error);
        }
    }
    let (files, heads): (Vec<_>, Vec<_>) = match wanted
        .files
        .iter()
        .map(|file| Ok((file, open(file)?)))
        .collect()
    {
        Ok(opened) => opened,
        Err((file, error)) => return unreadable(&file, &error),
    };
    let lines: Vec<_> = heads.iter().map(|(head, _)| head.clone()).collect();
    let mut opened: Vec<_> = files.into_iter().zip(heads).map(Some).collect();
    for at in in_order(&lines) {
        let Some((file, (head, rest))) = opened.get_mut(at).and_then(Option::take) else {
            continue;
        };
        let whole = io::Cursor::new(head).chain(rest);
        if let Err(error) = verifier.read(&file.to_string_lossy(), whole) {
            return unreadable(file, &error);
        }
    }
    let report = verifier.finish();
    match (wanted.json, serde_json::to_string(&report)) {
        (true, Ok(text)) => print::line(text),
        _ => tell(&report),
    }
    if report.is_whole() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

type Opened = (Vec<u8>, Box<dyn BufRead>);

/// The file's first line, and what follows it.
fn open(file: &Path) -> Result<Opened, (PathBuf, io::Error)> {
    let failed = |error| (file.to_owned(), error);
    let mut rest = reader(file).map_err(failed)?;
    let mut head = Vec::new();
    // A line that is longer is none of ours, and read on as it comes.
    let read = (&mut rest)
        .take(MOST_HEAD_BYTES)
        .read_until(b'\n', &mut head);
    read.map_err(failed)?;
    Ok((head, rest))
}

/// What `file` has; standard input for `-`.
pub(super) fn reader(file: &Path) -> io::Result<Box<dyn BufRead>> {
    if file == Path::new("-") {
        return Ok(Box::new(BufReader::with_capacity(
            BUFFER_BYTES,
            io::stdin(),
        )));
    }
    Ok(Box::new(BufReader::with_capacity(
        BUFFER_BYTES,
        File::open(file)?,
    )))
}

fn tell(report: &Report) {
    for one in &report.wrong {
        let number = one.seq.map(|seq| format!(" (line {seq} of the chain)"));
        let (file, line, number) = (&one.file, one.line, number.unwrap_or_default());
        print::complaint(format_args!("{file}:{line}{number}: {}", one.text));
    }
    if report.more_wrong > 0 {
        print::complaint(format_args!("and {} more", report.more_wrong));
    }
    for torn in &report.torn {
        print::line(format_args!("torn: {torn}"));
    }
    for unproven in &report.unproven {
        print::line(format_args!("not proven: {unproven}"));
    }
    for log in &report.logs {
        print::line(seen(log));
    }
    let Report {
        files,
        lines,
        records,
        bytes,
        ..
    } = report;
    let wrong = match u64::try_from(report.wrong.len()).unwrap_or(0) + report.more_wrong {
        0 => "nothing is wrong".to_owned(),
        1 => "one thing is wrong".to_owned(),
        many => format!("{many} things are wrong"),
    };
    print::line(format_args!(
        "{records} records in {lines} lines, {bytes} bytes, {files} files: {wrong}"
    ));
}

fn seen(log: &LogSeen) -> String {
    let LogSeen {
        log,
        first_seq,
        last_seq,
        checkpoints,
        signed_to,
        kept_to,
    } = log;
    let mut text =
        format!("log {log}: lines {first_seq} to {last_seq}, {checkpoints} checkpoints in it");
    if *signed_to > 0 {
        text.push_str(&format!(", the last of line {signed_to}"));
    }
    if *kept_to > 0 {
        text.push_str(&format!("; as kept elsewhere up to line {kept_to}"));
    }
    text
}

/// Read at a time.
const BUFFER_BYTES: usize = 256 * 1024;

/// More than the first line of any of our files has.
const MOST_HEAD_BYTES: u64 = 1024 * 1024;
