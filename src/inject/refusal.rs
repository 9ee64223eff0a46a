//! Our no to a pod: what is wrong with it, where, and what would be right.

use std::fmt;

/// Why a pod is not made.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// It was not made by us as it is, or by us as we are now.
    #[error(
        "the pod has a part of a sidecar that would not be written so: {difference}; take the container `portreeve`, \
         the volumes `portreeve-…` and what else is ours out of the manifest"
    )]
    AlreadyThere {
        /// Where, and what is different.
        difference: String,
    },
    /// Its wishes cannot be met: all of the mistakes.
    #[error("{}", listed(.mistakes))]
    Mistakes {
        /// At least one.
        mistakes: Vec<Mistake>,
    },
    /// What would be done could not be recorded.
    #[error(
        "there is no room in the injector's log, and nothing is done without a record: try again"
    )]
    NoRoom,
}

impl Refusal {
    /// A stable word for records and metrics.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::AlreadyThere { .. } => "already_there",
            Self::Mistakes { .. } => "mistakes",
            Self::NoRoom => "no_room",
        }
    }
}

/// One thing that is wrong with a pod.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mistake {
    /// Where: an annotation, a label, or a path in the pod.
    pub place: String,
    /// What is wrong there, and what would be right.
    pub text: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

/// Collects mistakes, so that somebody sees all of them at once.
#[derive(Debug, Default)]
pub(super) struct Mistakes(Vec<Mistake>);

impl Mistakes {
    pub(super) fn add(&mut self, place: impl Into<String>, text: impl Into<String>) {
        let (place, text) = (place.into(), text.into());
        self.0.push(Mistake { place, text });
    }

    pub(super) const fn count(&self) -> usize {
        self.0.len()
    }

    /// Nothing, or the no.
    pub(super) fn judge(self) -> Result<(), Refusal> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(Refusal::Mistakes { mistakes: self.0 })
    }
}

fn listed(mistakes: &[Mistake]) -> String {
    let mistakes: Vec<String> = mistakes.iter().map(Mistake::to_string).collect();
    mistakes.join("; ")
}
