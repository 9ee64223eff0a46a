//! What the validator lets pass and should not.
//!
//! Cedar is sound about types, but it takes a misspelt name or id for one that
//! is merely absent: a `permit … unless` on it always permits, a `forbid` on
//! it never forbids. Each check here closes one such way to fail open.

mod ids;
mod names;
mod shape;

use cedar_policy::EntityUid;
use cedar_policy::pst;

use crate::policy::mistake::Mistake;
use crate::policy::schema::Vocabulary;
use crate::policy::services::Routes;
use crate::policy::settings::Settings;
use crate::policy::statement::Statement;
use crate::policy::syntax::UnknownSyntax;

/// What policies are held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct World<'a> {
    pub(super) settings: &'a Settings,
    pub(super) routes: &'a Routes,
    pub(super) vocabulary: &'a Vocabulary,
}

/// One policy in the forms that the checks read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    pub(super) statement: Statement<'a>,
    /// All entities that it names, sorted.
    pub(super) named: &'a [EntityUid],
    pub(super) tree: &'a pst::Template,
    /// Whether Cedar's own validator found nothing, so that nothing is said
    /// twice.
    pub(super) valid: bool,
}

/// Everything that looks wrong with one policy.
pub(super) fn check(subject: Subject<'_>, world: World<'_>) -> Result<Vec<Mistake>, UnknownSyntax> {
    let mut mistakes = names::check(subject, world)?;
    mistakes.extend(ids::check(subject, world)?);
    mistakes.extend(shape::check(subject)?);
    Ok(mistakes)
}
