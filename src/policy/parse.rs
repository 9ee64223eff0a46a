//! One statement becomes one policy, or a list of what is wrong with it.

use cedar_policy::Policy;
use cedar_policy::PolicyId;
use cedar_policy::pst;
use miette::Diagnostic;

use crate::policy::decision::Note;
use crate::policy::decision::PolicyName;
use crate::policy::depth::MAX_DEPTH;
use crate::policy::depth::depth;
use crate::policy::mistake::Mistake;
use crate::policy::statement::Statement;

/// A policy that parses, under its own name.
#[derive(Debug)]
pub(super) struct Parsed<'a> {
    pub(super) statement: Statement<'a>,
    /// Its id is its number, so that what the validator says of it can be
    /// brought back to its statement even where two share a name.
    pub(super) policy: Policy,
    pub(super) tree: pst::Template,
    /// Empty where the annotation is missing, which is a mistake.
    pub(super) name: PolicyName,
}

/// Parses the statement that has this number in its set.
pub(super) fn parse(
    statement: Statement<'_>,
    number: usize,
) -> Result<(Parsed<'_>, Vec<Mistake>), Vec<Mistake>> {
    let depth = depth(statement.text);
    if depth > MAX_DEPTH {
        let text = format!(
            "it may be {depth} operators deep, more than {MAX_DEPTH}: use sets, or several policies"
        );
        return Err(vec![statement.mistake_at(0, text)]);
    }
    let id = PolicyId::new(number.to_string());
    let policy = Policy::parse(Some(id), statement.text).map_err(|errors| {
        errors
            .iter()
            .map(|e| place(e, statement))
            .collect::<Vec<_>>()
    })?;
    let tree = policy
        .to_pst()
        .map_err(|error| vec![place(&error, statement)])?
        .body()
        .clone();
    let annotation = |key| policy.annotation(key).map(Box::from);
    let note = Note {
        id: policy.annotation("id").unwrap_or_default().into(),
        reason: annotation("reason"),
        advice: annotation("advice"),
        owner: annotation("owner"),
    };
    let mistakes = annotations(&policy, statement);
    let parsed = Parsed {
        statement,
        policy,
        tree,
        name: PolicyName(note.into()),
    };
    Ok((parsed, mistakes))
}

/// What Cedar says, where it says it. `error` is about the statement alone.
pub(super) fn place(error: &(impl Diagnostic + ?Sized), statement: Statement<'_>) -> Mistake {
    let label = error.labels().and_then(|mut labels| labels.next());
    let offset = label.as_ref().map_or(0, miette::LabeledSpan::offset);
    let hint = label.as_ref().and_then(miette::LabeledSpan::label);
    let help = error.help().map(|help| help.to_string());
    let mut text = plain(&error.to_string());
    for more in hint.into_iter().chain(help.as_deref()) {
        text.push_str("; ");
        text.push_str(&plain(more));
    }
    statement.mistake_at(offset, text)
}

/// Cedar names the policy, and the numbers are ours: the place says it better.
/// It also says the same of each action, where all have the same context.
fn plain(text: &str) -> String {
    let text = without(text, "for policy `", "`, ");
    without(&text, " for Action::\"", "\"")
}

fn without(text: &str, begin: &str, end: &str) -> String {
    let Some((before, rest)) = text.split_once(begin) else {
        return text.to_owned();
    };
    let after = rest.split_once(end).map_or("", |(_, after)| after);
    format!("{before}{after}")
}

fn annotations(policy: &Policy, statement: Statement<'_>) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    match policy.annotation("id") {
        None => mistakes
            .push(statement.mistake_at(0, "it has no `@id(\"…\")`, by which records name it")),
        Some(id) if !is_name(id) => {
            let text = format!(
                "the `@id` \"{}\" is not 1 to {MAX_NAME_BYTES} of a-z, A-Z, 0-9, `.`, `_`, `:`, `/`, `#`, `@`, `-`",
                id.escape_default()
            );
            mistakes.push(statement.mistake_at(0, text));
        }
        Some(_) => {}
    }
    for key in ["advice", "owner", "reason", "shadow"] {
        let bytes = policy.annotation(key).map(str::len);
        if let Some(bytes) = bytes.filter(|&bytes| bytes == 0 || bytes > MAX_NOTE_BYTES) {
            let text =
                format!("the `@{key}` has {bytes} bytes, which is not 1 to {MAX_NOTE_BYTES}");
            mistakes.push(statement.mistake_at(0, text));
        }
    }
    mistakes
}

fn is_name(id: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".-_:/#@".contains(&b))
}

const MAX_NAME_BYTES: usize = 128;

/// A sentence or two: `@advice` is in answers, and all of them in records.
const MAX_NOTE_BYTES: usize = 512;
