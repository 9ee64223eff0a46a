//! Our two ends of a handshake, with each other and with strangers.

use std::net::IpAddr;
use std::net::Ipv4Addr;
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
use rustls::ServerConfig;
use rustls_pki_types::ServerName;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::TlsConnector;

use crate::corpus::Calendar;

/// Where everybody is.
pub(crate) const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

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
    tokio::join!(
        connector.connect(caller, protocol),
        acceptor.accept(called, HERE)
    )
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
    tokio::join!(
        connector.connect(name, caller),
        acceptor.accept(called, HERE)
    )
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
