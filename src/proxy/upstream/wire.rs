//! A byte stream to the other side, and how one is made.

use std::fmt::Debug;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;

use crate::net::Dialer;
use crate::net::StallGuard;
use crate::net::Tasks;
use crate::proxy::lifetime::last_call;
use crate::proxy::lifetime::reached;
use crate::proxy::meters::DoorMeters;
use crate::proxy::settings::Limits;
use crate::proxy::upstream::UpstreamError;
use crate::time::Clock;
use crate::tls::Connector;
use crate::tls::Protocol;

/// Bytes in both directions, over whatever carries them.
pub(in crate::proxy) trait Bytestream:
    AsyncRead + AsyncWrite + Debug + Send + Unpin
{
}

impl<S: AsyncRead + AsyncWrite + Debug + Send + Unpin> Bytestream for S {}

/// One connection.
pub(in crate::proxy) type Wire = Box<dyn Bytestream>;

/// One destination, and how it is reached.
#[derive(Debug)]
pub(in crate::proxy) struct Reach {
    pub(in crate::proxy) clock: Arc<dyn Clock>,
    pub(in crate::proxy) dialer: Dialer,
    pub(in crate::proxy) limits: Limits,
    pub(in crate::proxy) meters: Rc<DoorMeters>,
    pub(in crate::proxy) tasks: Tasks,
    /// Who must be there and how we prove who we are; none for our own application.
    pub(in crate::proxy) tls: Option<Connector>,
}

/// A connection that has just been made.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) wire: Wire,
    /// The identity generation it was made with; 0 without TLS.
    pub(super) generation: u64,
    /// When the other side's certificate ends.
    pub(super) expires: Option<SystemTime>,
    /// When that is so near that another connection should take its place.
    pub(super) outdated: Option<SystemTime>,
}

impl Reach {
    /// Connects, and proves identities if there are any to prove.
    pub(super) async fn connect(&self, protocol: Protocol) -> Result<Made, UpstreamError> {
        let stream = self
            .dialer
            .dial()
            .await
            .map_err(|cause| UpstreamError::Dial { cause })?;
        let Some(connector) = &self.tls else {
            let wire = Box::new(StallGuard::new(stream, self.limits.write_stall));
            return Ok(Made {
                wire,
                generation: 0,
                expires: None,
                outdated: None,
            });
        };
        let connected = match connector.connect(stream, protocol).await {
            Ok(connected) => connected,
            Err(cause) => {
                self.meters.handshake(&cause.reason());
                return Err(UpstreamError::Tls { cause });
            }
        };
        self.meters.handshake("ok");
        let ends = connected.peer.not_after();
        Ok(Made {
            generation: connected.generation,
            expires: Some(ends),
            outdated: Some(last_call(ends, self.clock.now())),
            wire: Box::new(StallGuard::new(connected.stream, self.limits.write_stall)),
        })
    }

    /// Runs `connection` until it ends, or the certificate at its other end does.
    pub(super) fn drive<E: std::error::Error + 'static>(
        &self,
        connection: impl Future<Output = Result<(), E>> + 'static,
        expires: Option<SystemTime>,
    ) -> impl Future<Output = ()> + 'static {
        let clock = Arc::clone(&self.clock);
        async move {
            tokio::select! {
                outcome = connection => {
                    if let Err(error) = outcome {
                        tracing::debug!(error = &error as &dyn std::error::Error, "a connection ended badly");
                    }
                }
                () = reached(clock, expires) => {
                    tracing::info!("a connection ended with the certificate at its other end");
                }
            }
        }
    }

    /// Whether a connection of `generation` shows the identity that is in
    /// force, and the one that it was shown is not about to end.
    pub(super) fn is_current(&self, generation: u64, outdated: Option<SystemTime>) -> bool {
        if outdated.is_some_and(|outdated| outdated <= self.clock.now()) {
            return false;
        }
        self.tls
            .as_ref()
            .is_none_or(|connector| connector.generation() == generation)
    }
}
