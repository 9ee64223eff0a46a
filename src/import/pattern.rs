//! What a text is to be like.

use serde_saphyr::Spanned;

use crate::import::cedar;
use crate::import::refusals::Refusals;

/// What a value is to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Pattern<'a> {
    Any,
    Begins(&'a str),
    Contains(&'a str),
    Ends(&'a str),
    Is(&'a str),
}

impl<'a> Pattern<'a> {
    /// Reads one of Istio's: a whole text, a beginning (`a*`), an end (`*a`), or
    /// anything (`*`). Refuses what Istio itself reads in more than one way.
    pub(super) fn read(text: &'a Spanned<String>, notes: &mut Refusals) -> Option<Self> {
        let pattern = Self::parse(&text.value);
        pattern.map_err(|why| notes.add(text, why)).ok()
    }

    /// The same, of a text that stands nowhere.
    pub(super) fn parse(text: &'a str) -> Result<Self, String> {
        let pattern = match text {
            "*" => Self::Any,
            value => match (value.strip_prefix('*'), value.strip_suffix('*')) {
                (Some(end), _) => Self::Ends(end),
                (None, Some(beginning)) => Self::Begins(beginning),
                (None, None) => Self::Is(value),
            },
        };
        let rest = pattern.rest();
        if rest.is_empty() && pattern != Self::Any {
            return Err("an empty value".to_owned());
        }
        if rest.contains('*') {
            return Err(format!(
                "`{text}`: a `*` that is neither first nor last, or both"
            ));
        }
        Ok(pattern)
    }

    /// What stands for itself in it.
    pub(super) const fn rest(self) -> &'a str {
        match self {
            Self::Any => "",
            Self::Begins(text) | Self::Contains(text) | Self::Ends(text) | Self::Is(text) => text,
        }
    }

    /// That `subject`, a string of Cedar's, is so.
    pub(super) fn of(self, subject: &str) -> String {
        match self {
            Self::Any => format!("{subject} like \"*\""),
            Self::Begins(text) => format!("{subject} like \"{}*\"", cedar::plain(text)),
            Self::Contains(text) => format!("{subject} like \"*{}*\"", cedar::plain(text)),
            Self::Ends(text) => format!("{subject} like \"*{}\"", cedar::plain(text)),
            Self::Is(text) => format!("{subject} == {}", cedar::quoted(text)),
        }
    }
}
