//! Both ends of a connection whose bytes nobody on the way reads.
//!
//! The same handshakes with the same judgement as for HTTP, and another word
//! for what is spoken: an end of this kind and one for HTTP never agree.

use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::net::TcpStream;
use tokio_rustls::client;
use tokio_rustls::server;

use crate::id::SpiffeId;
use crate::identity::Live;
use crate::time::Clock;
use crate::tls::acceptor::Acceptor;
use crate::tls::acceptor::Welcome;
use crate::tls::belief::Belief;
use crate::tls::claimant::Claimant;
use crate::tls::connector::Connector;
use crate::tls::error::AcceptError;
use crate::tls::error::ConnectError;
use crate::tls::keying::Keying;
use crate::tls::lease::Lease;
use crate::tls::lease::Leases;
use crate::tls::protocol::OPAQUE;
use crate::tls::settings::Settings;
use crate::tls::slots::HandshakeSlots;

/// Turns callers into proved peers. Each worker has its own.
#[derive(Debug)]
pub struct OpaqueAcceptor(Acceptor);

/// A caller that has proved its name.
#[derive(Debug)]
pub struct OpaqueAccepted {
    /// Its bytes.
    pub stream: server::TlsStream<TcpStream>,
    /// Who it is, and why it is believed.
    pub belief: Belief,
    /// The same, as it changes.
    pub lease: Lease,
    /// When the certificate that we showed ends, and with it the caller's
    /// reason to believe us.
    pub shown_until: SystemTime,
}

/// A caller that has proved its name, by what it wants.
#[derive(Debug)]
pub enum OpaqueArrival {
    /// To be served.
    Caller(OpaqueAccepted),
    /// To prove that another connection of its lives on.
    Claimant(Claimant),
}

impl OpaqueAcceptor {
    /// Will show the identity in force in `live`, and take a slot for each handshake.
    #[must_use]
    pub fn new(
        live: Arc<Live>,
        clock: Arc<dyn Clock>,
        settings: Settings,
        slots: HandshakeSlots,
    ) -> Self {
        Self(Acceptor::new(live, clock, settings, slots).speaking(&[OPAQUE]))
    }

    /// The same for callers that may prove that connections of theirs, whose
    /// `leases` these are, live on.
    #[must_use]
    pub fn leasing(self, leases: Leases) -> Self {
        Self(self.0.leasing(leases))
    }

    /// Completes the handshake with a caller from `source`.
    ///
    /// # Errors
    ///
    /// All of [`AcceptError`]. The stream is closed.
    ///
    /// # Cancellation
    ///
    /// Dropping the future closes the stream and frees the slot.
    pub async fn receive(
        &self,
        stream: TcpStream,
        source: IpAddr,
    ) -> Result<OpaqueArrival, AcceptError> {
        Ok(match self.0.welcome(stream, source).await? {
            Welcome::Caller(shaken) => OpaqueArrival::Caller(OpaqueAccepted {
                stream: shaken.stream,
                belief: shaken.belief,
                lease: shaken.lease,
                shown_until: shaken.shown_until,
            }),
            Welcome::Claimant(claimant) => OpaqueArrival::Claimant(claimant),
        })
    }
}

/// Turns streams to one far side into proved peers. Each worker has its own.
#[derive(Debug)]
pub struct OpaqueConnector(Rc<Connector>);

/// A far side that has proved its name.
#[derive(Debug)]
pub struct OpaqueConnected {
    /// Its bytes.
    pub stream: client::TlsStream<TcpStream>,
    /// Who it is, one of those expected, and why it is believed.
    pub belief: Belief,
    /// Which generation of our own identity we showed.
    pub generation: u64,
    /// What both ends of this connection know.
    pub keying: Keying,
    /// When the certificate that we showed ends, and with it the far side's
    /// reason to believe us.
    pub shown_until: SystemTime,
}

impl OpaqueConnector {
    /// Will accept only far sides that are one of `expected`; nobody, if that is empty.
    #[must_use]
    pub fn new(
        live: Arc<Live>,
        clock: Arc<dyn Clock>,
        expected: Vec<SpiffeId>,
        settings: Settings,
    ) -> Self {
        Self(Rc::new(Connector::new(live, clock, expected, settings)))
    }

    /// How a connection made here is proved later.
    #[must_use]
    pub const fn prover(&self) -> &Rc<Connector> {
        &self.0
    }

    /// Completes the handshake with the far side.
    ///
    /// That it believes our certificate is not known when this ends; if it does
    /// not, the first read from the stream fails, see [`is_refusal`].
    ///
    /// # Errors
    ///
    /// All of [`ConnectError`]. The stream is closed.
    ///
    /// # Cancellation
    ///
    /// Dropping the future closes the stream.
    pub async fn connect(&self, stream: TcpStream) -> Result<OpaqueConnected, ConnectError> {
        let reached = self.0.shake_hands(stream, OPAQUE).await?;
        Ok(OpaqueConnected {
            generation: reached.generation,
            keying: reached.keying()?,
            stream: reached.stream,
            belief: reached.belief,
            shown_until: reached.shown_until,
        })
    }
}

/// Whether `error`, of a stream made here, is the far side's word that it does
/// not want us.
#[must_use]
pub fn is_refusal(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    matches!(inner, Some(rustls::Error::AlertReceived(_)))
}
