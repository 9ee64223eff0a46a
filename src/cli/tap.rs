//! `portreeve tap`: decisions as they happen.

use std::io::IsTerminal as _;
use std::io::stdout;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Args;

use crate::audit::Filter;
use crate::audit::Row;
use crate::cli::colour::Palette;
use crate::cli::colour::Tone;
use crate::cli::colour::When;
use crate::cli::health;
use crate::cli::print;
use crate::cli::runtime;
use crate::cli::shown::shown;
use crate::cli::watch::Told;
use crate::cli::watch::Watch;

/// What is to be shown, and how. A text that ends in `*` is how one begins.
#[derive(Args, Debug)]
pub(super) struct Tap {
    /// The sidecar's `admin.listen`
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:15020", value_parser = health::address)]
    admin: SocketAddr,
    #[command(flatten)]
    wishes: Wishes,
    /// Print each record as it is written, also on a terminal
    #[arg(long)]
    json: bool,
    /// When there is colour; `always` is for people also where there is no terminal
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: When,
}

/// As `/records` has them in its query.
#[derive(Args, Debug)]
struct Wishes {
    /// Who calls: a SPIFFE ID, `<provider>/<sub>`
    #[arg(long)]
    caller: Option<String>,
    /// `permit`, `deny` or `refused`
    #[arg(long)]
    decision: Option<String>,
    /// `inbound`, `outbound`, `edge` or `probes`
    #[arg(long)]
    door: Option<String>,
    /// What was done, where it is no request, such as `svid_issued`
    #[arg(long)]
    event: Option<String>,
    /// The host that a request is for
    #[arg(long)]
    host: Option<String>,
    /// The method
    #[arg(long)]
    method: Option<String>,
    /// The path
    #[arg(long)]
    path: Option<String>,
    /// One of the policies that decided, or that say no since
    #[arg(long)]
    policy: Option<String>,
    /// Why: `forbidden`, `no_permit`, `abandoned` and the like
    #[arg(long)]
    reason: Option<String>,
    /// The route, such as `/orders/{id}`
    #[arg(long)]
    route: Option<String>,
    /// The session's short name
    #[arg(long)]
    session: Option<String>,
    /// What was answered: `404`, or `5xx`
    #[arg(long)]
    status: Option<String>,
    /// The trace
    #[arg(long)]
    trace: Option<String>,
}

impl Wishes {
    fn pairs(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("caller", &self.caller),
            ("decision", &self.decision),
            ("door", &self.door),
            ("event", &self.event),
            ("host", &self.host),
            ("method", &self.method),
            ("path", &self.path),
            ("policy", &self.policy),
            ("reason", &self.reason),
            ("route", &self.route),
            ("session", &self.session),
            ("status", &self.status),
            ("trace", &self.trace),
        ];
        let said = all.into_iter();
        said.filter_map(|(name, value)| Some((name, value.as_deref()?)))
            .collect()
    }
}

/// How records are shown.
#[derive(Clone, Copy, Debug)]
enum Manner {
    Json,
    Text(Palette),
}

/// Shows records until the sidecar ends, or somebody ends us.
pub(super) fn tap(wanted: &Tap) -> ExitCode {
    let pairs = wanted.wishes.pairs();
    // Before anybody is asked: what cannot be is a mistake of the command line.
    if let Err(error) = Filter::read(pairs.clone()) {
        print::complaint(format_args!("portreeve: {}", print::chain(&error)));
        return ExitCode::from(2);
    }
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    let manner = manner(wanted);
    runtime::run(async {
        let path = format!("/records?{query}");
        tokio::select! {
            code = watch(wanted.admin, &path, manner) => code,
            _interrupted = tokio::signal::ctrl_c() => ExitCode::SUCCESS,
        }
    })
}

fn manner(wanted: &Tap) -> Manner {
    let is_for_people = stdout().is_terminal() || wanted.color == When::Always;
    if wanted.json || !is_for_people {
        return Manner::Json;
    }
    Manner::Text(wanted.color.palette())
}

async fn watch(admin: SocketAddr, path: &str, manner: Manner) -> ExitCode {
    let mut window = match Watch::open(admin, path).await {
        Ok(window) => window,
        Err(code) => return code,
    };
    loop {
        let line = match window.next().await {
            Ok(Told::Event(record)) => told(&record, manner),
            Ok(Told::Missed(lines)) => {
                print::complaint(format_args!(
                    "portreeve: {lines} records came too fast and are left out; the log has them"
                ));
                continue;
            }
            Ok(Told::End) => {
                print::complaint("portreeve: the sidecar has ended");
                return ExitCode::SUCCESS;
            }
            Err(code) => return code,
        };
        // Whoever reads has gone, as `head` does.
        if print::whole(&line).is_err() {
            return ExitCode::SUCCESS;
        }
    }
}

fn told(record: &[u8], manner: Manner) -> Vec<u8> {
    let text = match manner {
        Manner::Text(palette) => Row::read(record).map(|row| short(&row, palette).into_bytes()),
        Manner::Json => None,
    };
    let mut line = text.unwrap_or_else(|| record.to_vec());
    line.push(b'\n');
    line
}

/// A record in one line of a screen.
fn short(row: &Row, palette: Palette) -> String {
    // The day is today.
    let time = row.time.get(11..23).unwrap_or(&row.time);
    let tone = if row.decision == "permit" {
        Tone::Good
    } else {
        Tone::Bad
    };
    let mut words = vec![
        Tone::Faint.paint(&shown(time), palette),
        tone.paint(&format!("{:<7}", shown(&row.decision)), palette),
        row.status
            .map_or_else(|| "  –".to_owned(), |status| status.to_string()),
    ];
    let what = [&row.method, &row.event].map(|text| shown(text));
    words.extend(what);
    words.push(shown(if row.path.is_empty() {
        &row.host
    } else {
        &row.path
    }));
    if !row.caller.is_empty() {
        words.push(format!("by {}", shown(&row.caller)));
    }
    let to = [&row.service, &row.route].into_iter();
    words.extend(
        to.filter(|to| !to.is_empty() && **to != row.path)
            .map(|to| format!("→ {}", shown(to))),
    );
    for why in [&row.reason, &row.withdrawn_reason] {
        if !why.is_empty() {
            words.push(Tone::Bad.paint(&format!("({})", shown(why)), palette));
        }
    }
    let policies: Vec<_> = row
        .policies
        .iter()
        .chain(&row.withdrawn_policies)
        .map(|policy| shown(policy))
        .collect();
    if !policies.is_empty() {
        words.push(format!("[{}]", policies.join(", ")));
    }
    let took = row
        .duration_us
        .map(|us| format!("{}.{} ms", us / 1_000, us % 1_000 / 100));
    words.extend(took.map(|took| Tone::Faint.paint(&took, palette)));
    words.retain(|word| !word.is_empty());
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &[u8] = br#"{"time":"2027-01-15T12:00:00.123456Z","door":"inbound","caller":"spiffe://a/web","method":"GET","path":"/\u001b[2J\u202e","route":"/{id}","decision":"deny","reason":"forbidden","policies":["p\u0007","q"],"status":403,"duration_us":1250}"#;

    #[test]
    fn a_record_is_one_line_that_does_not_order_the_terminal_about() {
        let line = told(RECORD, Manner::Text(Palette::Plain));
        assert_eq!(
            String::from_utf8(line).unwrap(),
            "12:00:00.123 deny    403 GET /\u{fffd}[2J\u{fffd} by spiffe://a/web → /{id} (forbidden) [p\u{fffd}, q] 1.2 ms\n"
        );
    }

    #[test]
    fn colour_is_all_that_is_added_where_there_is_some() {
        let coloured = String::from_utf8(told(RECORD, Manner::Text(Palette::Coloured))).unwrap();
        assert!(
            coloured.contains("\u{1b}[31mdeny   \u{1b}[0m"),
            "{coloured:?}"
        );
        let mut bare = coloured;
        for code in ["\u{1b}[31m", "\u{1b}[2m", "\u{1b}[0m"] {
            bare = bare.replace(code, "");
        }
        assert_eq!(
            bare.into_bytes(),
            told(RECORD, Manner::Text(Palette::Plain))
        );
    }

    #[test]
    fn json_is_the_record_itself() {
        assert_eq!(told(RECORD, Manner::Json), [RECORD, b"\n"].concat());
    }
}
