//! Where a code, or a token for the next ones, becomes tokens.

use http::StatusCode;

use crate::https::Credentials;
use crate::https::Form;
use crate::https::Post;
use crate::oidc::error::ProviderError;
use crate::oidc::error::SignInError;
use crate::oidc::metadata::Metadata;
use crate::oidc::provider::Provider;
use crate::oidc::settings::ClientAuthentication;
use crate::oidc::token_answer::Refusal;
use crate::oidc::token_answer::TokenAnswer;

impl Provider {
    /// What the token endpoint gives for `form`, as our client.
    pub(super) async fn tokens(
        &self,
        metadata: &Metadata,
        form: Form,
    ) -> Result<TokenAnswer, SignInError> {
        let missing = ProviderError::NoEndpoint {
            endpoint: "token_endpoint",
        };
        let url = metadata.token_endpoint.as_ref().ok_or(missing)?;
        let (form, credentials) = self.prove(form)?;
        let post = Some(Post::Form(&form));
        let answer = self.answer(url, credentials.as_ref(), post).await?;
        if answer.status == StatusCode::OK {
            return TokenAnswer::parse(&answer.body)
                .map_err(|cause| SignInError::BadTokenAnswer { cause });
        }
        Err(Refusal::read(answer.status.as_u16(), &answer.body).into())
    }

    /// The form with what says that it is from us, or what says so beside it.
    pub(super) fn prove(&self, form: Form) -> Result<(Form, Option<Credentials>), ProviderError> {
        let client = self.client()?;
        Ok(match &client.authentication {
            ClientAuthentication::Basic { secret_file } => {
                let secret = Self::secret(secret_file)?;
                (form, Some(Credentials::basic(&client.id, &secret)))
            }
            ClientAuthentication::Post { secret_file } => {
                let secret = Self::secret(secret_file)?;
                let form = form.with("client_id", &client.id);
                (form.with("client_secret", &secret), None)
            }
            ClientAuthentication::Public => (form.with("client_id", &client.id), None),
        })
    }
}
