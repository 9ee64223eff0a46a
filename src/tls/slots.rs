//! How many handshakes may be under way at once, and with whom.
//!
//! A caller that has not said hello takes no slot, so that silence costs nobody
//! anything but the caller; it has a seat, of which there are many. One that has
//! said hello is work; and since whoever says hello may fall silent then, nobody
//! may have more slots, or seats, than are left for others.

use std::collections::HashMap;
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use rustls::server::Acceptor;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::StartHandshake;

use crate::net::place;
use crate::tls::error::AcceptError;
use crate::tls::error::HandshakeError;

/// How many handshakes may be under way at once, shared by all workers.
///
/// Whoever comes when all slots are taken is turned away at once: a queue would
/// only make everybody wait for those who never finish. Clones share the slots.
#[derive(Clone, Debug)]
pub struct HandshakeSlots {
    /// For those who have said hello.
    answered: Pool,
    /// For those who have not.
    unheard: Pool,
}

/// Places for callers, of whatever kind. Clones share the places.
#[derive(Clone, Debug)]
struct Pool {
    most: usize,
    of_source: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// Never more entries than places.
    by_source: HashMap<IpAddr, usize>,
}

impl HandshakeSlots {
    /// As many as a small machine finishes in a tenth of a second.
    pub const DEFAULT: usize = 256;

    /// Room for `most` handshakes.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            answered: Pool::new(most),
            unheard: Pool::new(MOST_UNHEARD),
        }
    }

    /// Of which one address may have `of_source` at the most.
    #[must_use]
    pub const fn of_one_source(mut self, of_source: usize) -> Self {
        self.answered.of_source = of_source;
        self
    }

    /// How many more could begin now.
    #[must_use]
    pub fn free(&self) -> usize {
        self.answered.left(&self.answered.taken())
    }

    /// A handshake with a caller from `source`, in no more time than `limit`.
    /// What follows its hello is up to `answer`, and holds a slot.
    ///
    /// # Errors
    ///
    /// All of [`AcceptError`]. The stream is closed.
    pub(super) async fn shake_hands<T, F>(
        &self,
        stream: TcpStream,
        source: IpAddr,
        limit: Duration,
        answer: impl FnOnce(StartHandshake<TcpStream>) -> F,
    ) -> Result<T, AcceptError>
    where
        F: Future<Output = Result<T, HandshakeError>>,
    {
        // Boxed: a handshake's state is large, and would otherwise be a part of
        // the connection's future for as long as that lives.
        let handshake = Box::pin(async {
            let Greeted { hello, slot } = self.greet(stream, source).await?;
            let answered = answer(hello).await;
            drop(slot);
            answered.map_err(|cause| AcceptError::Handshake { cause })
        });
        let shaken = timeout(limit, handshake).await;
        shaken.unwrap_or(Err(AcceptError::Handshake {
            cause: HandshakeError::Timeout,
        }))
    }

    /// Waits for the hello of a caller from `source`, and takes a slot for what follows.
    async fn greet(&self, stream: TcpStream, source: IpAddr) -> Result<Greeted, AcceptError> {
        let broken = |error| AcceptError::Handshake {
            cause: HandshakeError::from_stream(&error),
        };
        let seat = self.unheard.take(source)?;
        let hello = LazyConfigAcceptor::new(Acceptor::default(), stream);
        let hello = hello.await.map_err(broken)?;
        drop(seat);
        let slot = self.answered.take(source)?;
        Ok(Greeted { hello, slot })
    }
}

impl Pool {
    fn new(most: usize) -> Self {
        Self {
            most,
            of_source: most,
            taken: Arc::default(),
        }
    }

    fn take(&self, source: IpAddr) -> Result<Slot, AcceptError> {
        let source = place(source);
        let mut taken = self.taken();
        let left = self.left(&taken);
        if left == 0 {
            return Err(AcceptError::TooManyHandshakes);
        }
        let own = taken.by_source.get(&source).copied().unwrap_or(0);
        if own >= left.min(self.of_source) {
            return Err(AcceptError::TooManyHandshakesFromSource);
        }
        taken.all += 1;
        taken.by_source.insert(source, own + 1);
        drop(taken);
        Ok(Slot {
            pool: self.clone(),
            source,
        })
    }

    fn give_back(&self, source: IpAddr) {
        let mut taken = self.taken();
        taken.all = taken.all.saturating_sub(1);
        let own = taken.by_source.get(&source).copied().unwrap_or(0);
        if own > 1 {
            taken.by_source.insert(source, own - 1);
        } else {
            taken.by_source.remove(&source);
        }
    }

    const fn left(&self, taken: &Taken) -> usize {
        self.most.saturating_sub(taken.all)
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        // No step under the lock leaves the counts half done.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Callers that have not said hello hold a socket and little else. It is for as
/// long as a handshake may take.
const MOST_UNHEARD: usize = 4_096;

/// A caller that has said hello, and may be answered.
pub(super) struct Greeted {
    pub(super) hello: StartHandshake<TcpStream>,
    /// To be kept until the handshake is over.
    pub(super) slot: Slot,
}

/// A slot that is taken; free again when it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    pool: Pool,
    source: IpAddr,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.pool.give_back(self.source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(10, 0, 0, last).into()
    }

    fn all_that_it_gets(pool: &Pool, last: u8) -> Vec<Slot> {
        std::iter::from_fn(|| pool.take(address(last)).ok()).collect()
    }

    #[test]
    fn nobody_has_more_places_than_are_left_for_others() {
        let pool = Pool::new(256);
        let greedy: Vec<_> = (1..=8).map(|last| all_that_it_gets(&pool, last)).collect();
        assert_eq!(greedy[0].len(), 128);
        let refused = pool.take(address(1)).err();
        assert_eq!(refused, Some(AcceptError::TooManyHandshakesFromSource));
        let good = pool.take(address(99));
        assert!(good.is_ok(), "eight addresses took all");
        drop((greedy, good));
        let taken = pool.taken();
        assert_eq!((taken.all, taken.by_source.len()), (0, 0));
        drop(taken);
    }

    #[test]
    fn an_address_has_no_more_than_it_is_told() {
        let slots = HandshakeSlots::new(256).of_one_source(3);
        let mut held = all_that_it_gets(&slots.answered, 1);
        assert_eq!((held.len(), slots.free()), (3, 253));
        held.pop();
        assert_eq!(all_that_it_gets(&slots.answered, 1).len(), 1);
    }

    #[test]
    fn the_last_place_is_for_whoever_has_none() {
        let pool = Pool::new(1);
        let only = pool.take(address(1)).unwrap();
        let refused = pool.take(address(2)).err();
        assert_eq!(refused, Some(AcceptError::TooManyHandshakes));
        drop(only);
        assert!(pool.take(address(2)).is_ok());
    }
}
