//! The Workload API for the programs beside us.

use std::sync::Arc;

use crate::app::worker::Common;
use crate::enrol::Follower;
use crate::net::UnixBindError;
use crate::workload_api::OwnIdentity;
use crate::workload_api::Server;
use crate::workload_api::Tokens;

/// Opens the socket, if there is to be one; serves nobody yet.
pub(super) fn open(
    common: &Common,
    follower: Option<&Follower>,
) -> Result<Option<Server>, UnixBindError> {
    let Some(api) = &common.config.workload_api else {
        return Ok(None);
    };
    let live = Arc::clone(&common.identity);
    let minter = follower.map(|follower| Arc::new(follower.minter(Arc::clone(&live))));
    let tokens = minter.map(|minter| -> Arc<dyn Tokens> { minter });
    let registrar = OwnIdentity::new(live, api.uids.clone(), tokens);
    let clock = Arc::clone(&common.clock);
    let metrics = common.calls.clone();
    Server::bind(api.settings.clone(), Arc::new(registrar), clock, metrics).map(Some)
}
