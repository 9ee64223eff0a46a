//! What something else says of a caller, such as how risky it is.
//!
//! A signal is declared with its type, so a policy can name only what there is,
//! and compares it with its like. Its values stand in a file, by the SPIFFE ID of
//! a workload or the id of a user, each perhaps with a moment until which it is good. A value that is not there, or
//! no longer good, is absent: a policy that reads one without `has` is refused
//! at load.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::path::Path;
use std::time::SystemTime;

use http::HeaderName;
use jiff::Timestamp;
use serde_json::Value as Json;
use serde_saphyr::Spanned;

use crate::id::SpiffeId;
use crate::policy::claim::ClaimType;
use crate::policy::claim::ClaimValue;
use crate::policy::mistake::Mistake;
use crate::policy::ordered;
use crate::policy::ordered::Ordered;
use crate::policy::person::UserId;
use crate::policy::signal_name::SignalName;

/// What the values of a signal are: what those of a claim can be, too.
pub type SignalType = ClaimType;

/// The values of all signals.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Signals(HashMap<Box<str>, Held>);

/// A header that says the value of a signal. Whoever sets it says it: a caller
/// says of itself what it likes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignalHeader {
    /// What the value is.
    pub kind: SignalType,
    /// The header.
    pub name: HeaderName,
}

impl SignalHeader {
    /// The value that the header's `text` is; a list has commas.
    pub(super) fn value(&self, text: &str) -> Option<ClaimValue> {
        match self.kind {
            ClaimType::Bool => text.parse().ok().map(ClaimValue::Bool),
            ClaimType::Long => text.parse().ok().map(ClaimValue::Long),
            ClaimType::Text => Some(ClaimValue::Text(text.into())),
            ClaimType::Texts => {
                let texts = text.split(',').map(str::trim);
                let texts = texts.filter(|text| !text.is_empty()).map(Into::into);
                Some(ClaimValue::Texts(texts.collect()))
            }
        }
    }
}

/// What is said of one caller.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Held(HashMap<SignalName, Value>);

#[derive(Clone, Debug, Eq, PartialEq)]
struct Value {
    reading: ClaimValue,
    /// The first moment at which it is no longer good; none: it stays good.
    until: Option<SystemTime>,
}

/// A value that an operator pushed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Word {
    pub(super) reading: ClaimValue,
    pub(super) until: SystemTime,
}

impl Signals {
    /// Reads the file at `path`, whose signals are `declared`.
    ///
    /// # Errors
    ///
    /// All that is wrong with it.
    pub fn read(
        path: &Path,
        declared: &BTreeMap<SignalName, SignalType>,
    ) -> Result<Self, Vec<Mistake>> {
        let (name, text) = ordered::text_of(path, MAX_BYTES)?;
        Self::parse(&name, &text, declared)
    }

    /// What the text of the file `name` says.
    ///
    /// # Errors
    ///
    /// All mistakes, with their places.
    pub fn parse(
        name: &str,
        text: &str,
        declared: &BTreeMap<SignalName, SignalType>,
    ) -> Result<Self, Vec<Mistake>> {
        let lines = Ordered::<Ordered<Spanned<Json>>>::read(name, text)?;
        let mut signals = Self::default();
        let mut mistakes = Vec::new();
        for (caller, values) in lines.0 {
            let id = whose(&caller.value);
            let mut held = Held::default();
            for (signal, value) in values.0 {
                match hold(&signal.value, &value.value, declared) {
                    Ok((signal, value)) => drop(held.0.insert(signal, value)),
                    Err(text) => {
                        mistakes.push(ordered::at(name, ordered::place(&signal), text));
                    }
                }
            }
            match id {
                Ok(id) => drop(signals.0.insert(id, held)),
                Err(text) => mistakes.push(ordered::at(name, ordered::place(&caller), text)),
            }
        }
        if mistakes.is_empty() {
            Ok(signals)
        } else {
            mistakes.sort_unstable();
            Err(mistakes)
        }
    }

    /// These, with one value more for the caller of this name, which stays good.
    ///
    /// # Errors
    ///
    /// Why `text`, in YAML, is no value of the signal `name`.
    pub fn with(
        mut self,
        caller: &str,
        (name, text): (&str, &str),
        declared: &BTreeMap<SignalName, SignalType>,
    ) -> Result<Self, String> {
        let value = serde_saphyr::from_str::<Json>(text).map_err(|error| error.to_string())?;
        let (name, value) = hold(name, &value, declared)?;
        let held = self.0.entry(caller.into()).or_default();
        held.0.insert(name, value);
        Ok(self)
    }

    /// Says something else of the caller that records call so.
    pub(super) fn say(&mut self, caller: &str, name: &SignalName, word: &Word) {
        let held = self.0.entry(caller.into()).or_default();
        let value = Value {
            reading: word.reading.clone(),
            until: Some(word.until),
        };
        held.0.insert(name.clone(), value);
    }

    /// What is said of the caller that records call so.
    pub(super) fn of(&self, caller: &str) -> Option<&Held> {
        self.0.get(caller)
    }
}

impl Held {
    /// What `name` says, if it is good at `now`.
    pub(super) fn value(&self, name: &SignalName, now: SystemTime) -> Option<&ClaimValue> {
        let value = self.0.get(name)?;
        let is_good = value.until.is_none_or(|until| now < until);
        is_good.then_some(&value.reading)
    }

    /// The first moment after `now` at which one of `names` is no longer good.
    pub(super) fn ends(&self, names: &[SignalName], now: SystemTime) -> Option<SystemTime> {
        let ends = names.iter().filter_map(|name| self.0.get(name)?.until);
        ends.filter(|until| now < *until).min()
    }
}

/// What records call the caller that a line is about.
pub(super) fn whose(text: &str) -> Result<Box<str>, String> {
    // No provider is named so that the id of a user could begin like this.
    if text.starts_with("spiffe:") {
        let id = text.parse::<SpiffeId>();
        let id = id.map_err(|why| format!("`{text}` is not a SPIFFE ID: {why}"))?;
        return Ok(id.as_str().into());
    }
    let id = text.parse::<UserId>();
    let id = id.map_err(|why| {
        format!("`{text}` is neither a SPIFFE ID nor a `<provider>/<subject>`: {why}")
    })?;
    Ok(id.to_string().into())
}

/// A value, perhaps as `{ value: …, until: … }`.
fn hold(
    name: &str,
    value: &Json,
    declared: &BTreeMap<SignalName, SignalType>,
) -> Result<(SignalName, Value), String> {
    let undeclared = || format!("the signal `{name}` is not declared");
    let name = name.parse::<SignalName>().map_err(|_bad| undeclared())?;
    let kind = declared.get(&name).ok_or_else(undeclared)?;
    let (value, until) = match value {
        Json::Object(parts) => {
            if let Some(other) = parts.keys().find(|key| *key != "value" && *key != "until") {
                return Err(format!(
                    "`{name}`: `{other}` is neither `value` nor `until`"
                ));
            }
            (
                parts.get("value").unwrap_or(&Json::Null),
                parts.get("until"),
            )
        }
        value => (value, None),
    };
    let until = match until {
        None => None,
        Some(until) => {
            let moment = until
                .as_str()
                .and_then(|text| text.parse::<Timestamp>().ok());
            let moment = moment.ok_or_else(|| {
                format!("`{name}`: `until` is no moment such as 2026-11-24T18:00:00Z")
            })?;
            Some(SystemTime::try_from(moment).map_err(|why| format!("`{name}`: {why}"))?)
        }
    };
    let reading = kind.read(value);
    let reading = reading.ok_or_else(|| format!("`{name}` must be {kind}"))?;
    Ok((name, Value { reading, until }))
}

/// Some hundred thousand values.
const MAX_BYTES: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn declared() -> BTreeMap<SignalName, SignalType> {
        [
            ("risk", SignalType::Long),
            ("safe", SignalType::Bool),
            ("site", SignalType::Text),
            ("tags", SignalType::Texts),
        ]
        .into_iter()
        .map(|(name, kind)| (name.parse().unwrap(), kind))
        .collect()
    }

    fn names(signals: &Signals, id: &str, second: u64) -> Vec<String> {
        let all: Vec<SignalName> = declared().into_keys().collect();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        let held = signals.of(id);
        let good = all
            .iter()
            .filter(|name| held.is_some_and(|held| held.value(name, now).is_some()));
        good.map(ToString::to_string).collect()
    }

    #[test]
    fn a_value_is_there_as_long_as_it_is_good() {
        let text = "spiffe://td/a:\n  risk: { value: 7, until: 1970-01-01T00:01:00Z }\n  safe: true\n  tags: [x, z]\n";
        let signals = Signals::parse("s.yaml", text, &declared()).unwrap();
        assert_eq!(
            names(&signals, "spiffe://td/a", 59),
            ["risk", "safe", "tags"]
        );
        assert_eq!(names(&signals, "spiffe://td/a", 60), ["safe", "tags"]);
        let held = signals.of("spiffe://td/a").unwrap();
        let at = |second| SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        let ends = |second| {
            let names = ["risk", "safe"].map(|name| name.parse().unwrap());
            held.ends(&names, at(second))
        };
        assert_eq!((ends(59), ends(60), ends(61)), (Some(at(60)), None, None));
        assert!(names(&signals, "spiffe://td/b", 0).is_empty());
        let more = signals.with("spiffe://td/b", ("site", "here"), &declared());
        assert_eq!(names(&more.unwrap(), "spiffe://td/b", 0), ["site"]);
    }

    #[test]
    fn a_header_says_a_value_of_its_type_or_none() {
        let says = |kind, text: &str| {
            let name = HeaderName::from_static("x-a");
            SignalHeader { kind, name }.value(text)
        };
        assert_eq!(says(SignalType::Long, "-7"), Some(ClaimValue::Long(-7)));
        assert_eq!(says(SignalType::Bool, "true"), Some(ClaimValue::Bool(true)));
        for (kind, text) in [
            (SignalType::Long, ""),
            (SignalType::Long, "7.5"),
            (SignalType::Long, "99999999999999999999"),
            (SignalType::Bool, "1"),
            (SignalType::Bool, "True"),
        ] {
            assert_eq!(says(kind, text), None, "{text}");
        }
        let set = |texts: &[&str]| {
            let texts = texts.iter().map(|&text| text.into());
            Some(ClaimValue::Texts(texts.collect()))
        };
        assert_eq!(says(SignalType::Texts, "a, b,,a "), set(&["a", "b"]));
        assert_eq!(says(SignalType::Texts, ""), set(&[]));
    }

    #[test]
    fn every_mistake_is_told_with_its_place() {
        for (text, line, why) in [
            ("spiffe://td/a:\n  riks: 7", 2, "`riks` is not declared"),
            (
                "spiffe://td/a:\n  risk: x",
                2,
                "`risk` must be a whole number",
            ),
            (
                "spiffe://td/a:\n  risk: 7.5",
                2,
                "`risk` must be a whole number",
            ),
            (
                "spiffe://td/a:\n  risk: 99999999999999999999",
                2,
                "must be a whole number",
            ),
            (
                "spiffe://td/a:\n  safe: 1",
                2,
                "`safe` must be true or false",
            ),
            ("spiffe://td/a:\n  site: [a]", 2, "`site` must be a text"),
            (
                "spiffe://td/a:\n  tags: [1]",
                2,
                "`tags` must be a list of texts",
            ),
            (
                "spiffe://td/a:\n  risk: { value: 1, till: x }",
                2,
                "`till` is neither",
            ),
            (
                "spiffe://td/a:\n  risk: { until: 2026-01-01T00:00:00Z }",
                2,
                "must be a whole",
            ),
            (
                "spiffe://td/a:\n  risk: { value: 1, until: soon }",
                2,
                "`until` is no moment",
            ),
            ("spiffe:td/a: { risk: 1 }", 1, "is not a SPIFFE ID"),
            ("td: { risk: 1 }", 1, "is neither a SPIFFE ID nor"),
            ("spiffe://td/a: 7", 1, ""),
            ("spiffe://td/a: {}\nspiffe://td/a: {}", 2, ""),
            ("[", 1, ""),
        ] {
            let mistakes = Signals::parse("s.yaml", text, &declared()).unwrap_err();
            let told = mistakes
                .iter()
                .any(|one| one.line == line && one.text.contains(why));
            assert!(told, "{text}\n{mistakes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_values_or_mistakes(text in "(spiffe://td/a: ?)?((risk|safe|site|tags|until|value): ?)?([0-9a-z:{}\\[\\], \n\"]{0,12}){0,6}") {
            if let Err(mistakes) = Signals::parse("s.yaml", &text, &declared()) {
                prop_assert!(!mistakes.is_empty());
            }
        }
    }
}
