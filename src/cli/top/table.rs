//! The table, for a screen of any size.

use std::cmp::Reverse;

use jiff::Timestamp;

use crate::cli::colour::Palette;
use crate::cli::colour::Tone;
use crate::cli::shown::shown;
use crate::cli::top::news::News;
use crate::cli::top::news::Pair;
use crate::cli::top::news::Status;
use crate::time::Clock as _;
use crate::time::SystemClock;

/// What is shown.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) palette: Palette,
    pub(super) news: Option<News>,
    pub(super) sort: Sort,
}

/// What comes first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sort {
    Denied,
    Errors,
    Requests,
    Slowest,
}

impl Sort {
    pub(super) const fn next(self) -> Self {
        match self {
            Self::Requests => Self::Denied,
            Self::Denied => Self::Errors,
            Self::Errors => Self::Slowest,
            Self::Slowest => Self::Requests,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Denied => "denials",
            Self::Errors => "errors",
            Self::Requests => "requests",
            Self::Slowest => "p99",
        }
    }

    fn key(self, pair: &Pair) -> u64 {
        match self {
            Self::Denied => pair.denied + pair.refused,
            Self::Errors => pair.errors,
            Self::Requests => pair.requests,
            Self::Slowest => pair.p99_us.unwrap_or(0),
        }
    }
}

impl Table {
    /// What is shown on a screen of so many columns and rows: never more rows.
    pub(super) fn lines(&self, columns: usize, rows: usize) -> Vec<String> {
        let Some(news) = &self.news else {
            return vec!["waiting for the first second …".to_owned()];
        };
        let mut lines = head(&news.status, self.palette);
        lines.push(sums(news));
        lines.push(String::new());
        let layout = Layout::of(columns);
        let titles = ["PER S", "DENIED", "REFUSED", "ERRORS", "P50 MS", "P99 MS"];
        let titles = layout.line(["CALLER", "ROUTE", "DOOR"], &titles.map(str::to_owned));
        lines.push(Tone::Strong.paint(&titles, self.palette));
        let mut pairs: Vec<_> = news.pairs.iter().collect();
        pairs.sort_by_key(|pair| Reverse((self.sort.key(pair), pair.requests)));
        let room = rows.saturating_sub(lines.len() + 1);
        let seconds = news.seconds.max(1);
        lines.extend(
            pairs
                .iter()
                .take(room)
                .map(|pair| self.row(pair, seconds, layout)),
        );
        let hidden = pairs.len().saturating_sub(room);
        let more = if hidden > 0 {
            format!(", {hidden} more")
        } else {
            String::new()
        };
        let foot = format!("q quits, s sorts (now by {}){more}", self.sort.name());
        lines.push(Tone::Faint.paint(&foot, self.palette));
        lines.truncate(rows.max(1));
        lines
    }

    fn row(&self, pair: &Pair, seconds: u64, layout: Layout) -> String {
        let from = if pair.from.is_empty() {
            "nobody known"
        } else {
            &pair.from
        };
        let to = if pair.route.is_empty() {
            &pair.to
        } else {
            &pair.route
        };
        let some = |count| {
            if count == 0 {
                "-".to_owned()
            } else {
                rate(count, seconds)
            }
        };
        let numbers = [
            rate(pair.requests, seconds),
            some(pair.denied),
            some(pair.refused),
            some(pair.errors),
            millis(pair.p50_us),
            millis(pair.p99_us),
        ];
        let line = layout.line([from, to, &pair.door], &numbers);
        if pair.denied + pair.refused + pair.errors > 0 {
            Tone::Bad.paint(&line, self.palette)
        } else {
            line
        }
    }
}

fn head(status: &Status, palette: Palette) -> Vec<String> {
    let identity = status.identity.as_ref();
    let who = identity.map_or("portreeve", |identity| &identity.spiffe_id);
    let ready = if status.ready {
        Tone::Good.paint("ready", palette)
    } else {
        let missing: Vec<_> = status
            .not_ready
            .iter()
            .map(|one| shown(&one.condition))
            .collect();
        Tone::Bad.paint(&format!("not ready: {}", missing.join(", ")), palette)
    };
    let ends = identity.and_then(|identity| identity.not_after.as_deref()?.parse().ok());
    let ends = ends.map(|at| format!("certificate ends in {}", left(at)));
    let policy = status.policy.as_ref();
    let policy = policy.map(|policy| {
        let revision: String = policy.revision.chars().take(12).collect();
        format!("policy {}", shown(&revision))
    });
    let live = format!(
        "{} in flight on {} connections",
        status.live.streams, status.live.connections
    );
    let second: Vec<_> = [ends, policy, Some(live)].into_iter().flatten().collect();
    vec![
        format!("{}  {ready}", Tone::Strong.paint(&shown(who), palette)),
        second.join(", "),
    ]
}

fn sums(news: &News) -> String {
    let seconds = news.seconds.max(1);
    let sum = |of: fn(&Pair) -> u64| rate(news.pairs.iter().map(of).sum(), seconds);
    let missed = if news.missed > 0 {
        format!(", {} records too fast to be counted", news.missed)
    } else {
        String::new()
    };
    format!(
        "{} requests/s, {} denied/s, {} refused/s, {} errors/s over {} s{missed}",
        sum(|pair| pair.requests),
        sum(|pair| pair.denied),
        sum(|pair| pair.refused),
        sum(|pair| pair.errors),
        news.seconds,
    )
}

/// How wide columns are.
#[derive(Clone, Copy, Debug)]
struct Layout {
    from: usize,
    to: usize,
    /// Whether there is room for all columns.
    is_whole: bool,
}

impl Layout {
    fn of(columns: usize) -> Self {
        let is_whole = columns >= LEAST_WHOLE;
        let numbers = if is_whole {
            6 * NUMBER + DOOR
        } else {
            3 * NUMBER
        };
        let texts = columns.saturating_sub(numbers).max(2 * LEAST_TEXT);
        let from = texts / 2;
        Self {
            from,
            to: texts - from,
            is_whole,
        }
    }

    fn line(self, [from, to, door]: [&str; 3], numbers: &[String; 6]) -> String {
        let mut line = cell(from, self.from) + &cell(to, self.to);
        if self.is_whole {
            line.push_str(&cell(door, DOOR));
        }
        for (nth, number) in numbers.iter().enumerate() {
            if self.is_whole || NARROW.contains(&nth) {
                line.push_str(&format!("{number:>NUMBER$}"));
            }
        }
        line
    }
}

/// `text` in so many columns, with a blank at its end. The end of a name says most.
fn cell(text: &str, width: usize) -> String {
    let text = shown(text);
    let (length, most) = (text.chars().count(), width.saturating_sub(1));
    let fits = if length > most {
        let end: String = text.chars().skip(length - most.saturating_sub(1)).collect();
        format!("…{end}")
    } else {
        text
    };
    format!("{fits:<width$}")
}

/// In tenths, without a float.
fn rate(count: u64, seconds: u64) -> String {
    let tenths = count * 10 / seconds;
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn millis(micros: Option<u64>) -> String {
    micros.map_or_else(
        || "-".to_owned(),
        |us| format!("{}.{}", us / 1_000, us % 1_000 / 100),
    )
}

fn left(at: Timestamp) -> String {
    let now = Timestamp::try_from(SystemClock.now()).unwrap_or_default();
    let seconds = (at.as_second() - now.as_second()).max(0);
    match seconds {
        172_800.. => format!("{} days", seconds / 86_400),
        3_600.. => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

const NUMBER: usize = 9;
const DOOR: usize = 10;
const LEAST_TEXT: usize = 12;
const LEAST_WHOLE: usize = 6 * NUMBER + DOOR + 2 * 16;
/// Requests, denials and p99.
const NARROW: [usize; 3] = [0, 1, 5];

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: &[u8] = br#"{"seconds":10,"missed":0,"pairs":[
        {"from":"spiffe://example.org/ns/default/sa/web\u001b[2J","to":"orders","route":"orders:/orders/{id}","door":"inbound","requests":123,"denied":0,"refused":0,"errors":0,"p50_us":1250,"p99_us":9000},
        {"from":"","to":"h","route":"","door":"inbound","requests":3,"denied":2,"refused":1,"errors":0}],
        "status":{"version":"0","ready":true,"identity":{"spiffe_id":"spiffe://example.org/orders","not_after":"2020-01-01T00:00:00Z"},"policy":{"revision":"0123456789abcdef"},"live":{"connections":2,"streams":3}}}"#;

    fn table() -> Table {
        Table {
            palette: Palette::Plain,
            news: News::read(TOLD),
            sort: Sort::Requests,
        }
    }

    #[test]
    fn all_is_there_on_a_wide_screen() {
        let lines = table().lines(120, 24);
        assert_eq!(lines[0], "spiffe://example.org/orders  ready");
        assert_eq!(
            lines[1],
            "certificate ends in 0 min 0 s, policy 0123456789ab, 3 in flight on 2 connections"
        );
        assert_eq!(
            lines[2],
            "12.6 requests/s, 0.2 denied/s, 0.1 refused/s, 0.0 errors/s over 10 s"
        );
        assert!(
            lines[4].starts_with("CALLER ") && lines[4].ends_with("P50 MS   P99 MS"),
            "{lines:#?}"
        );
        assert!(
            lines[5].starts_with("….org/ns/default/sa/web\u{fffd}[2J orders:"),
            "{lines:#?}"
        );
        let words: Vec<_> = lines[6].split_whitespace().collect();
        assert_eq!(
            words,
            [
                "nobody", "known", "h", "inbound", "0.3", "0.2", "0.1", "-", "-", "-"
            ]
        );
    }

    #[test]
    fn it_fits_a_screen_of_any_size() {
        for columns in [0, 1, 40, 80, 95, 96, 97, 200] {
            for rows in 0..12 {
                let lines = table().lines(columns, rows);
                assert!(lines.len() <= rows.max(1), "{columns} {rows}");
                if columns >= 60 {
                    let widest = lines.iter().skip(3).map(|line| line.chars().count()).max();
                    assert!(
                        widest.unwrap_or(0) <= columns,
                        "{columns} {rows} {lines:#?}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_it_is_sorted_by_comes_first_and_is_said() {
        let mut table = table();
        let first = |table: &Table| {
            table.lines(120, 24)[5]
                .split_whitespace()
                .next()
                .unwrap()
                .to_owned()
        };
        assert!(first(&table).starts_with('…'));
        table.sort = table.sort.next();
        assert_eq!(
            (table.sort, first(&table).as_str()),
            (Sort::Denied, "nobody")
        );
        assert!(
            table
                .lines(120, 24)
                .last()
                .unwrap()
                .contains("now by denials")
        );
        let all = std::iter::successors(Some(Sort::Requests), |sort| Some(sort.next())).skip(1);
        assert_eq!(all.take_while(|sort| *sort != Sort::Requests).count(), 3);
    }

    #[test]
    fn what_is_not_known_of_a_newer_sidecar_is_left_out() {
        assert!(News::read(br#"{"new":1}"#).is_some());
        assert!(News::read(b"[]").is_none_or(|news| news.pairs.is_empty()));
        assert!(News::read(b"no").is_none());
    }
}
