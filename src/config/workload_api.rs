//! The Workload API's section of the file into its settings.

use std::collections::BTreeSet;
use std::path::Path;

use crate::config::Mistakes;
use crate::config::WorkloadApi;
use crate::config::file;
use crate::workload_api::OwnIdentity;
use crate::workload_api::Settings;

pub(super) fn settings(
    file: &file::File,
    folder: &Path,
    notes: &mut Mistakes,
) -> Option<WorkloadApi> {
    let written = file.workload_api.as_ref()?;
    let uids = match &written.uids {
        None => BTreeSet::from([OwnIdentity::our_user()]),
        Some(uids) => uids.iter().copied().collect(),
    };
    if uids.is_empty() {
        notes.add(
            "workload_api.uids",
            "names nobody: name a user by its number, or leave the key out for our own",
        );
    }
    let socket = folder.join(&written.socket);
    let agent = file.identity.workload_api.as_ref();
    if agent.and_then(|agent| agent.strip_prefix("unix://")) == socket.to_str() {
        notes.add(
            "workload_api.socket",
            "is the socket that our own identity comes from: choose another path",
        );
    }
    let mode = notes.parse("workload_api.mode", &written.mode)?;
    Some(WorkloadApi {
        settings: Settings::new(socket, mode),
        uids,
    })
}
