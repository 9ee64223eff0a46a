//! What is to hold, kept simple: Cedar refuses a policy that nothing fits.

use crate::import::cedar;

/// A condition.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Condition {
    Always,
    Never,
    /// In Cedar. It binds as strongly as what stands in brackets.
    When(String),
}

impl Condition {
    /// What holds if all of `parts` do.
    pub(super) fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut texts = Vec::new();
        for part in parts {
            match part {
                Self::Always => {}
                Self::Never => return Self::Never,
                Self::When(text) => texts.push(text),
            }
        }
        cedar::all(&texts).map_or(Self::Always, Self::When)
    }

    /// What holds if one of `parts` does.
    pub(super) fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut texts = Vec::new();
        for part in parts {
            match part {
                Self::Always => return Self::Always,
                Self::Never => {}
                Self::When(text) => texts.push(text),
            }
        }
        if texts.is_empty() {
            Self::Never
        } else {
            Self::When(cedar::any(&texts))
        }
    }

    /// What holds if this does not.
    pub(super) fn not(self) -> Self {
        match self {
            Self::Always => Self::Never,
            Self::Never => Self::Always,
            Self::When(text) => Self::When(format!("!({text})")),
        }
    }
}
