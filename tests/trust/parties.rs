//! Both ends of a handshake: ours, and strangers that believe anything.

use std::sync::Arc;

use portreeve::id::SpiffeId;
use portreeve::identity::Live;
use portreeve::tls::AcceptError;
use portreeve::tls::Accepted;
use portreeve::tls::Acceptor;
use portreeve::tls::ConnectError;
use portreeve::tls::Connected;
use portreeve::tls::Connector;
use portreeve::tls::HandshakeSlots;
use portreeve::tls::Protocol;
use portreeve::tls::Settings;
use rustls::ClientConfig;
use rustls::DigitallySignedStruct;
use rustls::ServerConfig;
use rustls::SignatureScheme;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::client::danger::ServerCertVerified;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::danger::ClientCertVerified;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::CertifiedKey;
use rustls::sign::SingleCertAndKey;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::ServerName;
use rustls_pki_types::UnixTime;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::TlsConnector;

use crate::corpus::Calendar;

/// The two ends of one TCP connection: the one that called, the one that was called.
pub(crate) async fn wire() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (caller, called) = tokio::join!(TcpStream::connect(address), listener.accept());
    (caller.unwrap(), called.unwrap().0)
}

pub(crate) fn acceptor(live: &Arc<Live>, calendar: &Arc<Calendar>) -> Acceptor {
    let clock: Arc<Calendar> = Arc::clone(calendar);
    let slots = HandshakeSlots::new(HandshakeSlots::DEFAULT);
    Acceptor::new(Arc::clone(live), clock, Settings::default(), slots)
}

pub(crate) fn connector(
    live: &Arc<Live>,
    calendar: &Arc<Calendar>,
    expected: Vec<SpiffeId>,
) -> Connector {
    let clock: Arc<Calendar> = Arc::clone(calendar);
    Connector::new(Arc::clone(live), clock, expected, Settings::default())
}

/// Our two ends with each other.
pub(crate) async fn meet(
    connector: &Connector,
    acceptor: &Acceptor,
    protocol: Protocol,
) -> (
    Result<Connected, ConnectError>,
    Result<Accepted, AcceptError>,
) {
    let (caller, called) = wire().await;
    tokio::join!(connector.connect(caller, protocol), acceptor.accept(called))
}

/// A stranger calls us. It may believe that all went well before we refuse it.
pub(crate) async fn called_by(
    stranger: ClientConfig,
    acceptor: &Acceptor,
) -> (
    std::io::Result<tokio_rustls::client::TlsStream<TcpStream>>,
    Result<Accepted, AcceptError>,
) {
    let (caller, called) = wire().await;
    let name = ServerName::try_from("web.prod.example").unwrap();
    let connector = TlsConnector::from(Arc::new(stranger));
    tokio::join!(connector.connect(name, caller), acceptor.accept(called))
}

/// We call a stranger.
pub(crate) async fn call_on(
    stranger: ServerConfig,
    connector: &Connector,
) -> (
    std::io::Result<tokio_rustls::server::TlsStream<TcpStream>>,
    Result<Connected, ConnectError>,
) {
    let (caller, called) = wire().await;
    let acceptor = TlsAcceptor::from(Arc::new(stranger));
    tokio::join!(
        acceptor.accept(called),
        connector.connect(caller, Protocol::Http2)
    )
}

/// A client that shows this chain, if any, and believes every server.
pub(crate) fn strange_client(
    shown: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
    alpn: &[&[u8]],
) -> ClientConfig {
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Credulous));
    let mut config = match shown {
        Some((chain, key)) => config.with_client_cert_resolver(Arc::new(show(chain, key))),
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    config
}

/// A server that shows this chain and believes every client.
pub(crate) fn strange_server(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    alpn: &[&[u8]],
) -> ServerConfig {
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_client_cert_verifier(Arc::new(Credulous))
        .with_cert_resolver(Arc::new(show(chain, key)));
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    config
}

/// Whether key and chain fit is not looked at: liars show what they like.
fn show(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> SingleCertAndKey {
    let key = default_provider()
        .key_provider
        .load_private_key(key)
        .unwrap();
    SingleCertAndKey::from(CertifiedKey::new(chain, key))
}

#[derive(Debug)]
struct Credulous;

impl ServerCertVerifier for Credulous {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}

impl ClientCertVerifier for Credulous {
    fn root_hint_subjects(&self) -> &[rustls::DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        ServerCertVerifier::verify_tls12_signature(self, message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        ServerCertVerifier::verify_tls13_signature(self, message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ServerCertVerifier::supported_verify_schemes(self)
    }
}
