//! Orders as they come over gRPC.

use std::sync::Arc;
use std::vec;

use tokio_stream::Iter;
use tonic::Request;
use tonic::Response;
use tonic::Status;

use crate::admin::hatch::operator::Operator;
use crate::admin::hatch::orders::Asked;
use crate::admin::hatch::orders::Orders;
use crate::rpc::sidecar as rpc;
use crate::rpc::sidecar::operations_server::Operations;
use crate::session::Session;
use crate::time::seconds;

/// Takes orders.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) orders: Arc<Orders>,
}

#[tonic::async_trait]
impl Operations for Service {
    type ListSessionsStream = Iter<vec::IntoIter<Result<rpc::Session, Status>>>;
    type ListSignalsStream = Iter<vec::IntoIter<Result<rpc::Signal, Status>>>;

    async fn list_sessions(
        &self,
        request: Request<rpc::ListSessionsRequest>,
    ) -> Result<Response<Self::ListSessionsStream>, Status> {
        let operator = Operator::of(&request)?;
        let sessions = self.orders.sessions(operator, &request.into_inner().user)?;
        let told: Vec<_> = sessions.iter().map(|session| Ok(tell(session))).collect();
        Ok(Response::new(tokio_stream::iter(told)))
    }

    async fn revoke_sessions(
        &self,
        request: Request<rpc::RevokeSessionsRequest>,
    ) -> Result<Response<rpc::RevokeSessionsResponse>, Status> {
        use rpc::revoke_sessions_request::Whose;

        let operator = Operator::of(&request)?;
        let asked = match request.into_inner().whose {
            None => Asked::Nobody,
            Some(Whose::Everybody(rpc::Everybody {})) => Asked::Everybody,
            Some(Whose::Handle(handle)) => Asked::Handle(handle),
            Some(Whose::User(user)) => Asked::User(user),
        };
        let ended = self.orders.revoke(operator, asked).await?;
        Ok(Response::new(rpc::RevokeSessionsResponse {
            handles: ended.iter().map(ToString::to_string).collect(),
        }))
    }

    async fn set_signal(
        &self,
        request: Request<rpc::SetSignalRequest>,
    ) -> Result<Response<rpc::SetSignalResponse>, Status> {
        let operator = Operator::of(&request)?;
        let order = request.into_inner();
        let said = (order.name.as_str(), order.value.as_str());
        self.orders
            .set_signal(operator, &order.of, said, order.for_s)?;
        Ok(Response::new(rpc::SetSignalResponse {}))
    }

    async fn clear_signal(
        &self,
        request: Request<rpc::ClearSignalRequest>,
    ) -> Result<Response<rpc::ClearSignalResponse>, Status> {
        let operator = Operator::of(&request)?;
        let order = request.into_inner();
        self.orders.clear_signal(operator, &order.of, &order.name)?;
        Ok(Response::new(rpc::ClearSignalResponse {}))
    }

    async fn list_signals(
        &self,
        request: Request<rpc::ListSignalsRequest>,
    ) -> Result<Response<Self::ListSignalsStream>, Status> {
        let pushed = self.orders.pushed(Operator::of(&request)?)?;
        let told = pushed.into_iter().map(|signal| {
            Ok(rpc::Signal {
                name: signal.name.to_string(),
                value: signal.text.into(),
                of: signal.caller.into(),
                until_s: seconds(signal.until),
            })
        });
        Ok(Response::new(tokio_stream::iter(told.collect::<Vec<_>>())))
    }
}

fn tell(session: &Session) -> rpc::Session {
    let person = session.person();
    rpc::Session {
        handle: session.digest().handle().to_string(),
        provider: person.provider.to_string(),
        subject: person.subject.to_string(),
        email: person.email.as_deref().unwrap_or_default().to_owned(),
        host: session.host().to_owned(),
        since_s: seconds(session.created_at()),
        last_used_s: seconds(session.last_used_at()),
        until_s: seconds(session.ends_at()),
        program: session.program().map(|program| rpc::Program {
            name: program.name().to_owned(),
            source: program.source().to_string(),
        }),
    }
}
