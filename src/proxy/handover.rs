//! A connection that leaves HTTP: from whoever read heads on it to whoever
//! passes its bytes on.

use tokio::sync::oneshot;

use crate::http1::Inlet;
use crate::proxy::rewound::Rewound;
use crate::proxy::upstream::Wire;

/// A connection, with what was read of it already.
pub(super) type Handed = Rewound<Wire>;

/// Where a caller's connection comes when its response has told it to change protocols.
pub(super) type Awaited = oneshot::Receiver<Handed>;

/// Takes the connection from whoever read `inlet` on `wire`, and leaves a closed one.
pub(super) fn take(inlet: &mut Inlet, wire: &mut Wire) -> Handed {
    let wire = std::mem::replace(wire, Box::new(tokio::io::empty()));
    Rewound::new(inlet.take_rest(), wire)
}
