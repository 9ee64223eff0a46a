//! The keys that assertions are signed with: of each month one, the same for all
//! sidecars that share a store.
//!
//! The next month's is published before it signs, and the last month's for as
//! long as somebody may hold what it signed: whoever keeps our keys for a while
//! misses none.

use std::time::Duration;
use std::time::SystemTime;

use tokio::time::sleep;

use crate::jwt::SigningError;
use crate::jwt::SigningKey;
use crate::proxy::edge::assertion::Asserter;
use crate::proxy::edge::assertion::AssertionKeys;
use crate::session::KeepError;
use crate::session::Sessions;
use crate::time::seconds;

/// The keys in force at `now`, made where they are not there.
///
/// # Errors
///
/// [`NoKeys`].
pub(super) async fn in_force(
    sessions: &Sessions,
    now: SystemTime,
) -> Result<AssertionKeys, NoKeys> {
    let month = seconds(now) / MONTH_S;
    let current = key(sessions, month).await?;
    let next = key(sessions, month + 1).await?;
    let mut published = vec![next.public_key()];
    if let Some(last) = month.checked_sub(1)
        && let Some(kept) = sessions.secret(&name(last)).await?
    {
        published.push(SigningKey::from_pkcs8(&kept)?.public_key());
    }
    if let Some(old) = month.checked_sub(2) {
        sessions.forget_secret(&name(old)).await?;
    }
    Ok(AssertionKeys::new(current, published))
}

/// The key of a month.
async fn key(sessions: &Sessions, month: u64) -> Result<SigningKey, NoKeys> {
    let kept = match sessions.secret(&name(month)).await? {
        Some(kept) => Some(kept),
        None => {
            let made = SigningKey::generate()?.to_pkcs8()?;
            sessions.keep_secret(&name(month), &made).await?
        }
    };
    Ok(SigningKey::from_pkcs8(&kept.ok_or(NoKeys::Gone)?)?)
}

/// Keeps `asserter` to the keys in force, for ever.
pub(super) async fn follow(asserter: &Asserter, sessions: &Sessions, now: impl Fn() -> SystemTime) {
    loop {
        sleep(LOOK_EVERY).await;
        match in_force(sessions, now()).await {
            Ok(keys) => asserter.replace(keys),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(
                    error,
                    "the keys for assertions cannot be had; the old ones stay"
                );
            }
        }
    }
}

fn name(month: u64) -> String {
    format!("assertion key {month}")
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum NoKeys {
    /// Somebody removed it from the store as it was made.
    #[error("a key that was kept is gone")]
    Gone,
    /// A key cannot be made or read.
    #[error("a key cannot be made or read")]
    Key {
        /// Why.
        #[from]
        #[source]
        cause: SigningError,
    },
    /// The store does not answer.
    #[error("the store does not answer")]
    Store {
        /// Why.
        #[from]
        #[source]
        cause: KeepError,
    },
}

const MONTH_S: u64 = 30 * 86_400;
const LOOK_EVERY: Duration = Duration::from_secs(600);
