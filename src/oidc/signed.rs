//! Whether a token is by its provider.

use std::sync::Arc;

use crate::jwt::HeaderRule;
use crate::jwt::Jws;
use crate::jwt::KeySet;
use crate::jwt::Verdict;
use crate::oidc::error::TokenError;
use crate::oidc::fault::TokenFault;
use crate::oidc::id_token::check_issuer;
use crate::oidc::provider::Provider;

impl Provider {
    /// The token, of at most `limit` bytes and of one of `types`, if this
    /// provider has signed it.
    ///
    /// What it says of its issuer is looked at before its keys, so that what is
    /// from elsewhere costs the provider nothing.
    pub(super) async fn signed<'a>(
        &self,
        token: &'a str,
        limit: usize,
        types: &[&str],
    ) -> Result<Jws<'a>, TokenError> {
        let read = Jws::read(token, limit, HeaderRule::Harmless);
        let jws = read.map_err(|cause| TokenFault::NotAJws { cause })?;
        let found = jws.algorithm();
        if !self.settings().algorithms.contains(&found) {
            return Err(TokenFault::AlgorithmNotAllowed { found }.into());
        }
        // Media types are compared without their case (RFC 7515, 4.1.9).
        let is_one = |typ: &str| types.iter().any(|one| one.eq_ignore_ascii_case(typ));
        if !jws.typ().is_none_or(is_one) {
            return Err(TokenFault::OtherType.into());
        }
        check_issuer(jws.claims(), self.settings().issuer.as_str())?;
        let keys = self.keys().await?;
        match self.judge(keys, &jws).await? {
            Verdict::Signed => Ok(jws),
            Verdict::NotSigned => Err(TokenFault::BadSignature.into()),
            Verdict::UnknownKey => Err(TokenFault::UnknownKey.into()),
        }
    }

    /// A key that is not there may be new.
    async fn judge(&self, keys: Arc<KeySet>, jws: &Jws<'_>) -> Result<Verdict, TokenError> {
        let verdict = keys.signed(jws);
        let may_be_new = match verdict {
            Verdict::Signed => false,
            Verdict::NotSigned => jws.kid().is_none(),
            Verdict::UnknownKey => true,
        };
        if !may_be_new {
            return Ok(verdict);
        }
        let newer = self.newer_keys(&keys).await?;
        Ok(newer.map_or(verdict, |newer| newer.signed(jws)))
    }
}
