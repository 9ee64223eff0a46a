//! Signing keys, sealed.

use rustls_pki_types::CertificateDer;

use crate::authority::ledger::Ledger;
use crate::authority::ledger::LedgerError;
use crate::authority::ledger::revocations::add_revocation;
use crate::authority::revocation::Revocation;
use crate::x509::certificates_from_pem;
use crate::x509::certificates_to_pem;

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in crate::authority) enum KeyState {
    /// It signs. There is exactly one.
    Active,
    /// It has signed, and what it signed is still believed.
    Old,
    /// It is published, and will sign.
    Prepared,
    /// What it signed is still believed, but should be replaced at once.
    Tainted,
}

impl KeyState {
    pub(in crate::authority) const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Old => "old",
            Self::Prepared => "prepared",
            Self::Tainted => "tainted",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Old, Self::Prepared, Self::Tainted]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// A signing key as it is kept.
#[derive(Clone, Debug)]
pub(in crate::authority) struct KeyRow {
    pub(in crate::authority) id: String,
    pub(in crate::authority) state: KeyState,
    /// Its certificate, those above it, and the root last. A root's line is itself.
    pub(in crate::authority) line: Vec<CertificateDer<'static>>,
    pub(in crate::authority) sealed_key: String,
    /// Its companion for tokens. Empty where it was made before there were any.
    pub(in crate::authority) sealed_jwt_key: String,
}

impl Ledger {
    /// All keys, in the order of their names.
    pub(in crate::authority) async fn keys(&self) -> Result<Vec<KeyRow>, LedgerError> {
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT id, state, certificate, sealed_key, sealed_jwt_key FROM signing_key ORDER BY id",
        )
        .fetch_all(self.database.pool())
        .await?;
        rows.into_iter().map(read).collect()
    }

    /// Adds a key. Tells whether it did: of two that add the first, one does.
    pub(in crate::authority) async fn add_key(
        &self,
        key: &KeyRow,
        only_if: OnlyIf,
    ) -> Result<bool, LedgerError> {
        let mut change = self.database.begin().await?;
        let unless = match only_if {
            OnlyIf::NoKeyYet => "SELECT COUNT(*) FROM signing_key",
            OnlyIf::NonePrepared => "SELECT COUNT(*) FROM signing_key WHERE state = 'prepared'",
        };
        // The write comes first: it makes the database put others in a row behind us.
        sqlx::query("UPDATE change_counter SET version = version")
            .execute(change.connection())
            .await?;
        let there: i64 = sqlx::query_scalar(unless)
            .fetch_one(change.connection())
            .await?;
        if there > 0 {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO signing_key (id, state, certificate, sealed_key, sealed_jwt_key)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(key.id.clone())
        .bind(key.state.as_str())
        .bind(certificates_to_pem(&key.line))
        .bind(key.sealed_key.clone())
        .bind(key.sealed_jwt_key.clone())
        .execute(change.connection())
        .await?;
        change.commit().await?;
        Ok(true)
    }

    /// Gives the key named `id` a companion for tokens, unless it has one.
    pub(in crate::authority) async fn add_jwt_key(
        &self,
        id: &str,
        sealed: &str,
    ) -> Result<(), LedgerError> {
        let mut change = self.database.begin().await?;
        sqlx::query(
            "UPDATE signing_key SET sealed_jwt_key = $1 WHERE id = $2 AND sealed_jwt_key = ''",
        )
        .bind(sealed.to_owned())
        .bind(id.to_owned())
        .execute(change.connection())
        .await?;
        change.commit().await?;
        Ok(())
    }

    /// Moves keys from one state to another, all or none. Tells whether it did:
    /// it does not if another process was faster.
    pub(in crate::authority) async fn move_keys(
        &self,
        moves: &[(&str, KeyState, KeyState)],
    ) -> Result<bool, LedgerError> {
        let mut change = self.database.begin().await?;
        for (id, from, to) in moves {
            let moved =
                sqlx::query("UPDATE signing_key SET state = $1 WHERE id = $2 AND state = $3")
                    .bind(to.as_str())
                    .bind((*id).to_owned())
                    .bind(from.as_str())
                    .execute(change.connection())
                    .await?;
            if moved.rows_affected() != 1 {
                return Ok(false);
            }
        }
        change.commit().await?;
        Ok(true)
    }

    /// Forgets a key that does not sign, and revokes its certificate where that
    /// is needed. Tells whether it was there.
    pub(in crate::authority) async fn remove_key(
        &self,
        id: &str,
        revocation: Option<&Revocation>,
    ) -> Result<bool, LedgerError> {
        let mut change = self.database.begin().await?;
        let removed = sqlx::query("DELETE FROM signing_key WHERE id = $1 AND state <> 'active'")
            .bind(id.to_owned())
            .execute(change.connection())
            .await?;
        if removed.rows_affected() != 1 {
            return Ok(false);
        }
        if let Some(revocation) = revocation {
            add_revocation(&mut change, revocation).await?;
        }
        change.commit().await?;
        Ok(true)
    }
}

/// What must be so for a key to be added.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::authority) enum OnlyIf {
    NoKeyYet,
    NonePrepared,
}

/// The columns of a [`KeyRow`], in the order of its fields.
type Columns = (String, String, String, String, String);

fn read(
    (id, state, certificate, sealed_key, sealed_jwt_key): Columns,
) -> Result<KeyRow, LedgerError> {
    let bad = |id: &str| LedgerError::BadRow {
        table: "signing_key",
        row: id.to_owned(),
    };
    let state = KeyState::parse(&state).ok_or_else(|| bad(&id))?;
    let line = certificates_from_pem(certificate.as_bytes(), "the database")
        .map_err(|_unreadable| bad(&id))?;
    Ok(KeyRow {
        line,
        id,
        state,
        sealed_key,
        sealed_jwt_key,
    })
}
