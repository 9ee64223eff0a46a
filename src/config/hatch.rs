//! Where operators order a sidecar about, as the file has it.

use std::path::Path;
use std::path::PathBuf;

use crate::config::Mistakes;
use crate::config::file;

pub(super) fn settings(file: &file::File, folder: &Path, notes: &mut Mistakes) -> Option<PathBuf> {
    let written = file.admin.as_ref()?.socket.as_ref()?;
    if written.file_name().is_none() {
        notes.add(
            "admin.socket",
            "names no file: say where the socket is to be",
        );
    }
    let socket = folder.join(written);
    let agent = file.identity.workload_api.as_ref();
    let agent = agent.and_then(|agent| agent.strip_prefix("unix://"));
    let others = [
        (agent.map(PathBuf::from), "identity.workload_api"),
        (
            file.workload_api
                .as_ref()
                .map(|api| folder.join(&api.socket)),
            "workload_api.socket",
        ),
    ];
    for (other, path) in others {
        if other.is_some_and(|other| other == socket) {
            notes.add(
                "admin.socket",
                format!("is the socket of `{path}`, too: choose another path"),
            );
        }
    }
    Some(socket)
}
