//! The names that the outbound doors lead to.

use std::sync::Arc;

use crate::config::Config;
use crate::net::Names;
use crate::net::Whereabouts;

/// What keeps them up to date, and where each door leads.
pub(super) fn follow(config: &Config) -> (Names, Arc<[Whereabouts]>) {
    let mut names = Names::new(config.names.clone());
    let doors = config.outbound.iter();
    let whereabouts = doors.map(|door| names.follow(&door.to)).collect();
    (names, whereabouts)
}
