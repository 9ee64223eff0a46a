//! `portreeve audit query`: the records that one looks for.

use std::io;
use std::io::BufRead as _;
use std::io::IsTerminal as _;
use std::io::Read as _;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;

use crate::audit::Filter;
use crate::audit::Row;
use crate::audit::Wanted;
use crate::audit::WantedStatus;
use crate::cli::audit::reader;
use crate::cli::print;
use crate::cli::shown::shown;
use crate::time::Clock as _;
use crate::time::SystemClock;

#[derive(Args, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "switches, as they are typed")]
pub(super) struct Query {
    /// The files; `-` is standard input. They are read in this order
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Who calls: a SPIFFE ID, `<provider>/<sub>`, `anonymous`
    #[arg(long)]
    caller: Option<Wanted>,
    /// `permit`, `deny` or `refused`
    #[arg(long)]
    decision: Option<Wanted>,
    /// `inbound`, `outbound`, `edge` or `probes`
    #[arg(long)]
    door: Option<Wanted>,
    /// What was done, where it is no request, such as `svid_issued`
    #[arg(long)]
    event: Option<Wanted>,
    /// The host that a request is for
    #[arg(long)]
    host: Option<Wanted>,
    /// The record's name, as a refused caller is told it
    #[arg(long)]
    id: Option<Wanted>,
    /// The method
    #[arg(long)]
    method: Option<Wanted>,
    /// The path
    #[arg(long)]
    path: Option<Wanted>,
    /// One of the policies that decided, or that say no since
    #[arg(long)]
    policy: Option<Wanted>,
    /// Why: `forbidden`, `no_permit`, `abandoned` and the like
    #[arg(long)]
    reason: Option<Wanted>,
    /// The route, such as `/orders/{id}`
    #[arg(long)]
    route: Option<Wanted>,
    /// The session's short name
    #[arg(long)]
    session: Option<Wanted>,
    /// What arrived then or later: RFC 3339, or how long ago, such as `-90m` or `-2d`
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    since: Option<When>,
    /// What was answered: `404`, or `5xx`
    #[arg(long)]
    status: Option<WantedStatus>,
    /// The trace
    #[arg(long)]
    trace: Option<Wanted>,
    /// What arrived before then
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    until: Option<When>,
    /// Print only how many there are
    #[arg(long)]
    count: bool,
    /// Print each as it is written, also on a terminal
    #[arg(long)]
    json: bool,
}

/// A moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum When {
    Ago(Duration),
    At(Timestamp),
}

/// A text that is no moment.
#[derive(Debug, thiserror::Error)]
#[error(
    "it is neither a date, such as `2026-11-28T22:15:00Z`, nor how long ago, such as `-90m`: s, m, h, d or w"
)]
struct WhenError;

impl std::str::FromStr for When {
    type Err = WhenError;

    fn from_str(text: &str) -> Result<Self, WhenError> {
        let Some(ago) = text.strip_prefix('-') else {
            return text.parse().map(Self::At).map_err(|_date| WhenError);
        };
        let unit = ago.chars().last().ok_or(WhenError)?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return Err(WhenError),
        };
        let number = ago
            .strip_suffix(unit)
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        let number: u64 = number.and_then(|text| text.parse().ok()).ok_or(WhenError)?;
        let seconds = number.checked_mul(seconds).ok_or(WhenError)?;
        Ok(Self::Ago(Duration::from_secs(seconds)))
    }
}

impl When {
    /// As records write dates.
    fn written(self) -> String {
        let at = match self {
            Self::At(at) => at,
            Self::Ago(ago) => {
                let now = Timestamp::try_from(SystemClock.now()).unwrap_or_default();
                now.checked_sub(ago).unwrap_or(Timestamp::UNIX_EPOCH)
            }
        };
        format!("{at:.6}")
    }
}

pub(super) fn query(wanted: Query) -> ExitCode {
    let Query {
        files, count, json, ..
    } = &wanted;
    let manner = match (count, *json || !io::stdout().is_terminal()) {
        (true, _) => Manner::Count,
        (false, true) => Manner::Written,
        (false, false) => Manner::Short,
    };
    let files = files.clone();
    let mut search = Search {
        filter: filter(wanted),
        found: 0,
        is_broken: false,
        manner,
    };
    for file in &files {
        match search.read(file) {
            Ok(true) => {}
            // Nobody reads any more, as after `head`.
            Ok(false) => return ExitCode::SUCCESS,
            Err(error) => {
                print::complaint(format_args!("portreeve: {}: {error}", file.display()));
                search.is_broken = true;
            }
        }
    }
    if matches!(search.manner, Manner::Count) {
        print::line(search.found);
    }
    if search.is_broken {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn filter(wanted: Query) -> Filter {
    Filter {
        caller: wanted.caller,
        decision: wanted.decision,
        door: wanted.door,
        event: wanted.event,
        host: wanted.host,
        id: wanted.id,
        method: wanted.method,
        path: wanted.path,
        policy: wanted.policy,
        reason: wanted.reason,
        route: wanted.route,
        session: wanted.session,
        since: wanted.since.map(When::written),
        status: wanted.status,
        trace: wanted.trace,
        until: wanted.until.map(When::written),
    }
}

/// How what is found is told.
#[derive(Clone, Copy, Debug)]
enum Manner {
    Count,
    Short,
    Written,
}

struct Search {
    filter: Filter,
    found: u64,
    is_broken: bool,
    manner: Manner,
}

impl Search {
    /// Looks through `file`. Answers whether anybody still reads what is found.
    fn read(&mut self, file: &Path) -> io::Result<bool> {
        let mut from = reader(file)?;
        let mut to = io::BufWriter::new(io::stdout().lock());
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            if (&mut from).take(MOST_BYTES).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            let Some(row) = Row::read(text) else {
                self.is_broken = true;
                let file = file.display();
                print::complaint(format_args!(
                    "{file}:{number}: this is no record: `portreeve audit verify` says more"
                ));
                continue;
            };
            if !self.filter.takes(&row) {
                continue;
            }
            self.found += 1;
            let told = match self.manner {
                Manner::Count => Ok(()),
                Manner::Written => to.write_all(text).and_then(|()| to.write_all(b"\n")),
                Manner::Short => writeln!(to, "{}", short(&row)),
            };
            if told.is_err() {
                return Ok(false);
            }
        }
        Ok(to.flush().is_ok())
    }
}

/// A record in one line of a screen.
fn short(row: &Row) -> String {
    let mut words = vec![shown(&row.time), shown(&row.decision)];
    words.extend(row.status.map(|status| status.to_string()));
    for text in [&row.event, &row.method] {
        words.push(shown(text));
    }
    words.push(format!("{}{}", shown(&row.host), shown(&row.path)));
    if !row.caller.is_empty() {
        words.push(format!("by {}", shown(&row.caller)));
    }
    if !row.reason.is_empty() {
        words.push(format!("({})", shown(&row.reason)));
    }
    if !row.policies.is_empty() {
        words.push(format!("[{}]", shown(&row.policies.join(", "))));
    }
    words.extend(row.duration_us.map(|micros| format!("{micros} us")));
    words.retain(|word| !word.is_empty());
    words.join(" ")
}

/// More than the longest line has.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_date_or_how_long_ago() {
        let ago = |seconds| Some(When::Ago(Duration::from_secs(seconds)));
        let read = |text: &str| text.parse::<When>().ok();
        assert_eq!(
            [
                read("-90m"),
                read("-2d"),
                read("-1h"),
                read("-5s"),
                read("-1w")
            ],
            [ago(5400), ago(172_800), ago(3600), ago(5), ago(604_800)]
        );
        let at = read("2027-01-15T13:00:00+01:00").unwrap();
        assert_eq!(at.written(), "2027-01-15T12:00:00.000000Z");
        for text in [
            "",
            "-",
            "-1",
            "-h",
            "1h",
            "-1y",
            "-+1h",
            "-99999999999999999999h",
            "2027-01-15",
            "yesterday",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_record_in_short_does_not_order_the_terminal_about() {
        let line = br#"{"time":"T","decision":"deny","status":403,"method":"GET","host":"h","path":"/\u001b[2J\u202e","caller":"a","reason":"forbidden","policies":["p"],"duration_us":7}"#;
        let row = Row::read(line).unwrap();
        assert_eq!(
            short(&row),
            "T deny 403 GET h/\u{fffd}[2J\u{fffd} by a (forbidden) [p] 7 us"
        );
    }
}
