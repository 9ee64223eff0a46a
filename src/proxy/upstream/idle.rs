//! Connections that wait for their next request.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use crate::proxy::upstream::line::Line;

/// One worker's unused connections to one destination.
#[derive(Debug)]
pub(super) struct Idle {
    /// The longest unused in front.
    list: RefCell<VecDeque<(Rc<Line>, Instant)>>,
    longest: Duration,
    most: usize,
}

impl Idle {
    /// At most `most` connections, each for at most `longest`.
    pub(super) fn new(longest: Duration, most: usize) -> Self {
        Self {
            list: RefCell::default(),
            longest,
            most,
        }
    }

    /// The connection that was used last, if it is whole.
    pub(super) fn take(&self) -> Option<Rc<Line>> {
        let mut list = self.list.borrow_mut();
        let now = Instant::now();
        while let Some((line, since)) = list.pop_back() {
            if now.duration_since(since) > self.longest {
                // So have all before it.
                list.clear();
                return None;
            }
            if line.is_quiet() {
                return Some(line);
            }
        }
        None
    }

    pub(super) fn put(&self, line: Rc<Line>) {
        let mut list = self.list.borrow_mut();
        if list.len() >= self.most {
            list.pop_front();
        }
        list.push_back((line, Instant::now()));
    }
}
