//! Going home in good order.
//!
//! A [`Trigger`] is pulled once; every [`Watch`] sees it from then on. What
//! "drain" means is each holder's own: a listener stops accepting, a
//! connection finishes what it has begun.

use tokio::sync::watch;

/// A trigger and the first of its watches.
#[must_use]
pub fn channel() -> (Trigger, Watch) {
    let (sender, receiver) = watch::channel(false);
    (Trigger { sender }, Watch { receiver })
}

/// Starts the draining of everything that watches.
#[derive(Debug)]
pub struct Trigger {
    sender: watch::Sender<bool>,
}

impl Trigger {
    /// From now on all watches drain. Doing it again changes nothing.
    pub fn drain(&self) {
        self.sender.send_replace(true);
    }
}

/// Knows whether it is time to go. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Watch {
    receiver: watch::Receiver<bool>,
}

impl Watch {
    /// Whether the trigger was pulled.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        *self.receiver.borrow()
    }

    /// Returns when the trigger is pulled, or at once if it was. A trigger
    /// that is dropped counts as pulled: nobody is left who could.
    pub async fn draining(&mut self) {
        while !*self.receiver.borrow_and_update() {
            if self.receiver.changed().await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_watch_sees_the_trigger_once_pulled() {
        let (trigger, mut watch) = channel();
        let mut late = watch.clone();
        assert!(!watch.is_draining());
        trigger.drain();
        watch.draining().await;
        late.draining().await;
        assert!(late.is_draining());
    }

    #[tokio::test]
    async fn a_lost_trigger_drains() {
        let (trigger, mut watch) = channel();
        drop(trigger);
        watch.draining().await;
    }
}
