//! The service for sidecars: names, and what is true now.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use rustls::SignatureScheme;
use rustls_pki_types::CertificateDer;
use tokio_stream::wrappers::WatchStream;
use tonic::Request;
use tonic::Response;
use tonic::Status;

use crate::authority::board::Board;
use crate::authority::board::leave_out_what_is_known;
use crate::authority::caller::Caller;
use crate::authority::minting::Mint;
use crate::authority::office::Asked;
use crate::authority::office::Office;
use crate::authority::proof::Possession;
use crate::authority::proof::Proof;
use crate::authority::proof::Secret;
use crate::authority::refusal::Refusal;
use crate::rpc::authority as rpc;
use crate::rpc::authority::authority_server::Authority;
use crate::rpc::authority::issue_request;

/// Answers sidecars.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) board: Arc<Board>,
    pub(super) mint: Arc<Mint>,
    pub(super) office: Arc<Office>,
}

#[tonic::async_trait]
impl Authority for Service {
    type FollowStream = BoxStream<'static, Result<rpc::State, Status>>;

    async fn issue(
        &self,
        request: Request<rpc::IssueRequest>,
    ) -> Result<Response<rpc::IssueResponse>, Status> {
        let caller = caller(&request)?;
        let message = request.into_inner();
        let mut wish = message.policy;
        let asked = Asked {
            csr: message.csr,
            lifetime: None,
            proof: proof(message.proof)?,
            wish: message.spiffe_id,
        };
        let granted = self
            .office
            .issue(&asked, &caller)
            .await
            .map_err(|refusal| refusal.status())?;
        let mut state = self.board.current();
        leave_out_what_is_known(&mut state, &mut wish);
        Ok(Response::new(rpc::IssueResponse {
            chain: granted.chain.iter().map(|der| der.to_vec()).collect(),
            state: Some(state),
        }))
    }

    async fn mint_jwt(
        &self,
        request: Request<rpc::MintJwtRequest>,
    ) -> Result<Response<rpc::MintJwtResponse>, Status> {
        let caller = caller(&request)?;
        let token = self.mint.for_peer(&caller, request.into_inner().audience);
        let token = token.map_err(|refusal| refusal.status())?;
        Ok(Response::new(rpc::MintJwtResponse { token }))
    }

    async fn follow(
        &self,
        request: Request<rpc::FollowRequest>,
    ) -> Result<Response<Self::FollowStream>, Status> {
        let caller = caller(&request)?;
        let Some(peer) = &caller.peer else {
            return Err(Status::unauthenticated(
                "only workloads with an SVID may follow: ask for one first",
            ));
        };
        if peer.not_after() < self.office.clock.now() || self.office.is_caller_revoked(&caller) {
            return Err(Status::permission_denied(
                "the SVID that was shown has ended or is revoked",
            ));
        }
        // What stands on the board may be old, where the database cannot be reached
        // or has not told yet: whoever comes from another authority would unlearn
        // who is revoked.
        let settled = self.office.settled.everywhere().await;
        settled.map_err(|cause| Refusal::Unavailable { cause }.status())?;
        let mut wish = request.into_inner().policy;
        let counted = Counted::one_more(&self.office.metrics.followers);
        let states = WatchStream::new(self.board.follow()).map(move |state| {
            let _one = &counted;
            let mut state = rpc::State::clone(&state);
            leave_out_what_is_known(&mut state, &mut wish);
            Ok(state)
        });
        Ok(Response::new(states.boxed()))
    }
}

/// A follower, for as long as it follows.
struct Counted(prometheus::IntGauge);

impl Counted {
    fn one_more(gauge: &prometheus::IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Who is on the connection that a request came on.
pub(super) fn caller<T>(request: &Request<T>) -> Result<Caller, Status> {
    let caller = request.extensions().get::<Caller>();
    caller
        .cloned()
        .ok_or_else(|| Status::internal("the connection is not known"))
}

fn proof(proof: Option<issue_request::Proof>) -> Result<Proof, Status> {
    Ok(match proof {
        None => Proof::Svid,
        Some(issue_request::Proof::JoinToken(token)) => Proof::JoinToken(Secret::new(token)),
        Some(issue_request::Proof::KubernetesToken(token)) => Proof::Kubernetes(Secret::new(token)),
        Some(issue_request::Proof::Possession(shown)) => {
            let scheme = u16::try_from(shown.scheme)
                .map_err(|_large| Status::invalid_argument("the signature scheme is none"))?;
            Proof::Possession(Possession {
                chain: shown.chain.into_iter().map(CertificateDer::from).collect(),
                scheme: SignatureScheme::from(scheme),
                signature: shown.signature,
            })
        }
    })
}
