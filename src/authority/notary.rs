//! Signs the newest policy set, for all to believe.
//!
//! With the authority's own SVID, and again with each new one: so the signature
//! of a set that stays is by a root that is still published.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use crate::authority::ledger::Ledger;
use crate::authority::ledger::LedgerError;
use crate::authority::ledger::PolicyRow;
use crate::authority::metrics::Metrics;
use crate::authority::policy_status::PolicyStatus;
use crate::identity::Endorsed;
use crate::identity::Endorsement;
use crate::identity::EndorsementError;
use crate::identity::Live;
use crate::policy::Document;
use crate::rpc::authority as rpc;
use crate::time::Clock;

/// Whoever signs.
#[derive(Debug)]
pub(super) struct Notary {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ledger: Ledger,
    /// Who we are; not known until the keys are open.
    pub(super) live: Option<Arc<Live>>,
    pub(super) metrics: Metrics,
    /// What was signed last.
    pub(super) signed: Option<Signed>,
    pub(super) status: watch::Sender<PolicyStatus>,
}

/// A set, and the signature under it.
#[derive(Debug)]
pub(super) struct Signed {
    generation: u64,
    row: PolicyRow,
    set: rpc::PolicySet,
}

impl Notary {
    /// The newest set, signed. What cannot be read or signed leaves the one of
    /// before: nothing else that is to be told waits for it.
    pub(super) async fn newest(&mut self) -> Option<rpc::PolicySet> {
        if let Err(error) = self.look().await {
            let error: &dyn std::error::Error = &error;
            tracing::error!(
                error,
                "the newest policy set is not told; the one of before stays"
            );
        }
        self.signed.as_ref().map(|signed| signed.set.clone())
    }

    async fn look(&mut self) -> Result<(), NotaryError> {
        let Some(live) = self.live.clone() else {
            return Ok(());
        };
        let newest = self.ledger.policies().await.map_err(unread)?;
        let Some(row) = newest.into_iter().next() else {
            return Ok(());
        };
        let generation = live.generation();
        let document = match &self.signed {
            Some(signed) if signed.row == row && signed.generation == generation => return Ok(()),
            Some(signed) if signed.row == row => signed.set.document.clone(),
            _ => self.document(&row).await?,
        };
        let digest = digest_of(&document, &row)?;
        let what = Endorsed {
            version: row.version,
            digest,
        };
        let svid = Arc::clone(live.current().svid());
        let signed = Endorsement::sign(what, &svid, self.clock.now())
            .map_err(|cause| NotaryError::NotSigned { cause })?;
        let set = rpc::PolicySet {
            version: row.version,
            digest: digest.to_vec(),
            document,
            signed_at_s: signed.signed_at_s,
            chain: signed.chain.iter().map(|der| der.to_vec()).collect(),
            scheme: u16::from(signed.scheme).into(),
            signature: signed.signature,
        };
        self.metrics
            .policy_version
            .set(i64::try_from(row.version).unwrap_or(i64::MAX));
        self.status
            .send_modify(|status| status.published = Some(row.clone().into()));
        self.signed = Some(Signed {
            generation,
            row,
            set,
        });
        Ok(())
    }

    async fn document(&self, row: &PolicyRow) -> Result<Bytes, NotaryError> {
        let text = self.ledger.policy_document(row.version).await;
        let text = text.map_err(unread)?.ok_or_else(|| bad(row))?;
        Ok(Bytes::from(text))
    }
}

/// The digest of the text, which must be what its row says.
fn digest_of(document: &Bytes, row: &PolicyRow) -> Result<[u8; 32], NotaryError> {
    let text = std::str::from_utf8(document).map_err(|_invalid| bad(row))?;
    let digest = Document::digest(text);
    let written: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    if written == row.digest {
        Ok(digest)
    } else {
        Err(bad(row))
    }
}

const fn unread(cause: LedgerError) -> NotaryError {
    NotaryError::Ledger { cause }
}

fn bad(row: &PolicyRow) -> NotaryError {
    unread(LedgerError::BadRow {
        table: "policy_set",
        row: row.version.to_string(),
    })
}

/// Why a set is not signed.
#[derive(Debug, thiserror::Error)]
enum NotaryError {
    /// The database gave no answer that can be used.
    #[error("it cannot be read")]
    Ledger {
        /// Why not.
        #[source]
        cause: LedgerError,
    },
    /// Our own key does not sign it.
    #[error("it cannot be signed")]
    NotSigned {
        /// Why not.
        #[source]
        cause: EndorsementError,
    },
}
