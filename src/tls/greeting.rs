//! What a caller hears where each host has a certificate of its own.
//!
//! Whoever cannot be shown anything is told why by an alert: a browser says more
//! to its user about that than about a connection that breaks.

use std::io;
use std::sync::Arc;

use rustls::AlertDescription;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::NoServerSessionStorage;
use rustls::sign::CertifiedKey;
use rustls::sign::SingleCertAndKey;
use rustls::version::TLS12;
use rustls::version::TLS13;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::StartHandshake;

use crate::tls::error::HandshakeError;
use crate::tls::host_certificates::ACME;
use crate::tls::host_certificates::Choice;
use crate::tls::host_certificates::HostCertificates;

/// Finds out who says `hello`: somebody for whose host there is a certificate, or,
/// with none to go on with, a CA that has seen what it came for.
pub(super) async fn greet(
    hosts: &HostCertificates,
    hello: StartHandshake<TcpStream>,
) -> Result<Option<StartHandshake<TcpStream>>, HandshakeError> {
    let chosen = hosts.choose(&hello.client_hello()).await;
    match chosen {
        Ok(Choice::Certificate) => Ok(Some(hello)),
        Ok(Choice::Answer(answer)) => validate(hello, answer).await.map(|()| None),
        Err(why) => {
            let mut stream = hello.io;
            // The caller may be gone, and is refused either way.
            let _told = stream.write_all(&alert(&why)).await;
            let _closed = stream.shutdown().await;
            Err(why)
        }
    }
}

/// Shows `answer`, and ends: nothing is ever spoken after `acme-tls/1` (RFC 8737, 6.2).
async fn validate(
    hello: StartHandshake<TcpStream>,
    answer: Arc<CertifiedKey>,
) -> Result<(), HandshakeError> {
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|cause| HandshakeError::Misconfigured { cause })?;
    let shown = Arc::new(SingleCertAndKey::from(answer));
    let mut config = config.with_no_client_auth().with_cert_resolver(shown);
    config.alpn_protocols = vec![ACME.to_vec()];
    // What was shown here must never be resumed.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    let failed = |error: io::Error| HandshakeError::from_stream(&error);
    let mut stream = hello.into_stream(Arc::new(config)).await.map_err(failed)?;
    // It has seen the certificate, and may have closed already.
    let _closed = stream.shutdown().await;
    Ok(())
}

/// A fatal alert, as a record of its own: nothing is encrypted yet (RFC 8446, 6).
fn alert(why: &HandshakeError) -> [u8; 7] {
    let alert = match why {
        HandshakeError::NoServerName => AlertDescription::MissingExtension,
        HandshakeError::OtherAlpn => AlertDescription::NoApplicationProtocol,
        HandshakeError::UnknownHost { .. } => AlertDescription::UnrecognisedName,
        // The caller has done nothing wrong: there is no certificate yet.
        _ => AlertDescription::InternalError,
    };
    [21, 3, 3, 0, 2, 2, u8::from(alert)]
}
