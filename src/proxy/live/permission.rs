//! Whether one exchange may go on, told to whoever serves it.

use std::cell::Cell;
use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;
use std::task::Waker;

use crate::audit::Withdrawn;
use crate::policy::Denial;

/// Leave to go on, until it is withdrawn.
///
/// One task waits for that at a time: the one that serves the caller.
#[derive(Debug, Default)]
pub(in crate::proxy) struct Permission {
    /// Whether it was ended for it.
    is_cut: Cell<bool>,
    waiting: RefCell<Option<Waker>>,
    /// None while it may go on.
    why: RefCell<Option<Rc<Withdrawal>>>,
}

/// The no that an exchange got while it was under way.
#[derive(Debug)]
pub(in crate::proxy) struct Withdrawal {
    /// For the caller; none where it is not the policy that says so.
    pub(in crate::proxy) denial: Option<Denial>,
    /// For the record.
    pub(in crate::proxy) said: Withdrawn,
}

impl Permission {
    /// It may go on no more.
    pub(super) fn withdraw(&self, why: Rc<Withdrawal>) {
        self.why.replace(Some(why));
        if let Some(waiting) = self.waiting.take() {
            waiting.wake();
        }
    }

    /// Ready when it may go on no more, once. Whoever is told so ends it.
    pub(in crate::proxy) fn poll_withdrawn(&self, cx: &Context<'_>) -> Poll<Rc<Withdrawal>> {
        if let Some(why) = &*self.why.borrow() {
            // Told once: what its caller is answered for it may go.
            let is_told = self.is_cut.replace(true);
            return if is_told {
                Poll::Pending
            } else {
                Poll::Ready(Rc::clone(why))
            };
        }
        let mut waiting = self.waiting.borrow_mut();
        if !waiting
            .as_ref()
            .is_some_and(|known| known.will_wake(cx.waker()))
        {
            *waiting = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Returns when it may go on no more. Whoever is told so ends it.
    pub(in crate::proxy) async fn withdrawn(&self) -> Rc<Withdrawal> {
        poll_fn(|cx| self.poll_withdrawn(cx)).await
    }

    /// Why it was ended, if it was ended for this.
    pub(in crate::proxy) fn cut(&self) -> Option<Rc<Withdrawal>> {
        let why = self.why.borrow();
        why.as_ref().filter(|_| self.is_cut.get()).map(Rc::clone)
    }
}

/// What ended an exchange that may go on no more.
pub(in crate::proxy) const PERMIT_WITHDRAWN: &str = "permit_withdrawn";
