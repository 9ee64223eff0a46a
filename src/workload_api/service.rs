//! The five calls.

use std::sync::Arc;

use tonic::Request;
use tonic::Response;
use tonic::Status;

use crate::drain::Watch;
use crate::jwt::Audience;
use crate::jwt::JwtBundles;
use crate::jwt::JwtSvid;
use crate::rpc::workload::JwtBundlesRequest;
use crate::rpc::workload::JwtBundlesResponse;
use crate::rpc::workload::JwtsvidRequest;
use crate::rpc::workload::JwtsvidResponse;
use crate::rpc::workload::ValidateJwtsvidRequest;
use crate::rpc::workload::ValidateJwtsvidResponse;
use crate::rpc::workload::X509BundlesRequest;
use crate::rpc::workload::X509BundlesResponse;
use crate::rpc::workload::X509svidRequest;
use crate::rpc::workload::X509svidResponse;
use crate::rpc::workload::spiffe_workload_api_server::SpiffeWorkloadApi;
use crate::time::Clock;
use crate::workload_api::caller::Caller;
use crate::workload_api::messages;
use crate::workload_api::metrics::Metrics;
use crate::workload_api::registrar::Registrar;
use crate::workload_api::registrar::TokenRequest;
use crate::workload_api::registrar::X509Context;
use crate::workload_api::updates::Messages;
use crate::workload_api::updates::status;
use crate::workload_api::updates::told;

/// Answers calls with what a registrar says.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) registrar: Arc<dyn Registrar>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) drain: Watch,
    pub(super) metrics: Metrics,
}

#[tonic::async_trait]
impl SpiffeWorkloadApi for Service {
    type FetchX509SVIDStream = Messages<X509svidResponse>;
    type FetchX509BundlesStream = Messages<X509BundlesResponse>;
    type FetchJWTBundlesStream = Messages<JwtBundlesResponse>;

    async fn fetch_x509svid(
        &self,
        request: Request<X509svidRequest>,
    ) -> Result<Response<Self::FetchX509SVIDStream>, Status> {
        let call = self.metrics.begin("FetchX509SVID");
        call.stream(self.contexts(&request, messages::svids).await)
    }

    async fn fetch_x509_bundles(
        &self,
        request: Request<X509BundlesRequest>,
    ) -> Result<Response<Self::FetchX509BundlesStream>, Status> {
        let call = self.metrics.begin("FetchX509Bundles");
        call.stream(self.contexts(&request, messages::x509_bundles).await)
    }

    async fn fetch_jwtsvid(
        &self,
        request: Request<JwtsvidRequest>,
    ) -> Result<Response<JwtsvidResponse>, Status> {
        let call = self.metrics.begin("FetchJWTSVID");
        call.answer(self.tokens(request).await)
    }

    async fn fetch_jwt_bundles(
        &self,
        request: Request<JwtBundlesRequest>,
    ) -> Result<Response<Self::FetchJWTBundlesStream>, Status> {
        let call = self.metrics.begin("FetchJWTBundles");
        call.stream(self.keys(&request).await)
    }

    async fn validate_jwtsvid(
        &self,
        request: Request<ValidateJwtsvidRequest>,
    ) -> Result<Response<ValidateJwtsvidResponse>, Status> {
        let call = self.metrics.begin("ValidateJWTSVID");
        call.answer(self.validate(request).await)
    }
}

impl Service {
    async fn contexts<T: Sync, M: Send + 'static>(
        &self,
        request: &Request<T>,
        message: fn(&X509Context) -> Result<M, Status>,
    ) -> Result<Messages<M>, Status> {
        let caller = admit(request)?;
        let updates = self.registrar.x509_contexts(&caller).await;
        Ok(told(updates.map_err(status)?, self.drain.clone(), message))
    }

    async fn keys(
        &self,
        request: &Request<JwtBundlesRequest>,
    ) -> Result<Messages<JwtBundlesResponse>, Status> {
        let caller = admit(request)?;
        let updates = self.registrar.jwt_bundles(&caller).await;
        let message = |bundles: &JwtBundles| Ok(messages::jwt_bundles(bundles));
        Ok(told(updates.map_err(status)?, self.drain.clone(), message))
    }

    async fn tokens(&self, request: Request<JwtsvidRequest>) -> Result<JwtsvidResponse, Status> {
        let caller = admit(&request)?;
        let JwtsvidRequest {
            audience,
            spiffe_id,
        } = request.into_inner();
        let audience = Audience::try_from(audience)
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        let id = match spiffe_id.as_str() {
            "" => None,
            text => Some(text.parse().map_err(|error| {
                Status::invalid_argument(format!("`spiffe_id` is not a SPIFFE ID: {error}"))
            })?),
        };
        let request = TokenRequest { audience, id };
        let tokens = self.registrar.mint(&caller, &request).await;
        let svids = tokens.map_err(status)?.into_iter().map(messages::token);
        Ok(JwtsvidResponse {
            svids: svids.collect(),
        })
    }

    async fn validate(
        &self,
        request: Request<ValidateJwtsvidRequest>,
    ) -> Result<ValidateJwtsvidResponse, Status> {
        let caller = admit(&request)?;
        let ValidateJwtsvidRequest { audience, svid } = request.into_inner();
        if audience.is_empty() {
            return Err(Status::invalid_argument("`audience` must say who asks"));
        }
        let mut updates = self.registrar.jwt_bundles(&caller).await.map_err(status)?;
        let bundles = futures_util::StreamExt::next(&mut updates)
            .await
            .ok_or_else(|| Status::unavailable("the server is stopping"))?
            .map_err(status)?;
        let svid = JwtSvid::verify(&svid, &audience, &bundles, self.clock.now())
            .map_err(|error| Status::invalid_argument(format!("the token is refused: {error}")))?;
        Ok(ValidateJwtsvidResponse {
            spiffe_id: svid.id().as_str().to_owned(),
            claims: Some(messages::claims(&svid)),
        })
    }
}

/// Who calls, if the call is meant for us: a browser, or a proxy that was talked
/// into it, does not send this (Workload Endpoint, 5).
fn admit<T>(request: &Request<T>) -> Result<Arc<Caller>, Status> {
    let mut values = request.metadata().get_all(SECURITY_HEADER).iter();
    let only = match (values.next(), values.next()) {
        (Some(value), None) => value.as_encoded_bytes() == b"true",
        _ => false,
    };
    if !only {
        return Err(Status::invalid_argument(
            "the metadata `workload.spiffe.io: true` is missing",
        ));
    }
    let caller = request.extensions().get::<Arc<Caller>>();
    caller
        .map(Arc::clone)
        .ok_or_else(|| Status::internal("nobody knows who calls"))
}

const SECURITY_HEADER: &str = "workload.spiffe.io";
