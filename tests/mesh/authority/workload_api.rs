//! A program that asks at a socket who it is.

use std::path::PathBuf;

use hyper_util::rt::TokioIo;
use portreeve::rpc::workload::JwtBundlesRequest;
use portreeve::rpc::workload::JwtBundlesResponse;
use portreeve::rpc::workload::Jwtsvid;
use portreeve::rpc::workload::JwtsvidRequest;
use portreeve::rpc::workload::ValidateJwtsvidRequest;
use portreeve::rpc::workload::X509svidRequest;
use portreeve::rpc::workload::X509svidResponse;
use portreeve::rpc::workload::spiffe_workload_api_client::SpiffeWorkloadApiClient;
use tokio::net::UnixStream;
use tonic::Request;
use tonic::Response;
use tonic::Status;
use tonic::Streaming;
use tonic::transport::Channel;
use tonic::transport::Endpoint;

use crate::authority::town::Town;

/// A program, which is this process.
pub(crate) struct Program<'a> {
    pub(crate) client: SpiffeWorkloadApiClient<Channel>,
    town: &'a Town,
}

impl Town {
    /// With a Workload API of the authority's own.
    pub(crate) fn with_programs(settings: &str) -> Self {
        Self::with(&format!("workload_api: {{ socket: api.sock }}\n{settings}"))
    }

    /// A program that asks the authority.
    pub(crate) fn program(&self) -> Program<'_> {
        self.program_at(self.path("api.sock"))
    }

    /// A program that asks at `socket`.
    pub(crate) fn program_at(&self, socket: PathBuf) -> Program<'_> {
        let connector = tower::service_fn(move |_| {
            let socket = socket.clone();
            async move { UnixStream::connect(socket).await.map(TokioIo::new) }
        });
        let endpoint = Endpoint::from_static("http://localhost");
        let channel = self.wait(endpoint.connect_with_connector(connector));
        Program {
            client: SpiffeWorkloadApiClient::new(channel.unwrap()),
            town: self,
        }
    }
}

impl Program<'_> {
    /// Who it is, and every change of that.
    pub(crate) fn svids(&self) -> Result<Streaming<X509svidResponse>, Status> {
        let mut client = self.client.clone();
        let called = client.fetch_x509svid(meant(X509svidRequest {}));
        self.town.wait(called).map(Response::into_inner)
    }

    /// What is told next on a stream.
    pub(crate) fn next<T>(&self, stream: &mut Streaming<T>) -> Result<T, Status> {
        let message = self.town.wait(stream.message())?;
        Ok(message.expect("it ends without a status"))
    }

    /// Who it is now: the SPIFFE IDs.
    pub(crate) fn names(&self) -> Result<Vec<String>, Status> {
        let told = self.next(&mut self.svids()?)?;
        Ok(told.svids.into_iter().map(|svid| svid.spiffe_id).collect())
    }

    /// Tokens for `audience`, of `id` or of all that it is.
    pub(crate) fn tokens(&self, audience: &str, id: &str) -> Result<Vec<Jwtsvid>, Status> {
        let minted = self.town.wait(self.asks_for_tokens(audience, id))?;
        Ok(minted.into_inner().svids)
    }

    /// The same, for whoever waits for several.
    pub(crate) fn asks_for_tokens(
        &self,
        audience: &str,
        id: &str,
    ) -> impl Future<Output = Result<Response<portreeve::rpc::workload::JwtsvidResponse>, Status>> + use<>
    {
        let mut client = self.client.clone();
        let request = JwtsvidRequest {
            audience: vec![audience.to_owned()],
            spiffe_id: id.to_owned(),
        };
        async move { client.fetch_jwtsvid(meant(request)).await }
    }

    /// The keys that tokens are checked with, and every change.
    pub(crate) fn keys(&self) -> Result<Streaming<JwtBundlesResponse>, Status> {
        let mut client = self.client.clone();
        let called = client.fetch_jwt_bundles(meant(JwtBundlesRequest {}));
        self.town.wait(called).map(Response::into_inner)
    }

    /// Whom `token` names, for `audience`.
    pub(crate) fn validate(&self, audience: &str, token: &str) -> Result<String, Status> {
        let mut client = self.client.clone();
        let request = ValidateJwtsvidRequest {
            audience: audience.to_owned(),
            svid: token.to_owned(),
        };
        let valid = self.town.wait(client.validate_jwtsvid(meant(request)))?;
        Ok(valid.into_inner().spiffe_id)
    }
}

/// A request as the standard wants it.
pub(crate) fn meant<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    let yes = "true".parse().unwrap();
    request.metadata_mut().insert("workload.spiffe.io", yes);
    request
}

/// Our own user and program, as selectors.
pub(crate) fn user() -> String {
    format!("unix:uid:{}", rustix::process::geteuid().as_raw())
}

pub(crate) fn path() -> String {
    let ours = std::env::current_exe().unwrap();
    format!("unix:path:{}", ours.display())
}
