//! For programs that speak to istiod: the same office behind Istio's words.

use std::sync::Arc;
use std::time::Duration;

use tonic::Request;
use tonic::Response;
use tonic::Status;

use crate::authority::office::Asked;
use crate::authority::office::Office;
use crate::authority::proof::Proof;
use crate::authority::proof::Secret;
use crate::authority::service::caller;
use crate::rpc::istio as rpc;
use crate::rpc::istio::istio_certificate_service_server::IstioCertificateService;
use crate::x509::certificates_to_pem;
use crate::x509::request_from_pem;

/// Answers what speaks to istiod.
#[derive(Clone, Debug)]
pub(super) struct Istio {
    pub(super) office: Arc<Office>,
}

#[tonic::async_trait]
impl IstioCertificateService for Istio {
    async fn create_certificate(
        &self,
        request: Request<rpc::IstioCertificateRequest>,
    ) -> Result<Response<rpc::IstioCertificateResponse>, Status> {
        let caller = caller(&request)?;
        let bearer = request
            .metadata()
            .get("authorization")
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .map(|token| Secret::new(token.to_owned()));
        let message = request.into_inner();
        let csr = request_from_pem(message.csr.as_bytes())
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        let asked = Asked {
            csr: csr.to_vec(),
            lifetime: u64::try_from(message.validity_duration)
                .ok()
                .filter(|seconds| *seconds > 0)
                .map(Duration::from_secs),
            proof: bearer.map_or(Proof::Svid, Proof::Kubernetes),
            wish: String::new(),
        };
        let granted = self
            .office
            .issue(&asked, &caller)
            .await
            .map_err(|refusal| refusal.status())?;
        // Leaf first, root last: the last of them is what istiod's clients trust.
        let keys = self.office.keyring.current();
        let roots = keys
            .bundles()
            .iter()
            .flat_map(|bundle| bundle.certificates());
        Ok(Response::new(rpc::IstioCertificateResponse {
            cert_chain: granted
                .chain
                .iter()
                .chain(roots)
                .map(|der| certificates_to_pem([der]))
                .collect(),
        }))
    }
}
