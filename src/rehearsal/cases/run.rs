//! Every case is asked, and the answer held against what was expected.

use std::collections::BTreeSet;

use crate::policy::Outcome;
use crate::policy::PolicyName;
use crate::rehearsal::asked::Asked;
use crate::rehearsal::asked::Told;
use crate::rehearsal::cases::Case;
use crate::rehearsal::cases::CaseFile;
use crate::rehearsal::stage::Stage;

/// All cases of a folder with their answers.
#[derive(Debug)]
pub struct Rehearsal {
    /// In the order of the files.
    pub ran: Vec<Ran>,
    /// The policies that applied in some case.
    pub exercised: BTreeSet<String>,
}

/// One case with its answer.
#[derive(Debug)]
pub struct Ran {
    /// The name of its file.
    pub file: String,
    /// The case.
    pub case: Case,
    /// What was asked, and what was said to it; or why it could not be asked.
    pub answer: Result<(Asked, Told), String>,
}

impl Rehearsal {
    /// Asks all of `files` on `stage`.
    #[must_use]
    pub fn run(stage: &Stage, files: Vec<CaseFile>) -> Self {
        let mut ran = Vec::new();
        let mut exercised = BTreeSet::new();
        for (file, cases) in files {
            for case in cases {
                let answer = unknown(&case, stage).map_or_else(|| case.asked(stage), Err);
                let answer = answer.map(|asked| {
                    let told = stage.ask(&asked);
                    (asked, told)
                });
                if let Ok((_, Told::Decided { explanation, .. })) = &answer {
                    let applied = explanation.policies.iter();
                    let applied = applied.filter(|found| found.outcome == Outcome::Holds);
                    exercised.extend(applied.map(|found| found.policy.to_string()));
                }
                let file = file.clone();
                ran.push(Ran { file, case, answer });
            }
        }
        Self { ran, exercised }
    }

    /// Whether every case was answered as expected.
    #[must_use]
    pub fn is_as_expected(&self) -> bool {
        self.ran.iter().all(Ran::is_as_expected)
    }
}

impl Ran {
    /// Whether it was answered as expected.
    #[must_use]
    pub fn is_as_expected(&self) -> bool {
        let expected = &self.case.expected;
        let Ok((_, told)) = &self.answer else {
            return false;
        };
        let reason = expected.reason.as_deref();
        told.decision() == expected.decision
            && (reason.is_none() || reason == told.reason())
            && expected.by.as_ref().is_none_or(|by| *by == deciders(told))
    }
}

/// The policies that decided, sorted.
pub(super) fn deciders(told: &Told) -> Vec<String> {
    match told {
        Told::Decided { explanation, .. } => {
            let policies = explanation.answer.policies.iter();
            policies.map(PolicyName::to_string).collect()
        }
        Told::Refused(_) => Vec::new(),
    }
}

/// A case that names a policy which is not there could never be as expected.
fn unknown(case: &Case, stage: &Stage) -> Option<String> {
    let by = case.expected.by.as_ref()?;
    let mut names = stage.policy().names();
    let unknown = by
        .iter()
        .find(|id| !names.any(|name| name.as_str() == *id))?;
    Some(format!("there is no policy `{unknown}`"))
}
