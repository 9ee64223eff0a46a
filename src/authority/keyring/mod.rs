//! The signing keys of the trust domain, and their life.
//!
//! A key is *prepared* (published, so that everybody believes it before it is
//! used), then *active* (it signs), then *old* (what it signed runs out). One
//! that cannot be trusted any more is *tainted*, which makes every workload
//! renew at once, and then revoked, which forgets it. Each has a companion that
//! signs tokens, and shares its life. All authorities that
//! share a database share the keys; of two that take a step at once, one does.

mod keys;
mod rows;
mod steps;

use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::CertificateSigningRequestDer;
use tokio::sync::watch;

use crate::authority::ledger::KeyRow;
use crate::authority::ledger::KeyState;
use crate::authority::ledger::Ledger;
use crate::authority::ledger::OnlyIf;
use crate::ca::Wish;
use crate::id::SpiffeId;
use crate::identity::IssueError;
use crate::identity::Issuer;
use crate::store::SealingKey;
use crate::time::Clock;
use crate::x509::Bundles;

pub use keys::KeyringError;
pub(super) use keys::Keys;
pub(super) use rows::Make;
pub(super) use steps::Step;
pub use steps::StepError;

use rows::make_jwt_key;
use rows::unseal;

/// The keys, kept up to date.
#[derive(Debug)]
pub(in crate::authority) struct Keyring {
    clock: Arc<dyn Clock>,
    current: watch::Sender<Arc<Keys>>,
    ledger: Ledger,
    make: Make,
    sealing: SealingKey,
}

/// What a keyring is made of.
#[derive(Debug)]
pub(in crate::authority) struct Parts {
    pub(in crate::authority) clock: Arc<dyn Clock>,
    pub(in crate::authority) ledger: Ledger,
    pub(in crate::authority) make: Make,
    pub(in crate::authority) sealing: SealingKey,
}

impl Keyring {
    /// Unseals the keys; makes the first, if there is none.
    pub(in crate::authority) async fn open(parts: Parts) -> Result<Self, KeyringError> {
        let Parts {
            clock,
            ledger,
            make,
            sealing,
        } = parts;
        if ledger.keys().await?.is_empty() {
            let first = make.next(&sealing, clock.now())?;
            let first = KeyRow {
                state: KeyState::Active,
                ..first
            };
            ledger.add_key(&first, OnlyIf::NoKeyYet).await?;
        }
        let rows = rows(&ledger, &sealing).await?;
        let keys = unseal(rows, &make.trust_domain, &sealing)?;
        Ok(Self {
            clock,
            current: watch::Sender::new(Arc::new(keys)),
            ledger,
            make,
            sealing,
        })
    }

    /// The keys of this moment.
    pub(in crate::authority) fn current(&self) -> Arc<Keys> {
        Arc::clone(&self.current.borrow())
    }

    /// The keys, and every change of them.
    pub(in crate::authority) fn follow(&self) -> watch::Receiver<Arc<Keys>> {
        self.current.subscribe()
    }

    /// Reads them again, and tells whoever follows if they have changed.
    pub(in crate::authority) async fn reload(&self) -> Result<(), KeyringError> {
        let rows = rows(&self.ledger, &self.sealing).await?;
        let keys = unseal(rows, &self.make.trust_domain, &self.sealing)?;
        self.current.send_if_modified(|current| {
            let changed = !current.are(&keys);
            if changed {
                *current = Arc::new(keys);
            }
            changed
        });
        Ok(())
    }
}

/// All keys. Those of a program that knew of no tokens get their companions.
async fn rows(ledger: &Ledger, sealing: &SealingKey) -> Result<Vec<KeyRow>, KeyringError> {
    let rows = ledger.keys().await?;
    if rows.iter().all(|row| !row.sealed_jwt_key.is_empty()) {
        return Ok(rows);
    }
    for row in rows.iter().filter(|row| row.sealed_jwt_key.is_empty()) {
        let companion = make_jwt_key(&row.id, sealing)?;
        ledger.add_jwt_key(&row.id, &companion).await?;
    }
    Ok(ledger.keys().await?)
}

/// The authority names itself with its own keys.
impl Issuer for Keyring {
    fn issue(
        &self,
        request: &CertificateSigningRequestDer<'_>,
        id: &SpiffeId,
        lifetime: Duration,
    ) -> Result<Vec<CertificateDer<'static>>, IssueError> {
        let wish = Wish {
            id,
            lifetime,
            request,
        };
        let issued = self.current().sign(wish, self.clock.now())?;
        Ok(issued.chain)
    }

    fn bundles(&self) -> Arc<Bundles> {
        Arc::clone(self.current().bundles())
    }
}
