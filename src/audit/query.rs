//! Looking for records: what is wanted of a line, and what a line says.

use serde::Deserialize;
use std::str::FromStr;

/// What is wanted of a record. What is `None` may be anything.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Who calls.
    pub caller: Option<Wanted>,
    /// `permit`, `deny` or `refused`.
    pub decision: Option<Wanted>,
    /// Which door.
    pub door: Option<Wanted>,
    /// What was done, where it is no request.
    pub event: Option<Wanted>,
    /// The host that it is for.
    pub host: Option<Wanted>,
    /// The record's name.
    pub id: Option<Wanted>,
    /// The method.
    pub method: Option<Wanted>,
    /// The path.
    pub path: Option<Wanted>,
    /// One of the policies that decided, or that say no since.
    pub policy: Option<Wanted>,
    /// Why.
    pub reason: Option<Wanted>,
    /// The route.
    pub route: Option<Wanted>,
    /// The session.
    pub session: Option<Wanted>,
    /// Not before this date, as records write dates.
    pub since: Option<String>,
    /// The status.
    pub status: Option<WantedStatus>,
    /// The trace.
    pub trace: Option<Wanted>,
    /// Before this date, as records write dates.
    pub until: Option<String>,
}

/// A text, or how one begins: `spiffe://example.org/ns/shop/*`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Wanted {
    /// It begins so.
    Beginning(String),
    /// It is so.
    Whole(String),
}

impl Wanted {
    fn fits(&self, found: &str) -> bool {
        match self {
            Self::Beginning(wanted) => found.starts_with(wanted.as_str()),
            Self::Whole(wanted) => found == wanted,
        }
    }
}

impl FromStr for Wanted {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let beginning = text
            .strip_suffix('*')
            .map(|text| Self::Beginning(text.to_owned()));
        Ok(beginning.unwrap_or_else(|| Self::Whole(text.to_owned())))
    }
}

/// A status, or a hundred of them: `404`, `5xx`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WantedStatus {
    least: u16,
    most: u16,
}

/// A text that is no status.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("it is neither a status, such as `404`, nor a hundred of them, such as `4xx`")]
pub struct StatusError;

impl FromStr for WantedStatus {
    type Err = StatusError;

    fn from_str(text: &str) -> Result<Self, StatusError> {
        let (digits, most) = match text.strip_suffix("xx") {
            Some(digits) => (format!("{digits}00"), 99),
            None => (text.to_owned(), 0),
        };
        match digits.parse() {
            Ok(least @ 100..=999) if digits.len() == 3 => Ok(Self {
                least,
                most: least + most,
            }),
            _ => Err(StatusError),
        }
    }
}

/// What a record says, as far as one can look for it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Row {
    /// When it arrived.
    pub time: String,
    /// Not empty: it is about the log, and no record.
    pub audit: String,
    /// The record's name.
    pub id: String,
    /// The trace.
    pub trace_id: String,
    /// Which door.
    pub door: String,
    /// Who calls.
    pub caller: String,
    /// The session.
    pub session: String,
    /// The method.
    pub method: String,
    /// The host.
    pub host: String,
    /// The path.
    pub path: String,
    /// The route.
    pub route: String,
    /// The service, of a connection.
    pub service: String,
    /// What was done, where it is no request.
    pub event: String,
    /// Yes or no.
    pub decision: String,
    /// Why.
    pub reason: String,
    /// What decided.
    pub policies: Vec<String>,
    /// Why it may not go on.
    pub withdrawn_reason: String,
    /// What says no since.
    pub withdrawn_policies: Vec<String>,
    /// What was answered.
    pub status: Option<u16>,
    /// How long it took, in microseconds.
    pub duration_us: Option<u64>,
}

impl Row {
    /// Reads `line`. `None` if it is no line of a log.
    #[must_use]
    pub fn read(line: &[u8]) -> Option<Self> {
        let row: Self = serde_json::from_slice(line).ok()?;
        (!row.time.is_empty()).then_some(row)
    }

    /// Whether it is a record, and not about the log itself.
    #[must_use]
    pub const fn is_record(&self) -> bool {
        self.audit.is_empty()
    }
}

impl Filter {
    /// Whether `row` is what is wanted.
    #[must_use]
    pub fn takes(&self, row: &Row) -> bool {
        let texts = [
            (&self.caller, &row.caller),
            (&self.decision, &row.decision),
            (&self.door, &row.door),
            (&self.event, &row.event),
            (&self.host, &row.host),
            (&self.id, &row.id),
            (&self.method, &row.method),
            (&self.path, &row.path),
            (&self.reason, &row.reason),
            (&self.route, &row.route),
            (&self.session, &row.session),
            (&self.trace, &row.trace_id),
        ];
        let mut texts = texts.into_iter();
        let mut policies = row.policies.iter().chain(&row.withdrawn_policies);
        // Dates of one length and zone are in the order of their texts.
        row.is_record()
            && self.since.as_ref().is_none_or(|since| row.time >= *since)
            && self.until.as_ref().is_none_or(|until| row.time < *until)
            && texts.all(|(wanted, found)| wanted.as_ref().is_none_or(|wanted| wanted.fits(found)))
            && self
                .policy
                .as_ref()
                .is_none_or(|wanted| policies.any(|policy| wanted.fits(policy)))
            && self.status.is_none_or(|wanted| {
                row.status
                    .is_some_and(|found| (wanted.least..=wanted.most).contains(&found))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::proptest;

    const LINE: &str = r#"{"time":"2027-01-15T12:00:00.000000Z","id":"9","trace_id":"7","door":"inbound","caller":"spiffe://a/b","session":"s","method":"GET","host":"h","path":"/a/b","route":"orders:/a/{x}","decision":"deny","reason":"forbidden","policies":["one","two"],"status":403,"withdrawn_policies":["three"],"duration_us":5,"seq":2,"chain":"x"}"#;

    #[test]
    fn a_record_is_taken_if_all_that_is_wanted_fits() {
        let row = Row::read(LINE.as_bytes()).unwrap();
        let text = |text: &str| Some(text.parse::<Wanted>().unwrap());
        let filter = |change: &dyn Fn(&mut Filter)| {
            let mut filter = Filter::default();
            change(&mut filter);
            filter.takes(&row)
        };
        assert!(filter(&|_| {}));
        type Set = fn(&mut Filter, Option<Wanted>);
        let fields: [(Set, &str); 13] = [
            (|filter, to| filter.caller = to, "spiffe://a/b"),
            (|filter, to| filter.decision = to, "deny"),
            (|filter, to| filter.door = to, "inbound"),
            (|filter, to| filter.host = to, "h"),
            (|filter, to| filter.id = to, "9"),
            (|filter, to| filter.method = to, "GET"),
            (|filter, to| filter.path = to, "/a/b"),
            (|filter, to| filter.policy = to, "two"),
            (|filter, to| filter.policy = to, "three"),
            (|filter, to| filter.reason = to, "forbidden"),
            (|filter, to| filter.route = to, "orders:/a/{x}"),
            (|filter, to| filter.session = to, "s"),
            (|filter, to| filter.trace = to, "7"),
        ];
        for (set, fits) in fields {
            assert!(filter(&|filter| set(filter, text(fits))), "{fits}");
            assert!(
                filter(&|filter| set(filter, text(&format!("{}*", fits.chars().next().unwrap())))),
                "{fits}"
            );
            assert!(
                !filter(&|filter| set(filter, text(&format!("{fits}x")))),
                "{fits}"
            );
            assert!(!filter(&|filter| set(filter, text("x*"))), "{fits}");
        }
    }

    #[test]
    fn dates_and_statuses_are_taken_from_one_to_another() {
        let row = Row::read(LINE.as_bytes()).unwrap();
        let filter = |change: &dyn Fn(&mut Filter)| {
            let mut filter = Filter::default();
            change(&mut filter);
            filter.takes(&row)
        };
        let event = Some(Wanted::Whole("svid_issued".to_owned()));
        assert!(!filter(&|filter| filter.event.clone_from(&event)));
        for (status, fits) in [("403", true), ("4xx", true), ("404", false), ("5xx", false)] {
            assert_eq!(
                filter(&|filter| filter.status = status.parse().ok()),
                fits,
                "{status}"
            );
        }
        for (date, after) in [
            ("2027-01-15T12:00:00.000000Z", true),
            ("2027-01-15T12:00:00.000001Z", false),
        ] {
            assert_eq!(
                filter(&|filter| filter.since = Some(date.to_owned())),
                after,
                "{date}"
            );
            assert_eq!(
                filter(&|filter| filter.until = Some(date.to_owned())),
                !after,
                "{date}"
            );
        }
        let head = br#"{"time":"2027-01-15T12:00:00.000000Z","audit":"begins"}"#;
        assert!(!Filter::default().takes(&Row::read(head).unwrap()));
    }

    #[test]
    fn what_is_no_status_is_refused() {
        for text in ["", "40", "4xxx", "xx", "1000", "+40", "0xx", "4x"] {
            assert_eq!(text.parse::<WantedStatus>(), Err(StatusError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_taken(line: Vec<u8>, status: String) {
            let _either = Row::read(&line);
            let _either = status.parse::<WantedStatus>();
        }
    }
}
