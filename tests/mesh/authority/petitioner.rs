//! Whoever asks the authority for a name, message by message.

use std::sync::Arc;

use hyper_util::rt::TokioIo;
use portreeve::authority::Settings;
use portreeve::identity::Svid;
use portreeve::identity::Watchlist;
use portreeve::rpc::authority as rpc;
use portreeve::rpc::authority::authority_client::AuthorityClient;
use portreeve::rpc::authority::issue_request::Proof;
use portreeve::tls;
use portreeve::tls::Approach;
use portreeve::tls::ConnectError;
use portreeve::tls::Exporter;
use portreeve::x509::Bundle;
use portreeve::x509::Bundles;
use portreeve::x509::Leaf;
use portreeve::x509::Limits;
use portreeve::x509::certificates_from_pem;
use portreeve::x509::make_request;
use portreeve::x509::verify;
use rcgen::KeyPair;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;
use tokio::net::TcpSocket;
use tonic::Response;
use tonic::Status;
use tonic::Streaming;
use tonic::transport::Channel;
use tonic::transport::Endpoint;

use crate::authority::town::Town;

/// A connection to the authority.
pub(crate) struct Petitioner<'a> {
    pub(crate) channel: Channel,
    pub(crate) exporter: Exporter,
    town: &'a Town,
}

impl Town {
    /// The roots that the authority has written for newcomers.
    pub(crate) fn roots(&self) -> Bundles {
        let text = std::fs::read(self.path("roots.pem")).unwrap();
        let roots = certificates_from_pem(&text, "roots.pem").unwrap();
        let bundle = Bundle::new(self.domain().parse().unwrap(), roots).unwrap();
        Bundles::new([bundle]).unwrap()
    }

    /// Somebody without a name.
    pub(crate) fn newcomer(&self) -> Petitioner<'_> {
        self.approach(None, "127.0.0.1").unwrap()
    }

    /// Somebody who shows `svid`.
    pub(crate) fn workload(&self, svid: &Svid) -> Petitioner<'_> {
        self.try_workload(svid).unwrap()
    }

    /// Somebody who shows `svid`, and may be refused for it.
    pub(crate) fn try_workload(&self, svid: &Svid) -> Result<Petitioner<'_>, ConnectError> {
        self.approach(Some(svid), "127.0.0.1")
    }

    /// Somebody who calls from `source`.
    pub(crate) fn approach(
        &self,
        svid: Option<&Svid>,
        source: &str,
    ) -> Result<Petitioner<'_>, ConnectError> {
        self.approach_heeding(svid, source, Watchlist::default())
    }

    /// Somebody without a certificate, who has heard who is `revoked`.
    pub(crate) fn heeding(&self, revoked: Watchlist) -> Result<Petitioner<'_>, ConnectError> {
        self.approach_heeding(None, "127.0.0.1", revoked)
    }

    fn approach_heeding(
        &self,
        svid: Option<&Svid>,
        source: &str,
        revoked: Watchlist,
    ) -> Result<Petitioner<'_>, ConnectError> {
        let domain = self.domain().parse().unwrap();
        let approach = Approach {
            bundles: Arc::new(self.roots()),
            clock: Arc::<crate::stage::Calendar>::clone(&self.calendar),
            expected: Settings::own_id(&domain).unwrap(),
            revoked: Arc::new(revoked),
            settings: tls::Settings::default(),
            shows: svid.cloned().map(Arc::new),
        };
        let source = format!("{source}:0").parse().unwrap();
        let approached = self.wait(async {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(source).unwrap();
            approach
                .connect(socket.connect(self.address).await.unwrap())
                .await
        })?;
        let mut stream = Some(TokioIo::new(approached.stream));
        let connector = tower::service_fn(move |_| {
            let stream = stream.take().ok_or(std::io::ErrorKind::NotConnected);
            std::future::ready(stream.map_err(std::io::Error::from))
        });
        let endpoint = Endpoint::from_static("http://authority");
        let channel = self.wait(endpoint.connect_with_connector(connector));
        Ok(Petitioner {
            channel: channel.unwrap(),
            exporter: approached.exporter,
            town: self,
        })
    }
}

impl Petitioner<'_> {
    /// Asks for a certificate for `csr`.
    pub(crate) fn ask(
        &self,
        csr: &[u8],
        proof: Option<Proof>,
        wish: &str,
    ) -> Result<rpc::IssueResponse, Status> {
        let request = rpc::IssueRequest {
            csr: csr.to_vec(),
            spiffe_id: wish.to_owned(),
            proof,
            policy: None,
        };
        self.town.wait(self.issue(request))
    }

    /// The same, for whoever waits for several.
    pub(crate) fn asks(
        &self,
        csr: &[u8],
        proof: Option<Proof>,
    ) -> impl Future<Output = Result<rpc::IssueResponse, Status>> + use<> {
        self.issue(rpc::IssueRequest {
            csr: csr.to_vec(),
            spiffe_id: String::new(),
            proof,
            policy: None,
        })
    }

    fn issue(
        &self,
        request: rpc::IssueRequest,
    ) -> impl Future<Output = Result<rpc::IssueResponse, Status>> + use<> {
        let client = AuthorityClient::new(self.channel.clone());
        // As much as a sidecar takes.
        let mut client = client.max_decoding_message_size(16 * 1024 * 1024);
        async move { client.issue(request).await.map(Response::into_inner) }
    }

    /// Asks for an SVID for `key`.
    pub(crate) fn enrol(&self, key: &KeyPair, proof: Option<Proof>) -> Result<Svid, Status> {
        let csr = make_request(key).unwrap();
        let given = self.ask(&csr, proof, "")?;
        Ok(svid(given.chain, key))
    }

    pub(crate) fn follow(&self) -> Result<Streaming<rpc::State>, Status> {
        let mut client = AuthorityClient::new(self.channel.clone());
        self.town
            .wait(client.follow(rpc::FollowRequest { policy: None }))
            .map(Response::into_inner)
    }
}

/// What was given for `key`.
pub(crate) fn svid(chain: Vec<Vec<u8>>, key: &KeyPair) -> Svid {
    let chain = chain.into_iter().map(CertificateDer::from).collect();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    Svid::new(chain, key).unwrap()
}

/// The leaf of `chain`, which whoever has the town's roots believes.
pub(crate) fn believed(town: &Town, chain: &[Vec<u8>]) -> Leaf {
    use portreeve::time::Clock as _;

    let chain: Vec<_> = chain.iter().cloned().map(CertificateDer::from).collect();
    let now = town.calendar.now();
    verify(&chain, &town.roots(), now, &Limits::default()).unwrap()
}

pub(crate) fn key() -> KeyPair {
    KeyPair::generate().unwrap()
}

pub(crate) fn by_token(token: &str) -> Option<Proof> {
    Some(Proof::JoinToken(token.to_owned()))
}
