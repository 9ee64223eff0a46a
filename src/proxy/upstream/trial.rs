//! One attempt at one endpoint, and what is learnt from it.

use std::cell::Cell;

use http::StatusCode;
use tokio::time::Instant;

use crate::proxy::activity::Activity;
use crate::proxy::activity::Phase;
use crate::proxy::upstream::UpstreamError;
use crate::proxy::upstream::destination::Destination;
use crate::proxy::upstream::destination::Endpoint;

/// A request that an endpoint has, and has not answered yet.
///
/// One that is dropped without an outcome was given up: by its caller, of
/// which nothing is learnt, or because the answer took too long.
pub(super) struct Trial<'a> {
    activity: &'a Activity,
    begun: Instant,
    destination: &'a Destination,
    endpoint: &'a Endpoint,
    is_over: Cell<bool>,
}

impl<'a> Trial<'a> {
    pub(super) fn begin(
        destination: &'a Destination,
        endpoint: &'a Endpoint,
        activity: &'a Activity,
        begun: Instant,
    ) -> Self {
        Self {
            activity,
            begun,
            destination,
            endpoint,
            is_over: Cell::new(false),
        }
    }

    /// It has answered.
    pub(super) fn answered(self, status: StatusCode) {
        self.is_over.set(true);
        if is_gateways(status) {
            return self.did_badly();
        }
        self.endpoint.health.did_well();
        if self.destination.has_choice() {
            self.endpoint.load.answered(self.begun, Instant::now());
        }
    }

    /// It has failed.
    pub(super) fn failed(self, error: &UpstreamError) {
        self.is_over.set(true);
        if matches!(self.activity.phase(), Phase::BrokenOff | Phase::Stalled) {
            // Its caller's doing.
            return;
        }
        match error {
            // One that drains is no failing one.
            UpstreamError::Http2 { cause } if cause.is_go_away() => {}
            UpstreamError::Dial { .. } | UpstreamError::Tls { .. } => {
                self.destination.was_not_reached(self.endpoint);
            }
            _ => self.did_badly(),
        }
    }

    fn did_badly(&self) {
        self.endpoint.load.failed(self.begun, Instant::now());
        self.destination.did_badly(self.endpoint);
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if !self.is_over.get() && self.activity.is_overdue() {
            self.did_badly();
        }
    }
}

/// What proxies say of what is behind them. Other errors are the application's own.
fn is_gateways(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    )
}
