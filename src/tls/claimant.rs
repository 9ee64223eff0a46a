//! Both ends of a connection on which another one is proved.
//!
//! See [`lease`](crate::tls::lease) for what is said there, and why.

use std::sync::Arc;
use std::time::Duration;
use std::time::SystemTime;

use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use crate::id::SpiffeId;
use crate::net::DialError;
use crate::time::Clock;
use crate::tls::belief::Belief;
use crate::tls::claim::Claim;
use crate::tls::claim::Receipt;
use crate::tls::claim::Verdict;
use crate::tls::claim::VerdictError;
use crate::tls::connector::Connector;
use crate::tls::connector::Reached;
use crate::tls::error::ConnectError;
use crate::tls::error::HandshakeError;
use crate::tls::keying::Binder;
use crate::tls::keying::Keying;
use crate::tls::keying::Prover;
use crate::tls::lease::Extension;
use crate::tls::lease::Leases;
use crate::tls::lease::Unproved;
use crate::tls::peer::Peer;
use crate::tls::protocol::LEASE;

/// A caller that has proved its name and says that it is at the end of another
/// connection, too.
#[derive(Debug)]
pub struct Claimant {
    pub(super) belief: Belief,
    pub(super) binder: Binder,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) leases: Leases,
    /// How long it may take to say which.
    pub(super) patience: Duration,
    pub(super) stream: TlsStream<TcpStream>,
}

impl Claimant {
    /// Who it is.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        self.belief.peer()
    }

    /// Hears what it claims, and answers.
    ///
    /// # Errors
    ///
    /// [`Unproved`] if nothing is granted.
    ///
    /// # Cancellation
    ///
    /// Dropping the future closes the stream. What it claims may be extended by then.
    pub async fn settle(self) -> Result<Extension, Unproved> {
        let Self {
            belief,
            binder,
            clock,
            leases,
            patience,
            mut stream,
        } = self;
        let mut bytes = [0; Claim::BYTES];
        let read = timeout(patience, stream.read_exact(&mut bytes)).await;
        let Ok(Ok(_all)) = read else {
            return Err(Unproved::Missing);
        };
        let claim = Claim::try_from(bytes.as_slice()).map_err(|_never| Unproved::Missing)?;
        let settled = leases.settle(&claim, &binder, belief, clock.as_ref());
        let verdict = match &settled {
            Ok((_, receipt)) => Verdict::Proved(*receipt),
            Err(_) => Verdict::Refused,
        };
        let answer = async {
            stream.write_all(&verdict.to_bytes()).await?;
            stream.shutdown().await
        };
        // Whoever does not hear it asks again.
        if !matches!(timeout(patience, answer).await, Ok(Ok(()))) {
            tracing::debug!("the answer to a claim was not taken");
        }
        settled.map(|(extension, _)| extension)
    }
}

/// What a connection is believed for from now on.
#[derive(Debug)]
pub struct Proved {
    /// Why the far side is believed.
    pub belief: Belief,
    /// Which generation of our own identity we showed.
    pub generation: u64,
    /// When the certificate that we showed ends.
    pub shown_until: SystemTime,
}

impl Connector {
    /// Proves on `stream` that we are at the end of the connection of `keying`,
    /// at whose other end is `far`, and that whoever is there now has it, too.
    ///
    /// # Errors
    ///
    /// [`ProveError`]; what the connection is believed for has not changed here.
    ///
    /// # Cancellation
    ///
    /// Dropping the future closes the stream.
    pub async fn prove(
        &self,
        stream: TcpStream,
        keying: &Keying,
        far: &SpiffeId,
    ) -> Result<Proved, ProveError> {
        let Reached {
            mut stream,
            belief,
            generation,
            shown_until,
        } = self.shake_hands(stream, LEASE).await?;
        let found = belief.peer().id();
        if found != far {
            let found = found.clone();
            return Err(ProveError::OtherIdentity { found });
        }
        let binder =
            Binder::of(stream.get_ref().1).map_err(|cause| ConnectError::Handshake { cause })?;
        let claim = Claim {
            connection: keying.name(),
            proof: keying.prove(Prover::Caller, &binder),
        };
        let mut bytes = [0; Verdict::BYTES];
        let asked = async {
            stream.write_all(&claim.to_bytes()).await?;
            stream.flush().await?;
            stream.read_exact(&mut bytes).await
        };
        let asked = timeout(self.patience(), asked).await;
        let asked = asked.map_err(|_late| ProveError::Timeout)?;
        asked.map_err(|cause| ProveError::Broken { kind: cause.kind() })?;
        match Verdict::try_from(bytes.as_slice())? {
            Verdict::Proved(Receipt(proof))
                if keying.is_proved(Prover::Called, &binder, &proof) =>
            {
                Ok(Proved {
                    belief,
                    generation,
                    shown_until,
                })
            }
            Verdict::Proved(_) => Err(ProveError::Mismatch),
            Verdict::Refused => Err(ProveError::Refused),
        }
    }
}

/// Why a connection is not believed for more than before.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The far side broke off.
    #[error("the far side broke off ({kind})")]
    Broken {
        /// How, as the system names it.
        kind: std::io::ErrorKind,
    },
    /// There is no second connection.
    #[error("the connection for the proof could not be made")]
    Connect {
        /// Why.
        #[from]
        cause: ConnectError,
    },
    /// The address cannot be reached.
    #[error("the far side cannot be reached")]
    Dial {
        /// Why.
        #[source]
        cause: DialError,
    },
    /// Whoever is there does not have the connection.
    #[error("the far side did not prove that it has the connection, too")]
    Mismatch,
    /// Somebody else is there.
    #[error("`{found}` is there")]
    OtherIdentity {
        /// Who.
        found: SpiffeId,
    },
    /// The far side grants nothing.
    #[error("the far side says no")]
    Refused,
    /// The far side took too long.
    #[error("the far side did not answer in time")]
    Timeout,
    /// What the far side says is no answer.
    #[error("the far side answers what is no answer")]
    Verdict {
        /// Why not.
        #[from]
        cause: VerdictError,
    },
}

impl ProveError {
    /// Whether the far side does not know what this is, and will not.
    #[must_use]
    pub const fn is_unknown_there(&self) -> bool {
        matches!(
            self,
            Self::Connect {
                cause: ConnectError::Handshake {
                    cause: HandshakeError::NoAlpn | HandshakeError::OtherAlpn
                }
            }
        )
    }
}
