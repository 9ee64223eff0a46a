//! Keeps a connection to another sidecar beyond the certificates it was made with.
//!
//! When our SVID is renewed, or the far side's should have been, it makes a
//! second connection to the same address and proves there that both ends are
//! who they were; see [`Lease`](crate::tls::Lease). What is under way goes on
//! meanwhile and knows nothing of it. Nothing is begun anew on what is kept:
//! requests go where the current identity is shown.

use std::convert::Infallible;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;
use std::time::SystemTime;

use tokio::time::sleep;

use crate::net::Dialer;
use crate::net::Dice;
use crate::net::OwnConnections;
use crate::proxy::lifetime::LONGEST_NAP;
use crate::proxy::threshold::LeaseCounts;
use crate::proxy::upstream::bond::Bond;
use crate::tls::Connector;
use crate::tls::Extension;
use crate::tls::Keying;
use crate::tls::ProveError;

/// What it takes to prove that a connection's two ends are who they were.
#[derive(Debug)]
pub(in crate::proxy) struct Keeper {
    pub(in crate::proxy) counts: LeaseCounts,
    /// To where the connection leads.
    pub(in crate::proxy) dialer: Dialer,
    pub(in crate::proxy) keying: Keying,
    /// Where connections that we make are listed, if a firewall may bring them back.
    pub(in crate::proxy) own: Option<OwnConnections>,
    pub(in crate::proxy) tls: Rc<Connector>,
}

/// What we have shown of ourselves.
#[derive(Clone, Copy, Debug)]
pub(in crate::proxy) struct Shown {
    /// Which generation of our identity.
    pub(in crate::proxy) generation: u64,
    /// When its certificate ends.
    pub(in crate::proxy) until: SystemTime,
}

impl Keeper {
    /// Proves whenever that is due, for as long as the connection is used.
    pub(super) async fn keep(&self, bond: &Bond) -> Infallible {
        let dice = Dice::new();
        loop {
            self.due(bond).await;
            // Those that are renewed together do not come together.
            sleep(
                (bond.left() / 1_000)
                    .min(LONGEST_SPREAD)
                    .mul_f64(dice.fraction()),
            )
            .await;
            // Boxed: it is rare, and large.
            let proved = Box::pin(self.prove(bond)).await;
            self.counts.count(match &proved {
                Ok(Extension::Extended) => "extended",
                Ok(Extension::Kept) => "kept",
                Err(ProveError::Refused) => "refused",
                Err(error) if error.is_unknown_there() => "unknown_there",
                Err(_) => "failed",
            });
            if let Err(error) = &proved {
                tracing::debug!(
                    error = error as &dyn std::error::Error,
                    "a connection to another sidecar is not proved anew"
                );
            }
            if proved.is_err_and(|error| error.is_unknown_there()) {
                return pending().await;
            }
            if self.is_due(bond) {
                sleep((bond.left() / 8).max(SHORTEST_PAUSE)).await;
            }
        }
    }

    /// Ends when there is something to prove, and a reason to.
    async fn due(&self, bond: &Bond) {
        while !(bond.is_used() && self.is_due(bond)) {
            let generation = self.tls.generation();
            tokio::select! {
                () = sleep(LONGEST_NAP) => {}
                () = self.tls.renewed(generation) => {}
            }
        }
    }

    fn is_due(&self, bond: &Bond) -> bool {
        let shown = bond.shown();
        let is_renewed =
            self.tls.generation() != shown.generation && self.tls.shows_until() > shown.until;
        is_renewed || bond.far_side_nears_its_end()
    }

    async fn prove(&self, bond: &Bond) -> Result<Extension, ProveError> {
        let stream = self.dialer.dial().await;
        let stream = stream.map_err(|cause| ProveError::Dial { cause })?;
        let _listed = self.own.as_ref().map(|own| own.list(&stream));
        let far = bond.belief().peer().id().clone();
        let proved = self.tls.prove(stream, &self.keying, &far).await?;
        Ok(bond.extend(proved))
    }
}

/// Long enough that a core can shake hands with all that one worker has.
const LONGEST_SPREAD: Duration = Duration::from_secs(5);
/// The far side may be busy, be about to renew, or be another behind the same address.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
