//! Where a worker's bytes lie between a read and the write that follows.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

/// One buffer for all connections of a worker. Clones share it.
///
/// It is used within one turn of one connection, so a connection has no buffer
/// of its own unless it has bytes that nobody takes.
#[derive(Clone)]
pub struct Scratch(Rc<RefCell<Box<[u8]>>>);

impl Scratch {
    /// A new one, for one worker.
    #[must_use]
    pub fn new() -> Self {
        Self(Rc::new(RefCell::new(vec![0; BYTES].into_boxed_slice())))
    }

    /// Lends it for as long as `work` takes.
    pub(super) fn lend<T>(&self, work: impl FnOnce(&mut [u8]) -> T) -> T {
        work(&mut self.0.borrow_mut())
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scratch(…)")
    }
}

/// Four full TLS records: as many as go out in one write.
const BYTES: usize = 64 * 1024;
