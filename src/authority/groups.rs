//! Who is in which group.
//!
//! A group is what entries say: whoever an entry with it names is in it. For an
//! entry without places that is one ID. For one with places it is nobody until
//! it has named somebody: that an ID would fit proves nothing, since another
//! entry, which asks for less, may have given it out.

use std::collections::BTreeSet;

use crate::authority::entry::Entries;
use crate::authority::entry::Entry;
use crate::authority::ledger::Ledger;
use crate::authority::ledger::LedgerError;
use crate::id::SpiffeId;
use crate::policy::Groups;

/// All groups that entries have, also those that nobody is in.
pub(super) async fn gather(entries: &Entries, ledger: &Ledger) -> Result<Groups, LedgerError> {
    let mut groups = Groups::new();
    for entry in entries.iter().filter(|entry| !entry.groups.is_empty()) {
        let ids = match only_id(entry) {
            Some(id) => vec![id],
            None => named_by(entry, ledger).await?,
        };
        for group in &entry.groups {
            let members = groups.entry(group.clone()).or_default();
            members.extend(ids.iter().cloned());
        }
    }
    Ok(groups)
}

/// Whether `id`, which `entry` is about to name, comes into a group by that.
pub(super) fn is_newcomer(entry: &Entry, id: &SpiffeId, groups: &Groups) -> bool {
    let is_in = |name| groups.get(name).is_some_and(|members| members.contains(id));
    !entry.groups.iter().all(is_in)
}

/// Whether somebody more can be in them. Everybody is told of all members, and
/// whoever fits an entry with places might go on taking names.
pub(super) fn have_room(groups: &Groups) -> bool {
    let ids = groups.values().flatten();
    ids.map(|id| id.as_str().len()).sum::<usize>() < MOST_BYTES
}

/// Whether who is in groups depends on who was named, and for how long that is remembered.
pub(super) fn depend_on_names(entries: &Entries) -> bool {
    entries
        .iter()
        .any(|entry| !entry.groups.is_empty() && only_id(entry).is_none())
}

/// Whom the entry names if it has no places.
fn only_id(entry: &Entry) -> Option<SpiffeId> {
    entry.id.fill(&BTreeSet::new())
}

/// Whom the entry has named, and still would on the same proof. An entry may
/// have been edited, or be another under the name of an earlier one.
async fn named_by(entry: &Entry, ledger: &Ledger) -> Result<Vec<SpiffeId>, LedgerError> {
    let named = ledger.named_by(&entry.name).await?;
    let ids = named.into_iter().filter_map(|(id, proved)| {
        let now = entry.names(&proved)?;
        (now.as_str() == id).then_some(now)
    });
    Ok(ids.collect())
}

/// Of all IDs in all groups: a hundred thousand of the usual length. More would
/// not fit beside the rest into what a sidecar takes at once.
const MOST_BYTES: usize = 4 * 1024 * 1024;
