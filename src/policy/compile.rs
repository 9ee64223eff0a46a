//! From text to a policy set: parse, name, validate, examine, index.
//!
//! Each step looks at every policy, so that all mistakes come out at once; only
//! when there is no error among them is there a set.

use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

use cedar_policy::EntityUid;
use cedar_policy::Validator;
use cedar_policy::pst;

use crate::policy::group_file::Listed;
use crate::policy::index::Index;
use crate::policy::index::Scope;
use crate::policy::lint;
use crate::policy::members;
use crate::policy::mention::Mentions;
use crate::policy::mistake::Mistake;
use crate::policy::mistake::Severity;
use crate::policy::parse;
use crate::policy::parse::Parsed;
use crate::policy::revision::Revision;
use crate::policy::schema::Vocabulary;
use crate::policy::services::Routes;
use crate::policy::set::Condition;
use crate::policy::set::Place;
use crate::policy::set::Policy;
use crate::policy::set::Rule;
use crate::policy::settings::Settings;
use crate::policy::settings::Zone;
use crate::policy::spread::spread;
use crate::policy::statement::Statement;
use crate::policy::template::Template;
use crate::policy::validate::validate;
use crate::policy::words::Kind;
use crate::policy::words::Words;

/// All of it.
pub(super) fn compile(
    files: &[(&str, &str)],
    settings: &Settings,
) -> Result<(Policy, Vec<Mistake>), Vec<Mistake>> {
    let mut files = files.to_vec();
    files.sort_unstable();
    let mut mistakes = twice(&files);
    let parsed = parse_all(&files, &mut mistakes);
    let routes = collect_routes(&parsed, settings, &mut mistakes);
    let vocabulary = Vocabulary::new(settings, routes.params());
    match vocabulary.schema() {
        Ok(schema) => {
            let validator = Validator::new(schema);
            let world = lint::World {
                settings,
                routes: &routes,
                vocabulary: &vocabulary,
            };
            let found = spread(&parsed, 1, |policy| examine(policy, &validator, world));
            mistakes.extend(found.into_iter().flatten());
        }
        Err(error) => mistakes.push(Mistake::whole("schema", error)),
    }
    let policy = build(&parsed, routes, &vocabulary, settings, Revision::of(files));
    finish(policy, mistakes)
}

/// The set, unless there is an error among the mistakes.
fn finish(
    policy: Result<Policy, Vec<Mistake>>,
    mut mistakes: Vec<Mistake>,
) -> Result<(Policy, Vec<Mistake>), Vec<Mistake>> {
    let policy = policy.map_err(|more| mistakes.extend(more));
    mistakes.sort_unstable();
    mistakes.dedup_by(|next, first| next.says_no_more_than(first));
    match policy {
        Ok(policy) if mistakes.iter().all(|m| m.severity == Severity::Warning) => {
            Ok((policy, mistakes))
        }
        _ => Err(mistakes),
    }
}

fn twice(files: &[(&str, &str)]) -> Vec<Mistake> {
    files
        .windows(2)
        .filter_map(|pair| match pair {
            [(a, _), (b, _)] if a == b => Some(Mistake::whole(a, "two files have this name")),
            _ => None,
        })
        .collect()
}

fn parse_all<'a>(files: &[(&'a str, &'a str)], mistakes: &mut Vec<Mistake>) -> Vec<Parsed<'a>> {
    let mut policies: Vec<Parsed<'a>> = Vec::new();
    let mut names: HashMap<String, usize> = HashMap::new();
    let statements = files.iter();
    let statements: Vec<Statement<'_>> = statements
        .flat_map(|(name, text)| Statement::split(name, text))
        .collect();
    let batches: Vec<&[Statement<'_>]> = statements.chunks(parse::BATCH).collect();
    let outcomes = spread(&batches, parse::BATCH, |batch| parse::parse(batch));
    for outcome in outcomes.into_iter().flatten() {
        let (parsed, more) = match outcome {
            Ok(parsed) => parsed,
            Err(more) => {
                mistakes.extend(more);
                continue;
            }
        };
        mistakes.extend(more);
        let name = parsed.name.as_str();
        if !name.is_empty()
            && let Some(first) = names.insert(name.to_owned(), policies.len())
            && let Some(first) = policies.get(first)
        {
            let first = first.statement.mistake_at(0, "");
            let text = format!(
                "the `@id` \"{name}\" is taken by the policy at {}:{}:{}",
                first.file, first.line, first.column
            );
            mistakes.push(parsed.statement.mistake_at(0, text));
        }
        policies.push(parsed);
    }
    policies
}

/// The declared templates and those that policies name. Ids that are no
/// templates are left to the checks.
fn collect_routes(
    parsed: &[Parsed<'_>],
    settings: &Settings,
    mistakes: &mut Vec<Mistake>,
) -> Routes {
    let mut routes = Routes::declared(settings);
    for policy in parsed {
        for uid in &policy.named {
            if uid.type_name().basename() == Kind::Route.name()
                && let Some((service, template)) = uid.id().unescaped().split_once(':')
                && let Ok(template) = template.parse::<Template>()
            {
                routes.add(service, &template);
            }
        }
    }
    for (service, one, other, name) in routes.conflicts() {
        let text = format!(
            "`{one}` and `{other}` of `{service}` fit the same paths, \
             and name different segments of them `{name}`"
        );
        let ids = [format!("{service}:{one}"), format!("{service}:{other}")];
        let named = parsed.iter().find_map(|policy| {
            let id = ids.iter().find(|id| policy.statement.text.contains(*id))?;
            let statement = policy.statement;
            Some(statement.mistake(id, Severity::Error, text.clone()))
        });
        mistakes.push(named.unwrap_or_else(|| Mistake::whole("routes", text)));
    }
    routes
}

/// What can be said of one policy alone: Cedar's checks, then ours.
fn examine(parsed: &Parsed<'_>, validator: &Validator, world: lint::World<'_>) -> Vec<Mistake> {
    let mut mistakes = validate(parsed, validator);
    let subject = lint::Subject {
        statement: parsed.statement,
        named: &parsed.named,
        tree: &parsed.tree,
        valid: mistakes.is_empty(),
    };
    match lint::check(subject, world) {
        Ok(more) => mistakes.extend(more),
        Err(unknown) => mistakes.push(parsed.statement.mistake_at(0, unknown)),
    }
    mistakes
}

fn build(
    parsed: &[Parsed<'_>],
    routes: Routes,
    vocabulary: &Vocabulary,
    settings: &Settings,
    revision: Revision,
) -> Result<Policy, Vec<Mistake>> {
    let words = Words::new().map_err(|error| vec![Mistake::whole("schema", error)])?;
    let mut mistakes = Vec::new();
    let mut rules = Vec::with_capacity(parsed.len());
    let mut file: Arc<str> = Arc::default();
    for policy in parsed {
        let name = policy.statement.file;
        if *file != *name {
            file = name.into();
        }
        let place = Place {
            file: Arc::clone(&file),
            line: policy.statement.line,
        };
        match rule(policy, vocabulary, place) {
            Ok(rule) => rules.push(rule),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let scopes: Vec<Scope> = parsed
        .iter()
        .map(|p| Scope::of(&p.policy, &words))
        .collect();
    let zones = settings.zones.iter();
    let zones = zones.map(|(name, zone)| (name.to_string(), zone.clone()));
    let headers = settings.headers.iter();
    let headers = headers.map(|header| (header.as_str().to_owned(), header.clone()));
    Ok(Policy {
        revision,
        rules: rules.into(),
        index: Arc::new(Index::new(&scopes)),
        services: Arc::new(routes.build(&words)),
        memberships: members::by_workload(&settings.workload_groups, &words),
        claims: Arc::new(vocabulary.claims.clone()),
        signal_headers: Arc::new(settings.signal_headers.clone()),
        signal_types: Arc::new(settings.signals.clone()),
        groups_of_people: Arc::new(groups_of_people(parsed, &words)),
        listed: Arc::new(Listed::new(&settings.group_lines, &words)),
        signals: Arc::new(settings.signal_values.clone()),
        headers: Arc::new(headers.collect()),
        zones: Arc::new(zones.chain([("utc".to_owned(), Zone::UTC)]).collect()),
    })
}

/// Whoever is in no more than other groups is the same to every policy.
fn groups_of_people(parsed: &[Parsed<'_>], words: &Words) -> HashSet<EntityUid> {
    let named = parsed.iter().flat_map(|p| &p.named);
    named
        .filter(|uid| uid.type_name() == words.type_name(Kind::Group))
        .cloned()
        .collect()
}

fn rule(parsed: &Parsed<'_>, vocabulary: &Vocabulary, place: Place) -> Result<Rule, Mistake> {
    let mistake = |why: &dyn std::fmt::Display| parsed.statement.mistake_at(0, why);
    let clauses = parsed.tree.clauses();
    let condition = if clauses.is_empty() {
        None
    } else {
        let mentions = Mentions::of(clauses, vocabulary).map_err(|why| mistake(&why))?;
        let bare = pst::Template::new(
            parsed.name.as_str(),
            parsed.tree.effect,
            pst::PrincipalConstraint::Any,
            pst::ActionConstraint::Any,
            pst::ResourceConstraint::Any,
        )
        .try_with_clauses(clauses.iter().cloned())
        .map_err(|why| mistake(&why))?;
        let policy = pst::StaticPolicy::try_from(bare).map_err(|why| mistake(&why))?;
        Some(Condition {
            policy: policy.into(),
            mentions,
        })
    };
    Ok(Rule {
        name: parsed.name.clone(),
        effect: parsed.policy.effect(),
        is_shadow: parsed.is_shadow,
        place,
        condition,
    })
}
