//! The service for operators: orders as they come over gRPC.

use std::sync::Arc;
use std::time::Duration;

use tonic::Request;
use tonic::Response;
use tonic::Status;

use crate::authority::entry::Entry;
use crate::authority::entry::Origin;
use crate::authority::id_template::IdTemplate;
use crate::authority::keyring::Step;
use crate::authority::operator::Operator;
use crate::authority::orders::Orders;
use crate::authority::orders::invalid;
use crate::authority::orders::unavailable;
use crate::authority::revocation::Revoked;
use crate::authority::selector::Selector;
use crate::id::SpiffeId;
use crate::id::TrustDomain;
use crate::identity::Watchlist;
use crate::policy::GroupName;
use crate::rpc::authority as rpc;
use crate::rpc::authority::admin_server::Admin;
use crate::time::seconds;

/// Takes orders.
#[derive(Clone, Debug)]
pub(super) struct AdminService {
    pub(super) admins: Arc<[SpiffeId]>,
    pub(super) orders: Arc<Orders>,
    pub(super) revoked: Arc<Watchlist>,
}

impl AdminService {
    fn operator<T>(&self, request: &Request<T>) -> Result<Operator, Status> {
        let clock = self.orders.clock.as_ref();
        Operator::of(request, &self.admins, clock, &self.revoked)
    }

    fn keys(&self) -> Vec<rpc::Key> {
        let keys = self.orders.keyring.current();
        let described = keys.held().iter().map(|held| rpc::Key {
            id: held.id.clone(),
            state: held.state.as_str().to_owned(),
            not_before_s: seconds(held.says.not_before()),
            not_after_s: seconds(held.says.not_after()),
        });
        described.collect()
    }
}

#[tonic::async_trait]
impl Admin for AdminService {
    async fn create_join_token(
        &self,
        request: Request<rpc::CreateJoinTokenRequest>,
    ) -> Result<Response<rpc::CreateJoinTokenResponse>, Status> {
        let operator = self.operator(&request)?;
        let message = request.into_inner();
        let made = self
            .orders
            .create_token(
                &operator,
                &message.spiffe_id,
                Duration::from_secs(message.ttl_s),
                Duration::from_secs(message.svid_ttl_s),
            )
            .await?;
        Ok(Response::new(rpc::CreateJoinTokenResponse {
            token: made.token.reveal().to_owned(),
            entry: made.entry.to_string(),
            expires_at_s: seconds(made.expires_at),
        }))
    }

    async fn create_entry(
        &self,
        request: Request<rpc::CreateEntryRequest>,
    ) -> Result<Response<rpc::CreateEntryResponse>, Status> {
        let operator = self.operator(&request)?;
        let written = request.into_inner().entry.unwrap_or_default();
        let entry = read_entry(&written, &self.orders.trust_domain);
        self.orders.create_entry(&operator, entry).await?;
        Ok(Response::new(rpc::CreateEntryResponse {}))
    }

    async fn list_entries(
        &self,
        request: Request<rpc::ListEntriesRequest>,
    ) -> Result<Response<rpc::ListEntriesResponse>, Status> {
        self.operator(&request)?;
        let entries = self.orders.entries();
        Ok(Response::new(rpc::ListEntriesResponse {
            entries: entries.iter().map(|entry| write_entry(entry)).collect(),
        }))
    }

    async fn delete_entry(
        &self,
        request: Request<rpc::DeleteEntryRequest>,
    ) -> Result<Response<rpc::DeleteEntryResponse>, Status> {
        let operator = self.operator(&request)?;
        let id = request.into_inner().id;
        self.orders.delete_entry(&operator, &id).await?;
        Ok(Response::new(rpc::DeleteEntryResponse {}))
    }

    async fn revoke(
        &self,
        request: Request<rpc::RevokeRequest>,
    ) -> Result<Response<rpc::RevokeResponse>, Status> {
        let operator = self.operator(&request)?;
        let message = request.into_inner();
        let what = match message.what {
            Some(rpc::revoke_request::What::SpiffeId(id)) => Revoked::read("spiffe_id", &id),
            Some(rpc::revoke_request::What::Serial(serial)) => Revoked::serial(&serial),
            None => None,
        };
        self.orders.revoke(&operator, what, &message.reason).await?;
        Ok(Response::new(rpc::RevokeResponse {}))
    }

    async fn unrevoke(
        &self,
        request: Request<rpc::UnrevokeRequest>,
    ) -> Result<Response<rpc::UnrevokeResponse>, Status> {
        let operator = self.operator(&request)?;
        let what = match request.into_inner().what {
            Some(rpc::unrevoke_request::What::SpiffeId(id)) => Revoked::read("spiffe_id", &id),
            Some(rpc::unrevoke_request::What::Serial(serial)) => Revoked::serial(&serial),
            None => None,
        };
        self.orders.unrevoke(&operator, what).await?;
        Ok(Response::new(rpc::UnrevokeResponse {}))
    }

    async fn list_revocations(
        &self,
        request: Request<rpc::ListRevocationsRequest>,
    ) -> Result<Response<rpc::ListRevocationsResponse>, Status> {
        use rpc::revocation_entry::What;

        self.operator(&request)?;
        let revocations = self.orders.ledger.revocations().await;
        let revocations = revocations.map_err(|error| unavailable(&error))?;
        let described = revocations.iter().map(|revocation| rpc::RevocationEntry {
            what: Some(match &revocation.revoked {
                Revoked::Id(id) => What::SpiffeId(id.as_str().to_owned()),
                Revoked::Serial(_) => What::Serial(revocation.revoked.value().to_owned()),
            }),
            reason: revocation.reason.clone(),
            since_s: seconds(revocation.since),
        });
        Ok(Response::new(rpc::ListRevocationsResponse {
            revocations: described.collect(),
        }))
    }

    async fn rotate(
        &self,
        request: Request<rpc::RotateRequest>,
    ) -> Result<Response<rpc::RotateResponse>, Status> {
        use rpc::rotate_request::Step as Asked;

        let operator = self.operator(&request)?;
        let message = request.into_inner();
        let step = match message.step() {
            Asked::Prepare => Step::Prepare,
            Asked::Activate => Step::Activate,
            Asked::Taint => Step::Taint,
            Asked::Revoke => Step::Forget,
            Asked::Unspecified => {
                return Err(Status::invalid_argument("say which step is to be taken"));
            }
        };
        let key = Some(message.key.as_str()).filter(|key| !key.is_empty());
        self.orders.rotate(&operator, step, key).await?;
        Ok(Response::new(rpc::RotateResponse { keys: self.keys() }))
    }

    async fn list_keys(
        &self,
        request: Request<rpc::ListKeysRequest>,
    ) -> Result<Response<rpc::ListKeysResponse>, Status> {
        self.operator(&request)?;
        Ok(Response::new(rpc::ListKeysResponse { keys: self.keys() }))
    }

    async fn roll_back_policy(
        &self,
        request: Request<rpc::RollBackPolicyRequest>,
    ) -> Result<Response<rpc::RollBackPolicyResponse>, Status> {
        let operator = self.operator(&request)?;
        let revision = request.into_inner().revision;
        let (version, revision) = self.orders.roll_back_policy(&operator, &revision).await?;
        Ok(Response::new(rpc::RollBackPolicyResponse {
            version,
            revision,
        }))
    }

    async fn list_policies(
        &self,
        request: Request<rpc::ListPoliciesRequest>,
    ) -> Result<Response<rpc::ListPoliciesResponse>, Status> {
        self.operator(&request)?;
        let policies = self.orders.ledger.policies().await;
        let policies = policies.map_err(|error| unavailable(&error))?;
        let described = policies.into_iter().map(|policy| rpc::PublishedPolicy {
            version: policy.version,
            revision: policy.revision,
            published_by: policy.published_by,
            published_at_s: seconds(policy.published_at),
        });
        let trouble = self.orders.policies.borrow().trouble.clone();
        Ok(Response::new(rpc::ListPoliciesResponse {
            policies: described.collect(),
            refused: trouble.map_or_else(String::new, |(reason, _)| reason),
        }))
    }
}

fn read_entry(written: &rpc::Entry, trust_domain: &TrustDomain) -> Result<Entry, Status> {
    if written.selectors.is_empty() {
        return Err(Status::invalid_argument(
            "an entry without selectors would name everybody",
        ));
    }
    let selectors = written
        .selectors
        .iter()
        .map(|text| text.parse::<Selector>())
        .collect::<Result<_, _>>()
        .map_err(|error| invalid(&error))?;
    let groups = written
        .groups
        .iter()
        .map(|text| text.parse::<GroupName>())
        .collect::<Result<_, _>>()
        .map_err(|error| invalid(&error))?;
    Ok(Entry {
        name: written.id.parse().map_err(|error| invalid(&error))?,
        selectors,
        id: IdTemplate::parse(&written.spiffe_id, trust_domain).map_err(|error| invalid(&error))?,
        svid_ttl: (written.svid_ttl_s > 0).then(|| Duration::from_secs(written.svid_ttl_s)),
        groups,
        origin: Origin::Api,
    })
}

fn write_entry(entry: &Entry) -> rpc::Entry {
    rpc::Entry {
        id: entry.name.to_string(),
        selectors: entry.selectors.iter().map(ToString::to_string).collect(),
        spiffe_id: entry.id.to_string(),
        svid_ttl_s: entry.svid_ttl.unwrap_or_default().as_secs(),
        origin: entry.origin.as_str().to_owned(),
        groups: entry.groups.iter().map(ToString::to_string).collect(),
    }
}
