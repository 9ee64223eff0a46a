//! What is wanted of records, as names and values: the window and the commands
//! read it here, so that a filter means the same wherever it is written.

use crate::audit::query::Filter;
use crate::audit::query::StatusError;
use crate::audit::query::Wanted;

/// What is wanted is not said as it can be.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FilterError {
    /// A status that is none.
    #[error("`{value}` is no `status`")]
    BadStatus {
        /// What was written.
        value: String,
        /// What is wrong with it.
        #[source]
        cause: StatusError,
    },
    /// A word that no record has.
    #[error("`{name}` is never `{value}`: it is one of {}", words.join(", "))]
    BadWord {
        /// Of what.
        name: &'static str,
        /// What was written.
        value: String,
        /// What there is.
        words: &'static [&'static str],
    },
    /// It says nothing.
    #[error("`{name}` is empty: leave it out, or say what it is to be")]
    Empty {
        /// Of what.
        name: &'static str,
    },
    /// Longer than a record would have it.
    #[error("`{name}` has {bytes} bytes, of which records have at most {most}")]
    TooLong {
        /// Of what.
        name: &'static str,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        most: usize,
    },
    /// Two values of one name.
    #[error("`{name}` is there twice")]
    Twice {
        /// Of what.
        name: &'static str,
    },
    /// There is no such name.
    #[error("nothing of a record is called `{name}`: there are {}", NAMES.join(", "))]
    Unknown {
        /// What was written.
        name: String,
    },
}

impl Filter {
    /// Reads a filter that is written as names and values.
    ///
    /// A value is a text, or how one begins, with `*` at its end.
    ///
    /// # Errors
    ///
    /// [`FilterError`] for the first that cannot be.
    pub fn read<N: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, FilterError> {
        let mut filter = Self::default();
        for (name, value) in pairs {
            let name = known(name.as_ref())?;
            let value = sized(name, value.as_ref())?;
            if filter.has(name) {
                return Err(FilterError::Twice { name });
            }
            filter.set(name, value)?;
        }
        Ok(filter)
    }

    fn has(&mut self, name: &str) -> bool {
        match name {
            "status" => self.status.is_some(),
            _ => self.text(name).is_some_and(|text| text.is_some()),
        }
    }

    fn set(&mut self, name: &'static str, value: &str) -> Result<(), FilterError> {
        let bad_word = |words| {
            Err(FilterError::BadWord {
                name,
                value: value.to_owned(),
                words,
            })
        };
        match name {
            "status" => {
                let status = value.parse().map_err(|cause| FilterError::BadStatus {
                    value: value.to_owned(),
                    cause,
                })?;
                self.status = Some(status);
                return Ok(());
            }
            "decision" if !DECISIONS.contains(&value) => return bad_word(DECISIONS),
            "door" if !DOORS.contains(&value) => return bad_word(DOORS),
            _ => {}
        }
        if let Some(text) = self.text(name) {
            let Ok(wanted) = value.parse();
            *text = Some(wanted);
        }
        Ok(())
    }

    fn text(&mut self, name: &str) -> Option<&mut Option<Wanted>> {
        Some(match name {
            "caller" => &mut self.caller,
            "decision" => &mut self.decision,
            "door" => &mut self.door,
            "event" => &mut self.event,
            "host" => &mut self.host,
            "id" => &mut self.id,
            "method" => &mut self.method,
            "path" => &mut self.path,
            "policy" => &mut self.policy,
            "reason" => &mut self.reason,
            "route" => &mut self.route,
            "session" => &mut self.session,
            "trace" => &mut self.trace,
            _ => return None,
        })
    }
}

fn known(name: &str) -> Result<&'static str, FilterError> {
    let known = NAMES.iter().find(|known| **known == name);
    known.copied().ok_or_else(|| FilterError::Unknown {
        name: name.chars().take(MOST_SHOWN).collect(),
    })
}

fn sized<'a>(name: &'static str, value: &'a str) -> Result<&'a str, FilterError> {
    if value.is_empty() {
        return Err(FilterError::Empty { name });
    }
    if value.len() > MOST_BYTES {
        return Err(FilterError::TooLong {
            name,
            bytes: value.len(),
            most: MOST_BYTES,
        });
    }
    Ok(value)
}

/// All that can be looked for.
const NAMES: &[&str] = &[
    "caller", "decision", "door", "event", "host", "id", "method", "path", "policy", "reason",
    "route", "session", "status", "trace",
];
const DECISIONS: &[&str] = &["deny", "permit", "refused"];
const DOORS: &[&str] = &["edge", "inbound", "outbound", "probes"];
/// What a record has of a path at most.
const MOST_BYTES: usize = 2_048;
/// Of a name that nobody knows.
const MOST_SHOWN: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Decision;
    use crate::audit::Door;
    use crate::audit::Row;
    use proptest::prelude::prop;
    use proptest::proptest;

    fn row() -> Row {
        Row::read(br#"{"time":"T","door":"inbound","caller":"spiffe://a/b","decision":"deny","status":403}"#).unwrap()
    }

    #[test]
    fn what_is_written_is_what_is_wanted() {
        for (pairs, fits) in [
            (vec![], true),
            (vec![("caller", "spiffe://a/b")], true),
            (vec![("caller", "spiffe://a/*"), ("status", "4xx")], true),
            (vec![("caller", "spiffe://a/*"), ("status", "404")], false),
            (vec![("caller", "spiffe://a/")], false),
            (vec![("decision", "deny"), ("door", "inbound")], true),
            (vec![("decision", "permit"), ("door", "inbound")], false),
            (vec![("trace", "*")], true),
            (vec![("trace", "4b")], false),
        ] {
            let filter = Filter::read(pairs.clone()).unwrap();
            assert_eq!(filter.takes(&row()), fits, "{pairs:?}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_what_can() {
        let said = |pairs: &[(&str, &str)]| Filter::read(pairs.to_vec()).unwrap_err().to_string();
        for (pairs, why) in [
            (
                &[("callre", "x")][..],
                "nothing of a record is called `callre`: there are caller, decision,",
            ),
            (
                &[("decision", "allow")],
                "`decision` is never `allow`: it is one of deny, permit, refused",
            ),
            (
                &[("door", "in*")],
                "`door` is never `in*`: it is one of edge, inbound,",
            ),
            (&[("status", "4x")], "`4x` is no `status`"),
            (&[("path", "")], "`path` is empty"),
            (&[("path", "/a"), ("path", "/b")], "`path` is there twice"),
            (
                &[("status", "404"), ("status", "5xx")],
                "`status` is there twice",
            ),
            (
                &[("path", "x".repeat(2_049).as_str())],
                "`path` has 2049 bytes, of which records have at most 2048",
            ),
        ] {
            let told = said(pairs);
            assert!(told.starts_with(why), "{told}");
        }
    }

    #[test]
    fn the_words_are_those_of_records() {
        let decisions = [Decision::Deny, Decision::Permit, Decision::Refuse];
        assert_eq!(decisions.map(Decision::as_str), DECISIONS);
        let doors = [Door::Edge, Door::Inbound, Door::Outbound, Door::Probes];
        assert_eq!(doors.map(Door::as_str), DOORS);
        for name in NAMES {
            assert_eq!(
                Filter::default().text(name).is_some(),
                *name != "status",
                "{name}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_pairs_are_a_filter_or_refused(pairs in prop::collection::vec(("[a-z]{0,8}|caller|path|status|door", ".{0,20}"), 0..5)) {
            let written = pairs.clone();
            match Filter::read(pairs) {
                Ok(mut filter) => for (name, _) in &written {
                    assert!(filter.has(name), "{name}");
                },
                Err(error) => assert!(!error.to_string().contains('\n') || written.iter().any(|(name, value)| name.contains('\n') || value.contains('\n'))),
            }
        }
    }
}
