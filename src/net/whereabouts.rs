//! Where a destination is, as far as is known now.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;

/// What is known of a destination's addresses.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Known {
    /// All of them, in order; never none.
    At(Arc<[SocketAddr]>),
    /// None: its name has no address, or nobody has told one for too long.
    Lost,
    /// Nobody has told yet.
    NotYet,
}

/// One reader's view of a destination's addresses, which change behind it.
#[derive(Clone, Debug)]
pub struct Whereabouts {
    known: watch::Receiver<Known>,
}

impl Whereabouts {
    /// Of a destination that is given by its address.
    #[must_use]
    pub fn fixed(address: SocketAddr) -> Self {
        let (_told_once, known) = watch::channel(Known::At([address].into()));
        Self { known }
    }

    pub(super) const fn told_by(known: watch::Receiver<Known>) -> Self {
        Self { known }
    }

    /// Whether something has changed since the last look: an atomic load.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        // Where nobody tells any more, what is known stays.
        self.known.has_changed().unwrap_or(false)
    }

    /// What is known now, for a reader that does not ask what has changed.
    #[must_use]
    pub fn now(&self) -> Known {
        self.known.borrow().clone()
    }

    /// What is known now. It counts as seen.
    #[must_use]
    pub fn look(&mut self) -> Known {
        self.known.borrow_and_update().clone()
    }

    /// Returns when something is known, be it that there is no address.
    pub async fn told(mut self) {
        // An error says that nobody will tell: then this is all there is.
        drop(self.known.wait_for(|known| *known != Known::NotYet).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reader_sees_each_change_once() {
        let (tell, known) = watch::channel(Known::NotYet);
        let mut whereabouts = Whereabouts::told_by(known);
        assert_eq!(whereabouts.look(), Known::NotYet);
        assert!(!whereabouts.has_changed());
        let at = Known::At([SocketAddr::from(([127, 0, 0, 1], 1))].into());
        tell.send(at.clone()).unwrap();
        whereabouts.clone().told().await;
        assert!(whereabouts.has_changed());
        assert_eq!(whereabouts.look(), at);
        assert!(!whereabouts.has_changed());
        drop(tell);
        assert!(!whereabouts.has_changed());
        whereabouts.told().await;
    }

    #[tokio::test]
    async fn an_address_is_known_from_the_start() {
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let mut whereabouts = Whereabouts::fixed(address);
        whereabouts.clone().told().await;
        assert_eq!(whereabouts.look(), Known::At([address].into()));
        assert!(!whereabouts.has_changed());
    }
}
