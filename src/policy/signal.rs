//! What something else says of a caller, such as how risky it is.
//!
//! A signal is declared with its type, so a policy can name only what there is,
//! and compares it with its like. Its values stand in a file, by SPIFFE ID, each
//! perhaps with a moment until which it is good. A value that is not there, or
//! no longer good, is absent: a policy that reads one without `has` is refused
//! at load.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::SystemTime;

use cedar_policy::RestrictedExpression;
use jiff::Timestamp;
use serde_json::Value;
use serde_saphyr::Spanned;

use crate::id::SpiffeId;
use crate::policy::mistake::Mistake;
use crate::policy::ordered;
use crate::policy::ordered::Ordered;

/// What policies call a signal: `risk` in `context.signals.risk`.
///
/// Parsing is the only way to make one: a plain identifier of at most 32 bytes.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SignalName(Arc<str>);

impl FromStr for SignalName {
    type Err = SignalNameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let is_plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && name.len() <= 32;
        if is_plain {
            Ok(Self(name.into()))
        } else {
            Err(SignalNameError { name: name.into() })
        }
    }
}

impl fmt::Display for SignalName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Not the name of a signal.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{name}` is not 1 to 32 of a-z, A-Z, 0-9, `_`, beginning with a letter")]
pub struct SignalNameError {
    name: String,
}

/// What the values of a signal are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SignalType {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Long,
    /// A text.
    Text,
    /// A set of texts.
    Texts,
}

impl SignalType {
    /// Its name in a schema of Cedar's.
    pub(super) const fn cedar(self) -> &'static str {
        match self {
            Self::Bool => "Bool",
            Self::Long => "Long",
            Self::Text => "String",
            Self::Texts => "Set<String>",
        }
    }

    fn read(self, value: &Value) -> Option<Reading> {
        match (self, value) {
            (Self::Bool, Value::Bool(flag)) => Some(Reading::Bool(*flag)),
            (Self::Long, Value::Number(number)) => number.as_i64().map(Reading::Long),
            (Self::Text, Value::String(text)) => Some(Reading::Text(text.as_str().into())),
            (Self::Texts, Value::Array(items)) => {
                let texts = items.iter().map(|item| item.as_str().map(Into::into));
                texts.collect::<Option<_>>().map(Reading::Texts)
            }
            _ => None,
        }
    }
}

impl fmt::Display for SignalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "true or false",
            Self::Long => "a whole number",
            Self::Text => "a text",
            Self::Texts => "a list of texts",
        })
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Reading {
    Bool(bool),
    Long(i64),
    Text(Box<str>),
    Texts(Vec<Box<str>>),
}

impl Reading {
    fn expression(&self) -> RestrictedExpression {
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        match self {
            Self::Bool(flag) => RestrictedExpression::new_bool(*flag),
            Self::Long(number) => RestrictedExpression::new_long(*number),
            Self::Text(one) => text(one),
            Self::Texts(all) => RestrictedExpression::new_set(all.iter().map(|one| text(one))),
        }
    }
}

/// The values of all signals.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Signals(HashMap<SpiffeId, HashMap<SignalName, Held>>);

#[derive(Clone, Debug, Eq, PartialEq)]
struct Held {
    reading: Reading,
    /// The first moment at which it is no longer good; none: it stays good.
    until: Option<SystemTime>,
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
        let name = path.display().to_string();
        let whole = |text: String| vec![Mistake::whole(&name, text)];
        let unread = |error: std::io::Error| whole(format!("cannot be read: {error}"));
        let bytes = fs::metadata(path).map_err(unread)?.len();
        if bytes > MAX_BYTES {
            return Err(whole(format!("has {bytes} bytes, more than {MAX_BYTES}")));
        }
        let text = fs::read_to_string(path).map_err(unread)?;
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
        let lines = Ordered::<Ordered<Spanned<Value>>>::read(name, text)?;
        let mut signals = Self::default();
        let mut mistakes = Vec::new();
        for (caller, values) in lines.0 {
            let id = caller.value.parse::<SpiffeId>();
            if let Err(why) = &id {
                let text = format!("`{}` is not a SPIFFE ID: {why}", caller.value);
                mistakes.push(ordered::at(name, ordered::place(&caller), text));
            }
            let mut held = HashMap::new();
            for (signal, value) in values.0 {
                match hold(&signal.value, &value.value, declared) {
                    Ok((signal, value)) => drop(held.insert(signal, value)),
                    Err(text) => {
                        mistakes.push(ordered::at(name, ordered::place(&signal), text));
                    }
                }
            }
            if let Ok(id) = id {
                signals.0.insert(id, held);
            }
        }
        if mistakes.is_empty() {
            Ok(signals)
        } else {
            mistakes.sort_unstable();
            Err(mistakes)
        }
    }

    /// These, with one value more, which stays good.
    ///
    /// # Errors
    ///
    /// Why `text`, in YAML, is no value of the signal `name`.
    pub fn with(
        mut self,
        caller: &SpiffeId,
        (name, text): (&str, &str),
        declared: &BTreeMap<SignalName, SignalType>,
    ) -> Result<Self, String> {
        let value = serde_saphyr::from_str::<Value>(text).map_err(|error| error.to_string())?;
        let (name, held) = hold(name, &value, declared)?;
        self.0.entry(caller.clone()).or_default().insert(name, held);
        Ok(self)
    }

    /// Those of `names` that are good at `now`.
    pub(super) fn of(
        &self,
        caller: &SpiffeId,
        names: &[SignalName],
        now: SystemTime,
    ) -> Vec<(String, RestrictedExpression)> {
        let Some(held) = self.0.get(caller) else {
            return Vec::new();
        };
        let good = names.iter().filter_map(|name| {
            let held = held.get(name)?;
            let is_good = held.until.is_none_or(|until| now < until);
            is_good.then(|| (name.to_string(), held.reading.expression()))
        });
        good.collect()
    }
}

/// A value, perhaps as `{ value: …, until: … }`.
fn hold(
    name: &str,
    value: &Value,
    declared: &BTreeMap<SignalName, SignalType>,
) -> Result<(SignalName, Held), String> {
    let undeclared = || format!("the signal `{name}` is not declared");
    let name = name.parse::<SignalName>().map_err(|_bad| undeclared())?;
    let kind = declared.get(&name).ok_or_else(undeclared)?;
    let (value, until) = match value {
        Value::Object(parts) => {
            if let Some(other) = parts.keys().find(|key| *key != "value" && *key != "until") {
                return Err(format!(
                    "`{name}`: `{other}` is neither `value` nor `until`"
                ));
            }
            (
                parts.get("value").unwrap_or(&Value::Null),
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
    Ok((name, Held { reading, until }))
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
        let found = signals.of(&id.parse().unwrap(), &all, now);
        found.into_iter().map(|(name, _)| name).collect()
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
        assert!(names(&signals, "spiffe://td/b", 0).is_empty());
        let more = signals.with(
            &"spiffe://td/b".parse().unwrap(),
            ("site", "here"),
            &declared(),
        );
        assert_eq!(names(&more.unwrap(), "spiffe://td/b", 0), ["site"]);
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
            ("td/a: { risk: 1 }", 1, "is not a SPIFFE ID"),
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
