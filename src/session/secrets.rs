//! Secrets of our own that all sidecars on one store share, sealed.

use zeroize::Zeroizing;

use crate::session::error::KeepError;
use crate::session::sessions::Sessions;

impl Sessions {
    /// What is kept under `name`; none if nothing is.
    ///
    /// # Errors
    ///
    /// [`KeepError`].
    pub async fn secret(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeepError> {
        let sealed: Option<String> =
            sqlx::query_scalar("SELECT sealed FROM secret WHERE name = $1")
                .bind(name)
                .fetch_optional(self.database.pool())
                .await?;
        let unsealed = sealed.map(|sealed| self.key.unseal(&place(name), &sealed));
        Ok(unsealed.transpose()?)
    }

    /// Keeps `secret` under `name`, unless something is kept there: of several
    /// sidecars that do so at once, one does. Tells what is kept then.
    ///
    /// # Errors
    ///
    /// [`KeepError`].
    pub async fn keep_secret(
        &self,
        name: &str,
        secret: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, KeepError> {
        let sealed = self.key.seal(&place(name), secret)?;
        sqlx::query(
            "INSERT INTO secret (name, sealed) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
        )
        .bind(name)
        .bind(sealed)
        .execute(self.database.pool())
        .await?;
        self.secret(name).await
    }

    /// Forgets what is kept under `name`.
    ///
    /// # Errors
    ///
    /// [`KeepError`].
    pub async fn forget_secret(&self, name: &str) -> Result<(), KeepError> {
        sqlx::query("DELETE FROM secret WHERE name = $1")
            .bind(name)
            .execute(self.database.pool())
            .await?;
        Ok(())
    }
}

fn place(name: &str) -> String {
    format!("secret {name}")
}
