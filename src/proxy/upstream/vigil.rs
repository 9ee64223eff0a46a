//! Whether a tunnel is still wanted, and whether anybody is at its other end.
//!
//! A connection whose other end has vanished looks like a quiet one. The
//! kernel finds that out only where something waits to be acknowledged, and
//! not at all where the kernel of the other side is well and its program
//! hangs. So a tunnel on which nothing was heard for a while is pinged.

use std::future::pending;
use std::future::poll_fn;
use std::time::Duration;

use h2::Ping;
use h2::PingPong;
use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::timeout;

use crate::net::Pulse;

/// How tunnels are watched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vigil {
    /// How long a tunnel without streams is kept.
    pub(super) idle: Duration,
    /// After how long a silence a tunnel is pinged, and how long it may take to
    /// answer. Whoever vanishes is found out after three times as long at the most.
    pub(super) ping: Duration,
}

impl Vigil {
    /// Returns when the other side does not answer. A tunnel that was not used
    /// for too long is forgotten, and ends by itself.
    pub(super) async fn keep(
        self,
        mut pings: PingPong,
        pulse: &Pulse,
        is_used: impl Fn() -> bool,
        forget: impl Fn(),
    ) {
        let (mut heard, mut used, mut asked) = (pulse.beats(), Instant::now(), false);
        loop {
            sleep(self.ping.min(self.idle)).await;
            let now = Instant::now();
            if is_used() {
                used = now;
            } else if now.duration_since(used) >= self.idle {
                forget();
            }
            let beats = pulse.beats();
            if beats != std::mem::replace(&mut heard, beats) {
                continue;
            }
            if !asked && pings.send_ping(Ping::opaque()).is_err() {
                // It has broken, which whoever drives it knows.
                return pending().await;
            }
            asked = true;
            match timeout(self.ping, poll_fn(|cx| pings.poll_pong(cx))).await {
                Ok(Ok(_pong)) => asked = false,
                Ok(Err(_broken)) => return pending().await,
                Err(_late) if pulse.beats() == heard => return,
                // It is busy with other things.
                Err(_late) => {}
            }
            heard = pulse.beats();
        }
    }
}

/// Why a tunnel was ended that did not answer.
pub(super) const UNRESPONSIVE: &str = "upstream_unresponsive";
