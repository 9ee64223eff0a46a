//! Callers that should not get far: one without an identity, one with the wrong one.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::DigitallySignedStruct;
use rustls::SignatureScheme;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::client::danger::ServerCertVerified;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::ServerName;
use rustls_pki_types::UnixTime;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::ca::Authority;
use crate::demo::client;
use crate::demo::client::Answer;
use crate::demo::files::NAMES;
use crate::id::SpiffeId;
use crate::identity::Embedded;
use crate::identity::Live;
use crate::identity::Source as _;
use crate::time::Clock;
use crate::time::SystemClock;
use crate::tls;
use crate::tls::Connector;
use crate::tls::Protocol;
use crate::x509::Limits;

/// Calls `door` as the stranger, whom the demo's CA vouches for.
pub(super) async fn call(dir: &Path, door: SocketAddr, request_line: &str) -> io::Result<Answer> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let domain = NAMES.trust_domain.parse().map_err(io::Error::other)?;
    let stranger: SpiffeId = NAMES.stranger.parse().map_err(io::Error::other)?;
    let orders: SpiffeId = NAMES.orders.parse().map_err(io::Error::other)?;
    let authority =
        Authority::open(&dir.join("ca"), domain, Arc::clone(&clock)).map_err(io::Error::other)?;
    let lifetime = std::time::Duration::from_secs(60);
    let mut source = Embedded::new(
        Arc::new(authority),
        stranger,
        lifetime,
        Limits::default(),
        Arc::clone(&clock),
    );
    let identity = source.fetch().await.map_err(io::Error::other)?;
    let connector = Connector::new(
        Arc::new(Live::new(identity)),
        clock,
        vec![orders],
        tls::Settings::default(),
    );
    let stream = TcpStream::connect(door).await?;
    let connected = connector
        .connect(stream, Protocol::Http1)
        .await
        .map_err(io::Error::other)?;
    client::ask_on(connected.stream, request_line).await
}

/// Calls `door` without a certificate, as `curl -k` does.
pub(super) async fn call_without_identity(
    door: SocketAddr,
    request_line: &str,
) -> io::Result<Answer> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Careless))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let stream = TcpStream::connect(door).await?;
    let name = ServerName::IpAddress(door.ip().into());
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await?;
    client::ask_on(stream, request_line).await
}

/// Believes any server. Only for a caller that is to be refused.
#[derive(Debug)]
struct Careless;

impl ServerCertVerifier for Careless {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _leaf: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _leaf: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
