//! Which groups a workload is in.

use std::collections::HashMap;

use cedar_policy::EntityUid;

use crate::id::SpiffeId;
use crate::policy::settings::Groups;
use crate::policy::words::Kind;
use crate::policy::words::Words;

/// `groups`, the other way round.
pub(super) fn by_workload(groups: &Groups, words: &Words) -> HashMap<SpiffeId, Vec<EntityUid>> {
    let mut memberships: HashMap<_, Vec<_>> = HashMap::new();
    for (group, workloads) in groups {
        let group = words.uid(Kind::WorkloadGroup, group.as_str());
        for workload in workloads {
            let groups = memberships.entry(workload.clone()).or_default();
            groups.push(group.clone());
        }
    }
    memberships
}
