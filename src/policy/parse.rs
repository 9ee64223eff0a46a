//! One statement becomes one policy, or a list of what is wrong with it.

use std::collections::BTreeMap;

use cedar_policy::EntityUid;
use cedar_policy::Policy;
use cedar_policy::pst;
use cedar_policy_core::ast::PolicyID;
use cedar_policy_core::parser::parse_policyset_to_ests_and_pset;
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
    pub(super) policy: Policy,
    pub(super) tree: pst::Template,
    /// Empty where the annotation is missing, which is a mistake.
    pub(super) name: PolicyName,
    /// Whether it is watched and not enforced.
    pub(super) is_shadow: bool,
    /// All entities that it names, sorted.
    pub(super) named: Vec<EntityUid>,
    /// Where the statement begins in the text that Cedar was given.
    start: usize,
}

/// What comes of a statement: a policy with what is wrong with its annotations,
/// or what is wrong with all of it.
pub(super) type Outcome<'a> = Result<(Parsed<'a>, Vec<Mistake>), Vec<Mistake>>;

/// A policy of Cedar's in both of its forms, and where its statement begins in
/// the text that Cedar was given.
type Read = (Policy, pst::Template, usize);

impl Parsed<'_> {
    /// What Cedar says of it, where it says it.
    pub(super) fn place(&self, error: &(impl Diagnostic + ?Sized)) -> Mistake {
        place(error, self.statement, self.start)
    }
}

/// Parses some statements, all at once if none of them has a mistake: Cedar
/// makes its lexer anew for each text.
pub(super) fn parse<'a>(statements: &[Statement<'a>]) -> Vec<Outcome<'a>> {
    let read = together(statements).into_iter().flatten().map(Ok);
    let read: Vec<Result<Read, Vec<Mistake>>> = read.collect();
    let one_by_one = statements.iter().skip(read.len());
    let one_by_one = one_by_one.map(|statement| alone(*statement));
    let read = read.into_iter().chain(one_by_one);
    let both = statements.iter().zip(read);
    both.map(|(statement, read)| Ok(name(*statement, read?)))
        .collect()
}

/// Nothing if one of them has a mistake: each is to be read alone then.
fn together(statements: &[Statement<'_>]) -> Option<Vec<Read>> {
    let mut text = String::new();
    let mut starts = Vec::with_capacity(statements.len());
    for statement in statements {
        // What is left open, or may be too deep, is not for its neighbours to suffer.
        if !statement.text.ends_with(';') || depth(statement.text) > MAX_DEPTH {
            return None;
        }
        starts.push(text.len());
        text.push_str(statement.text);
        text.push('\n');
    }
    let (mut trees, set) = parse_policyset_to_ests_and_pset(&text).ok()?;
    if trees.len() != statements.len() {
        return None;
    }
    // These are the names that Cedar gives to the policies of a text. A template is not among them.
    let read = starts.into_iter().enumerate().map(|(number, start)| {
        let id = PolicyID::from_string(format!("policy{number}"));
        let tree = pst::Template::try_from(trees.remove(&id)?).ok()?;
        Some((set.get(&id)?.clone().into(), tree, start))
    });
    read.collect()
}

/// Gives a policy the name that its annotations say.
fn name<'a>(statement: Statement<'a>, (policy, tree, start): Read) -> (Parsed<'a>, Vec<Mistake>) {
    // To ask for one by its name parses that name.
    let all: BTreeMap<&str, &str> = policy.annotations().collect();
    let annotation = |key| all.get(key).copied().map(Box::from);
    let note = Note {
        id: all.get("id").copied().unwrap_or_default().into(),
        reason: annotation("reason"),
        advice: annotation("advice"),
        owner: annotation("owner"),
    };
    let mistakes = annotations(&all, statement);
    let mut named = policy.entity_literals();
    named.sort_unstable();
    named.dedup();
    let parsed = Parsed {
        is_shadow: all.contains_key("shadow"),
        statement,
        policy,
        tree,
        name: PolicyName(note.into()),
        named,
        start,
    };
    (parsed, mistakes)
}

/// Reads one statement, and says all that is wrong with it.
fn alone(statement: Statement<'_>) -> Result<Read, Vec<Mistake>> {
    let depth = depth(statement.text);
    if depth > MAX_DEPTH {
        let text = format!(
            "it may be {depth} operators deep, more than {MAX_DEPTH}: use sets, or several policies"
        );
        return Err(vec![statement.mistake_at(0, text)]);
    }
    let read = Policy::parse(None, statement.text);
    let policy: Policy = read.map_err(|errors| {
        errors
            .iter()
            .map(|e| place(e, statement, 0))
            .collect::<Vec<_>>()
    })?;
    let tree = policy.to_pst();
    let tree = tree.map_err(|error| vec![place(&error, statement, 0)])?;
    let tree = tree.body().clone();
    Ok((policy, tree, 0))
}

/// What Cedar says, where it says it. `error` is about the statement alone,
/// which begins at `start` of what Cedar was given.
fn place(error: &(impl Diagnostic + ?Sized), statement: Statement<'_>, start: usize) -> Mistake {
    let label = error.labels().and_then(|mut labels| labels.next());
    let offset = label.as_ref().map_or(start, miette::LabeledSpan::offset);
    let offset = offset.saturating_sub(start);
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

fn annotations(all: &BTreeMap<&str, &str>, statement: Statement<'_>) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    match all.get("id") {
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
        let bytes = all.get(key).map(|text| text.len());
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

/// So many statements are parsed at once. More make no text faster, and one
/// mistake makes all of them slower.
pub(super) const BATCH: usize = 256;

#[cfg(test)]
mod tests {
    use cedar_policy::PolicyId;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_read_together_is_what_is_read_alone(
            parts in prop::collection::vec(prop::sample::select(vec![
                "permit(principal, action, resource);",
                "@id(\"a;b\\\"c\") forbid(principal, action, resource) when { \"//;\" == \";\" };",
                "permit(principal, action, resource) // ; \"\n when { true };",
                "permit(principal == ?principal, action, resource);",
                "permit(principal, action, resource) when { 1 };",
                "forbid(principal);",
                "// note; \"\n",
                ";", "\"", "\"; permit", "x",
            ]), 0..8),
        ) {
            let source = parts.concat();
            let statements = Statement::split("a.cedar", &source);
            let Some(read) = together(&statements) else {
                return Ok(());
            };
            prop_assert_eq!(read.len(), statements.len());
            for (statement, (policy, mut tree, _)) in statements.into_iter().zip(read) {
                let (alone, same, _) = alone(statement).unwrap();
                let id = PolicyId::new("p");
                prop_assert_eq!(policy.new_id(id.clone()), alone.new_id(id));
                tree.id = same.id.clone();
                prop_assert_eq!(tree, same);
            }
        }
    }

    #[test]
    fn a_mistake_is_told_where_it_is_though_others_were_read_with_it() {
        let source = "@id(\"a\") permit(principal, action, resource);\n".repeat(30);
        let statements = Statement::split("a.cedar", &source);
        assert_eq!(together(&statements).unwrap().len(), 30);
        let source = format!("{source}permit(principal action);");
        let statements = Statement::split("a.cedar", &source);
        assert!(together(&statements).is_none());
        let mut outcomes = parse(&statements);
        let mistakes = outcomes.pop().unwrap().unwrap_err();
        assert_eq!((mistakes[0].line, mistakes[0].column), (31, 18));
        assert!(outcomes.iter().all(Result::is_ok));
    }
}
