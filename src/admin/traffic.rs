//! Who calls whom, how often, and what comes of it.
//!
//! It is counted from records, for one watcher, from when it begins to watch: the last
//! ten seconds, told each second. Nobody counts while nobody watches. Callers choose
//! hosts, so there is an end to how many pairs are told apart.

use crate::admin::answer::View;
use crate::admin::events;
use crate::admin::events::Source;
use crate::admin::spread::Spread;
use crate::admin::status::Page;
use crate::audit::Heard;
use crate::audit::Row;
use crate::audit::Watcher;
use serde::Serialize;
use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::time::Duration;

/// What one watcher is told of.
pub(super) struct Traffic {
    ledger: Ledger,
    view: View,
    watcher: Watcher,
}

/// The last seconds, each for itself, the current one last.
#[derive(Debug)]
struct Ledger {
    missed: u64,
    /// What comes in is for our own application, whatever callers call it.
    own: String,
    seconds: VecDeque<BTreeMap<Pair, Tally>>,
}

/// Who, and what they call.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd, Serialize)]
struct Pair {
    from: String,
    to: String,
    route: String,
    door: String,
}

#[derive(Clone, Debug, Default)]
struct Tally {
    denied: u64,
    errors: u64,
    refused: u64,
    requests: u64,
    spread: Spread,
}

/// What is told each second.
#[derive(Serialize)]
struct News {
    /// What the counts are of.
    seconds: usize,
    /// Records that came faster than they could be counted, since the watch began.
    missed: u64,
    pairs: Vec<Line>,
    status: Page,
}

#[derive(Debug, Serialize)]
struct Line {
    #[serde(flatten)]
    pair: Pair,
    requests: u64,
    /// The policy said no.
    denied: u64,
    /// The policy was not asked.
    refused: u64,
    /// Answered with 500 or above.
    errors: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    p50_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p99_us: Option<u64>,
}

impl Traffic {
    pub(super) fn new(view: View) -> Self {
        Self {
            ledger: Ledger::of(own(&view)),
            watcher: view.report.watch(),
            view,
        }
    }

    fn count_waiting(&mut self, most: usize) {
        for _ in 0..most {
            let Some(heard) = self.watcher.waiting() else {
                return;
            };
            self.ledger.count(&heard);
        }
    }

    fn news(&self) -> Vec<u8> {
        let news = News {
            seconds: self.ledger.seconds.len(),
            missed: self.ledger.missed,
            pairs: self.ledger.lines(),
            status: self.view.page(),
        };
        let mut event = Vec::new();
        match serde_json::to_vec(&news) {
            Ok(told) => events::append(&mut event, None, &told),
            Err(error) => tracing::error!(%error, "the traffic cannot be written"),
        }
        event
    }
}

impl Source for Traffic {
    const PACE: Duration = Duration::from_secs(1);

    async fn next(&mut self) -> Vec<u8> {
        let heard = self.watcher.next().await;
        self.ledger.count(&heard);
        self.count_waiting(MOST_AT_ONCE);
        Vec::new()
    }

    fn pulse(&mut self) -> Vec<u8> {
        let news = self.news();
        self.ledger.turn();
        news
    }

    fn last(&mut self) -> Vec<u8> {
        self.count_waiting(usize::MAX);
        self.news()
    }
}

/// Who we are.
fn own(view: &View) -> String {
    let identity = view.report.status().identity;
    identity
        .map(|identity| identity.spiffe_id.to_string())
        .unwrap_or_default()
}

impl Ledger {
    fn of(own: String) -> Self {
        Self {
            missed: 0,
            own,
            seconds: VecDeque::from([BTreeMap::new()]),
        }
    }

    fn count(&mut self, heard: &Heard) {
        match heard {
            Heard::Missed(lines) => self.missed += lines,
            Heard::Line(line) => {
                if let Some(row) = Row::read(line).filter(Row::is_record) {
                    self.add(row);
                }
            }
        }
    }

    fn add(&mut self, row: Row) {
        let is_error = row.status.is_some_and(|status| status >= 500);
        let (denied, refused) = (row.decision == "deny", row.decision == "refused");
        let took = row.duration_us;
        let Some(second) = self.seconds.back_mut() else {
            return;
        };
        let mut pair = Pair::of(row, &self.own);
        if second.len() >= MOST_PAIRS && !second.contains_key(&pair) {
            pair = Pair::others();
        }
        let tally = second.entry(pair).or_default();
        tally.requests += 1;
        tally.denied += u64::from(denied);
        tally.refused += u64::from(refused);
        tally.errors += u64::from(is_error);
        if let Some(micros) = took {
            tally.spread.add(micros);
        }
    }

    /// Begins the next second.
    fn turn(&mut self) {
        if self.seconds.len() >= SPAN_S {
            self.seconds.pop_front();
        }
        self.seconds.push_back(BTreeMap::new());
    }

    /// All pairs, the busiest first.
    fn lines(&self) -> Vec<Line> {
        let mut all: BTreeMap<&Pair, Tally> = BTreeMap::new();
        for (pair, tally) in self.seconds.iter().flatten() {
            all.entry(pair).or_default().merge(tally);
        }
        let mut lines: Vec<_> = all
            .into_iter()
            .map(|(pair, tally)| tally.line(pair))
            .collect();
        lines.sort_by_key(|line| std::cmp::Reverse(line.requests));
        lines.truncate(MOST_PAIRS);
        lines
    }
}

impl Tally {
    fn merge(&mut self, other: &Self) {
        self.denied += other.denied;
        self.errors += other.errors;
        self.refused += other.refused;
        self.requests += other.requests;
        self.spread.merge(&other.spread);
    }

    fn line(&self, pair: &Pair) -> Line {
        Line {
            pair: pair.clone(),
            requests: self.requests,
            denied: self.denied,
            refused: self.refused,
            errors: self.errors,
            p50_us: self.spread.percentile(50),
            p99_us: self.spread.percentile(99),
        }
    }
}

impl Pair {
    fn of(row: Row, own: &str) -> Self {
        let own = match row.door.as_str() {
            "inbound" | "probes" => own.to_owned(),
            _ => String::new(),
        };
        let mut named = [row.service, own, row.host, row.event].into_iter();
        let to = named.find(|name| !name.is_empty());
        Self {
            from: row.caller,
            to: to.unwrap_or_default(),
            route: row.route,
            door: row.door,
        }
    }

    /// All that are not told apart any more.
    fn others() -> Self {
        Self {
            from: "…".to_owned(),
            to: "…".to_owned(),
            ..Self::default()
        }
    }
}

/// What the counts are of.
const SPAN_S: usize = 10;
/// More than a person reads, and than a service has callers and routes.
const MOST_PAIRS: usize = 256;
/// How many lines are counted before others have their turn.
const MOST_AT_ONCE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(fields: &str) -> Heard {
        Heard::Line(format!("{{\"time\":\"T\",{fields}}}\n").into())
    }

    fn told(ledger: &Ledger) -> serde_json::Value {
        serde_json::to_value(ledger.lines()).unwrap()
    }

    #[test]
    fn pairs_are_told_with_what_came_of_their_requests_the_busiest_first() {
        let mut ledger = Ledger::of("me".to_owned());
        let web = r#""caller":"web","door":"inbound","route":"/{id}","host":"h""#;
        for (fields, times) in [
            (
                r#""caller":"db","door":"inbound","decision":"permit","service":"tcp""#,
                1,
            ),
            (
                &*format!("{web},\"decision\":\"permit\",\"status\":200,\"duration_us\":8"),
                2,
            ),
            (&*format!("{web},\"decision\":\"deny\",\"status\":403"), 1),
            (
                &*format!("{web},\"decision\":\"refused\",\"status\":503"),
                1,
            ),
            (r#""audit":"begins""#, 9),
        ] {
            for _ in 0..times {
                ledger.count(&heard(fields));
            }
        }
        let expected = serde_json::json!([
            {"from": "web", "to": "me", "route": "/{id}", "door": "inbound",
             "requests": 4, "denied": 1, "refused": 1, "errors": 1, "p50_us": 8, "p99_us": 8},
            {"from": "db", "to": "tcp", "route": "", "door": "inbound",
             "requests": 1, "denied": 0, "refused": 0, "errors": 0},
        ]);
        assert_eq!(told(&ledger), expected);
    }

    #[test]
    fn what_is_older_than_ten_seconds_is_told_no_more() {
        let mut ledger = Ledger::of("me".to_owned());
        ledger.count(&heard(r#""caller":"web""#));
        ledger.count(&Heard::Missed(3));
        for _ in 1..SPAN_S {
            ledger.turn();
            assert_eq!(ledger.lines().len(), 1);
        }
        ledger.turn();
        assert_eq!(
            (ledger.lines().len(), ledger.seconds.len(), ledger.missed),
            (0, SPAN_S, 3)
        );
    }

    #[test]
    fn callers_cannot_make_it_grow_without_end() {
        let mut ledger = Ledger::of("me".to_owned());
        for number in 0..MOST_PAIRS + 50 {
            ledger.count(&heard(&format!("\"door\":\"edge\",\"host\":\"{number}\"")));
        }
        let lines = ledger.lines();
        assert_eq!(lines.len(), MOST_PAIRS);
        assert_eq!((lines[0].pair.from.as_str(), lines[0].requests), ("…", 50));
    }
}
