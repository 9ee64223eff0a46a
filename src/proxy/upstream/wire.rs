//! A byte stream to the other side, and how one is made.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::net::AppAddress;
use crate::net::AppStream;
use crate::net::Dialer;
use crate::net::Ending;
use crate::net::Pulse;
use crate::net::StallGuard;
use crate::net::Tasks;
use crate::net::end_by;
use crate::proxy::desk::Desk;
use crate::proxy::lifetime::last_call;
use crate::proxy::meters::DoorMeters;
use crate::proxy::rewound::Rewound;
use crate::proxy::settings::Limits;
use crate::proxy::upstream::UpstreamError;
use crate::proxy::upstream::app_way::AppWay;
use crate::proxy::upstream::bond::Bond;
use crate::proxy::upstream::heard::Heard;
use crate::proxy::upstream::keeper::Keeper;
use crate::proxy::upstream::keeper::Shown;
use crate::time::Clock;
use crate::tls::Connector;
use crate::tls::Lease;
use crate::tls::Protocol;

/// Bytes in both directions, over whatever carries them.
pub(in crate::proxy) trait Bytestream:
    AsyncRead + AsyncWrite + Debug + Send + Unpin
{
    /// Sees to it that nobody takes its end for a proper one when it is dropped.
    /// Where there is TLS, nobody does: no farewell is said.
    fn break_off(&self) {}
}

/// Our own application's, in the clear.
impl Bytestream for StallGuard<Rewound<TcpStream>> {
    fn break_off(&self) {
        end_by(self.get_ref().get_ref(), Ending::Reset);
    }
}

impl Bytestream for StallGuard<AppStream> {}
impl Bytestream for StallGuard<Heard> {}
impl Bytestream for StallGuard<TcpStream> {}
impl Bytestream for StallGuard<TlsStream<TcpStream>> {}
impl Bytestream for tokio::io::Empty {}

/// One connection.
pub(in crate::proxy) type Wire = Box<dyn Bytestream>;

/// One destination, and how it is reached.
#[derive(Clone, Debug)]
pub(in crate::proxy) struct Reach {
    pub(in crate::proxy) clock: Arc<dyn Clock>,
    pub(in crate::proxy) limits: Limits,
    pub(in crate::proxy) meters: Rc<DoorMeters>,
    pub(in crate::proxy) tasks: Tasks,
    pub(in crate::proxy) way: Way,
}

impl Reach {
    /// The application at `address`, for a door of the worker of `desk`.
    pub(in crate::proxy) fn app(
        desk: &Desk,
        meters: &Rc<DoorMeters>,
        limits: Limits,
        address: AppAddress,
    ) -> Self {
        Self {
            clock: Arc::clone(desk.clock()),
            limits,
            meters: Rc::clone(meters),
            tasks: desk.tasks().clone(),
            way: Way::App(Rc::new(AppWay::new(address, limits.connect))),
        }
    }
}

/// What is at the other end.
#[derive(Clone, Debug)]
pub(in crate::proxy) enum Way {
    /// Our own application, in the clear.
    App(Rc<AppWay>),
    /// Another sidecar.
    Peer {
        dialer: Dialer,
        /// Who must be there and how we prove who we are.
        tls: Rc<Connector>,
    },
}

/// A connection that has just been made.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) wire: Wire,
    /// The identity generation it was made with; 0 without TLS.
    pub(super) generation: u64,
    /// What binds it to another sidecar; none to our own application.
    pub(super) bond: Option<Rc<Bond>>,
    /// When the other side's certificate is so near its end that another connection should take its place.
    pub(super) outdated: Option<SystemTime>,
    /// Beats with all that is read from it, if it leads to another sidecar.
    pub(super) pulse: Pulse,
}

impl Reach {
    /// The same, to one address of the destination.
    pub(super) fn to(&self, address: SocketAddr) -> Self {
        let mut reach = self.clone();
        if let Way::Peer { dialer, .. } = &mut reach.way {
            *dialer = Dialer::new(&address.to_string(), self.limits.connect);
        }
        reach
    }

    /// Connects, and proves identities if there are any to prove.
    pub(super) async fn connect(&self, protocol: Protocol) -> Result<Made, UpstreamError> {
        let unreached = |cause| UpstreamError::Dial { cause };
        let (dialer, tls) = match &self.way {
            Way::App(way) => {
                let stream = way.dial().await?;
                return Ok(Made {
                    wire: Box::new(StallGuard::new(stream, self.limits.write_stall)),
                    bond: None,
                    generation: 0,
                    outdated: None,
                    pulse: Pulse::default(),
                });
            }
            Way::Peer { dialer, tls } => (dialer, tls),
        };
        let stream = dialer.dial().await.map_err(unreached)?;
        let connected = match tls.connect(stream, protocol).await {
            Ok(connected) => connected,
            Err(cause) => {
                self.meters.handshake(&cause.reason());
                return Err(UpstreamError::Tls { cause });
            }
        };
        self.meters.handshake("ok");
        let ends = connected.peer.not_after();
        let shown = Shown {
            generation: connected.generation,
            until: connected.shown_until,
        };
        let keeper = Keeper {
            counts: self.meters.threshold().leases.clone(),
            dialer: dialer.clone(),
            keying: connected.keying,
            own: None,
            tls: Rc::clone(tls),
        };
        let lease = Lease::new(connected.belief);
        let bond = Bond::new(lease, shown, Some(keeper), Arc::clone(&self.clock));
        let pulse = Pulse::default();
        let heard = Heard::new(connected.stream, pulse.clone());
        Ok(Made {
            bond: Some(Rc::new(bond)),
            generation: connected.generation,
            outdated: Some(last_call(ends, self.clock.now())),
            wire: Box::new(StallGuard::new(heard, self.limits.write_stall)),
            pulse,
        })
    }

    /// Whether a connection of `generation` shows the identity that is in
    /// force, and the one that it was shown is not about to end.
    pub(super) fn is_current(&self, generation: u64, outdated: Option<SystemTime>) -> bool {
        if outdated.is_some_and(|outdated| outdated <= self.clock.now()) {
            return false;
        }
        match &self.way {
            Way::App(_) => true,
            Way::Peer { tls, .. } => tls.generation() == generation,
        }
    }
}
