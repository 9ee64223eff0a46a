//! What Cedar gets to know of a request: no more than is read.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use cedar_policy::Context;
use cedar_policy::RestrictedExpression;
use http::HeaderMap;
use http::HeaderName;
use jiff::Timestamp;
use jiff::civil::DateTime;

use crate::policy::mention::Field;
use crate::policy::mention::Mentions;
use crate::policy::query;
use crate::policy::question::Caller;
use crate::policy::question::Question;
use crate::policy::question::Tls;
use crate::policy::set::Policy;
use crate::policy::settings::Zone;
use crate::policy::signal::Held;
use crate::policy::signal::SignalHeader;
use crate::policy::signal::Signals;
use crate::policy::signal_name::SignalName;
use crate::policy::timing::Timing;
use crate::policy::words::Verb;

/// What is to be built, looked up once for all requests that ask the same
/// policies.
#[derive(Debug)]
pub(super) struct Plan {
    fields: Vec<Field>,
    headers: Option<Vec<HeaderName>>,
    params: Option<Vec<Arc<str>>>,
    signals: Option<(Vec<SignalName>, Arc<Signals>)>,
    /// Those of the signals that headers say.
    sent: Vec<(SignalName, SignalHeader)>,
    clocks: Vec<(String, Zone)>,
    timing: Timing,
    /// Whether it is read when a person has signed in.
    pub(super) sign_in: bool,
}

/// What a clock and a calendar show.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    /// Minutes since midnight.
    pub(super) minute: i64,
    /// Monday is 1.
    pub(super) weekday: i64,
    /// As 20261124.
    pub(super) date: i64,
}

/// Why there is no context.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Unbuilt {
    /// The header has two readings.
    Ambiguous(HeaderName),
    /// The query has two readings.
    AmbiguousQuery,
    /// A time or a value that Cedar has no form for.
    Inexpressible,
}

impl Plan {
    /// How to build what `mentions` names.
    pub(super) fn new(mentions: &Mentions, policy: &Policy) -> Self {
        let header = |name: &String| policy.headers.get(name).cloned();
        let sent = |name: &String| {
            let name = name.parse().ok()?;
            let sent = policy.signal_headers.get(&name)?.clone();
            Some((name, sent))
        };
        let clock = |name: &String| Some((name.clone(), policy.zones.get(name)?.clone()));
        Self {
            fields: mentions.fields.iter().copied().collect(),
            headers: mentions
                .headers
                .as_ref()
                .map(|names| names.iter().filter_map(header).collect()),
            params: mentions
                .params
                .as_ref()
                .map(|names| names.iter().cloned().collect()),
            signals: mentions.signals.as_ref().map(|names| {
                let names = names.iter().filter_map(|name| name.parse().ok());
                (names.collect(), Arc::clone(&policy.signals))
            }),
            sent: mentions.signals.iter().flatten().filter_map(sent).collect(),
            clocks: mentions.clocks.iter().filter_map(clock).collect(),
            timing: Timing::of(mentions),
            sign_in: mentions.sign_in(),
        }
    }

    /// When the clock may change what is answered to `question`.
    pub(super) fn timing(&self, question: &Question<'_>) -> Timing {
        let ends = self.signals.as_ref().and_then(|(names, signals)| {
            let held = signals.of(question.caller.as_name())?;
            held.ends(names, question.now)
        });
        self.timing.until(ends)
    }

    /// What is said of `caller`, if that is read.
    pub(super) fn signals_of(&self, caller: &Caller) -> Option<&Held> {
        let (_, signals) = self.signals.as_ref()?;
        signals.of(caller.as_name())
    }

    /// The headers that are read.
    pub(super) fn headers(&self) -> &[HeaderName] {
        self.headers.as_deref().unwrap_or_default()
    }

    /// The zones whose clocks are read.
    pub(super) fn zones(&self) -> &[(String, Zone)] {
        &self.clocks
    }

    /// The names of the query's parameters, if they are read.
    pub(super) fn query(
        &self,
        question: &Question<'_>,
    ) -> Result<Option<BTreeSet<String>>, Unbuilt> {
        if !self.fields.contains(&Field::Query) {
            return Ok(None);
        }
        names(question.query).map(Some)
    }

    /// When `question` came, if that is read.
    pub(super) fn now(&self, question: &Question<'_>) -> Result<Option<Timestamp>, Unbuilt> {
        if self.fields.contains(&Field::Now) {
            let now = instant(question)?;
            return years(now).map(|()| Some(now));
        }
        if self.clocks.is_empty() {
            return Ok(None);
        }
        instant(question).map(Some)
    }

    /// Builds it. `captures` are the parameters of the request's routes, with
    /// the segments that they stand for. What a connection does not have is
    /// left out where `verb` is one: a policy that reads it all the same fails.
    pub(super) fn build(
        &self,
        question: &Question<'_>,
        captures: &[(Arc<str>, usize)],
        verb: Verb,
    ) -> Result<Context, Unbuilt> {
        let is_request = verb != Verb::Connect;
        let mut pairs = Vec::with_capacity(self.fields.len() + self.clocks.len() + 3);
        for &field in &self.fields {
            if is_request || field.is_of_connections() {
                pairs.extend(value(field, question)?);
            }
        }
        if let Some(names) = self.headers.as_ref().filter(|_| is_request) {
            pairs.push(("headers".to_owned(), headers(names, question.headers)?));
        }
        if let Some(names) = self.params.as_ref().filter(|_| is_request) {
            pairs.push(("params".to_owned(), params(names, captures, question.path)?));
        }
        if let Some((names, signals)) = &self.signals {
            let held = signals.of(question.caller.as_name());
            let good = names.iter().filter_map(|name| {
                let value = held?.value(name, question.now)?;
                Some((name.to_string(), value.expression()))
            });
            let mut good: Vec<_> = good.collect();
            for (name, header) in self.sent.iter().filter(|_| is_request) {
                let text = sole(question.headers, &header.name)?;
                let value = text.and_then(|text| header.value(text));
                good.extend(value.map(|value| (name.to_string(), value.expression())));
            }
            pairs.push(("signals".to_owned(), record(good)?));
        }
        if !self.clocks.is_empty() {
            let now = instant(question)?;
            for (name, zone) in &self.clocks {
                pairs.push((name.clone(), clock_record(clock(zone.at(now)))?));
            }
        }
        Context::from_pairs(pairs).or(Err(Unbuilt::Inexpressible))
    }
}

/// Nothing if the request does not have it.
fn value(
    field: Field,
    question: &Question<'_>,
) -> Result<Option<(String, RestrictedExpression)>, Unbuilt> {
    let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
    let (name, value) = match field {
        Field::AuthAge => match question.caller.auth_age(question.now) {
            Some(age) => ("authAge", RestrictedExpression::new_long(age)),
            None => return Ok(None),
        },
        Field::Host => ("host", text(question.host)),
        Field::Method => ("method", text(question.method.as_str())),
        Field::Now => ("now", datetime(instant(question)?)?),
        Field::Path => ("path", text(question.path)),
        Field::Query => ("query", query(question.query)?),
        Field::SourceIp => ("sourceIp", address(question.source)),
        Field::Tls => match question.caller.tls() {
            Some(facts) => ("tls", tls(facts)?),
            None => return Ok(None),
        },
    };
    Ok(Some((name.to_owned(), value)))
}

/// An IPv4 address in IPv6 clothes is an IPv4 address: a range of one family
/// must not miss the other's spelling of it.
fn address(source: IpAddr) -> RestrictedExpression {
    RestrictedExpression::new_ip(source.to_canonical().to_string())
}

fn query(query: Option<&str>) -> Result<RestrictedExpression, Unbuilt> {
    let names = names(query)?.into_iter();
    Ok(RestrictedExpression::new_set(
        names.map(RestrictedExpression::new_string),
    ))
}

fn names(query: Option<&str>) -> Result<BTreeSet<String>, Unbuilt> {
    query::names(query.unwrap_or_default()).ok_or(Unbuilt::AmbiguousQuery)
}

fn tls(facts: &Tls) -> Result<RestrictedExpression, Unbuilt> {
    let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
    let time = |time: SystemTime| datetime(timestamp(time)?);
    record([
        ("group".to_owned(), text(&facts.group)),
        ("notBefore".to_owned(), time(facts.not_before)?),
        ("notAfter".to_owned(), time(facts.not_after)?),
        ("serial".to_owned(), text(&facts.serial)),
    ])
}

fn instant(question: &Question<'_>) -> Result<Timestamp, Unbuilt> {
    timestamp(question.now)
}

pub(super) fn timestamp(time: SystemTime) -> Result<Timestamp, Unbuilt> {
    Timestamp::try_from(time).or(Err(Unbuilt::Inexpressible))
}

/// Cedar writes no years before the first.
fn years(now: Timestamp) -> Result<(), Unbuilt> {
    if Zone::UTC.at(now).year() < 0 {
        return Err(Unbuilt::Inexpressible);
    }
    Ok(())
}

pub(super) fn datetime(now: Timestamp) -> Result<RestrictedExpression, Unbuilt> {
    years(now)?;
    let utc = Zone::UTC.at(now);
    Ok(RestrictedExpression::new_datetime(format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        utc.year(),
        utc.month(),
        utc.day(),
        utc.hour(),
        utc.minute(),
        utc.second(),
        utc.millisecond()
    )))
}

pub(super) fn clock(shown: DateTime) -> Shown {
    Shown {
        minute: i64::from(shown.hour()) * 60 + i64::from(shown.minute()),
        weekday: i64::from(shown.weekday().to_monday_one_offset()),
        date: i64::from(shown.year()) * 10_000
            + i64::from(shown.month()) * 100
            + i64::from(shown.day()),
    }
}

fn clock_record(shown: Shown) -> Result<RestrictedExpression, Unbuilt> {
    let fields = [
        ("minuteOfDay", shown.minute),
        ("weekday", shown.weekday),
        ("date", shown.date),
    ];
    let field =
        |(name, value): (&str, i64)| (name.to_owned(), RestrictedExpression::new_long(value));
    record(fields.map(field))
}

/// The value of a header, if it came. One that came twice, or is no text, has
/// two readings.
pub(super) fn sole<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a str>, Unbuilt> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    match (std::str::from_utf8(value.as_bytes()), values.next()) {
        (Ok(text), None) => Ok(Some(text)),
        _ => Err(Unbuilt::Ambiguous(name.clone())),
    }
}

/// A header is there if it came exactly once, and absent if it did not come.
fn headers(names: &[HeaderName], headers: &HeaderMap) -> Result<RestrictedExpression, Unbuilt> {
    let mut fields = Vec::with_capacity(names.len());
    for name in names {
        let Some(text) = sole(headers, name)? else {
            continue;
        };
        let text = RestrictedExpression::new_string(text.to_owned());
        fields.push((name.as_str().to_owned(), text));
    }
    record(fields)
}

/// The segment of this number. The path begins with a slash: before the first is
/// nothing.
pub(super) fn segment(path: &str, at: usize) -> Option<&str> {
    path.split('/').nth(at + 1)
}

fn params(
    names: &[Arc<str>],
    captures: &[(Arc<str>, usize)],
    path: &str,
) -> Result<RestrictedExpression, Unbuilt> {
    let mut fields = Vec::new();
    for (name, at) in captures.iter().filter(|(name, _)| names.contains(name)) {
        let segment = segment(path, *at).ok_or(Unbuilt::Inexpressible)?;
        let segment = RestrictedExpression::new_string(segment.to_owned());
        fields.push((name.to_string(), segment));
    }
    record(fields)
}

fn record(
    fields: impl IntoIterator<Item = (String, RestrictedExpression)>,
) -> Result<RestrictedExpression, Unbuilt> {
    RestrictedExpression::new_record(fields).or(Err(Unbuilt::Inexpressible))
}
