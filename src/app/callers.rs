//! The Workload API for the programs beside us.

use std::sync::Arc;

use crate::app::worker::Common;
use crate::net::UnixBindError;
use crate::workload_api::OwnIdentity;
use crate::workload_api::Server;

/// Opens the socket, if there is to be one; serves nobody yet.
pub(super) fn open(common: &Common) -> Result<Option<Server>, UnixBindError> {
    let Some(api) = &common.config.workload_api else {
        return Ok(None);
    };
    let registrar = OwnIdentity::new(Arc::clone(&common.identity), api.uids.clone());
    let clock = Arc::clone(&common.clock);
    let metrics = common.calls.clone();
    Server::bind(api.settings.clone(), Arc::new(registrar), clock, metrics).map(Some)
}
