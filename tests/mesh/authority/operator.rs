//! The operator of a town's authority, at its socket.

use hyper_util::rt::TokioIo;
use portreeve::rpc::authority as rpc;
use portreeve::rpc::authority::admin_client::AdminClient;
use tokio::net::UnixStream;
use tonic::Response;
use tonic::Status;
use tonic::transport::Channel;
use tonic::transport::Endpoint;

use crate::authority::town::Town;

impl Town {
    /// The operator at the socket.
    pub(crate) fn operator(&self) -> AdminClient<Channel> {
        let path = self.path("authority.sock");
        let connector = tower::service_fn(move |_| {
            let path = path.clone();
            async move { UnixStream::connect(path).await.map(TokioIo::new) }
        });
        let endpoint = Endpoint::from_static("http://localhost");
        let channel = self.wait(endpoint.connect_with_connector(connector));
        AdminClient::new(channel.unwrap())
    }

    /// Makes a join token for `name`, which is recorded.
    pub(crate) fn token(&self, name: &str) -> String {
        let made = self.try_token(&format!("spiffe://{}/{name}", self.domain()), 0);
        let record = self.record_of("join_token_create");
        assert_eq!(record.text("decision"), "permit");
        made.unwrap().token
    }

    /// Asks for a join token.
    pub(crate) fn try_token(
        &self,
        id: &str,
        ttl_s: u64,
    ) -> Result<rpc::CreateJoinTokenResponse, Status> {
        let request = rpc::CreateJoinTokenRequest {
            spiffe_id: id.to_owned(),
            ttl_s,
            svid_ttl_s: self.svid_ttl_s,
        };
        self.wait(self.operator().create_join_token(request))
            .map(Response::into_inner)
    }

    /// Whether the entry `name` is in force.
    pub(crate) fn has_entry(&self, name: &str) -> bool {
        let request = rpc::ListEntriesRequest {};
        let listed = self.wait(self.operator().list_entries(request)).unwrap();
        let entries = listed.into_inner().entries;
        entries.iter().any(|entry| entry.id == name)
    }

    /// Adds an entry, which is recorded.
    pub(crate) fn enter(&self, name: &str, selectors: &[&str], id: &str) {
        let entry = rpc::Entry {
            id: name.to_owned(),
            selectors: selectors.iter().map(ToString::to_string).collect(),
            spiffe_id: id.to_owned(),
            svid_ttl_s: self.svid_ttl_s,
            origin: String::new(),
            groups: Vec::new(),
        };
        let request = rpc::CreateEntryRequest { entry: Some(entry) };
        self.wait(self.operator().create_entry(request)).unwrap();
        assert_eq!(
            self.records.next().says(["event", "entry", "decision"]),
            format!("entry_create {name} permit")
        );
    }

    /// Adds an entry, whose record may come after those of what came of it.
    pub(crate) fn enter_later(&self, name: &str, selectors: &[&str], id: &str) {
        let entry = rpc::Entry {
            id: name.to_owned(),
            selectors: selectors.iter().map(ToString::to_string).collect(),
            spiffe_id: id.to_owned(),
            ..rpc::Entry::default()
        };
        let request = rpc::CreateEntryRequest { entry: Some(entry) };
        self.wait(self.operator().create_entry(request)).unwrap();
    }
}
