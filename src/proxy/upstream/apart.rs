//! A request's body that goes on by itself while its response is read.
//!
//! A caller may have much to send before it reads what it is answered, and
//! must not be kept from it by a response that waits for it to read.

use std::future::Future;

use futures_util::future::AbortHandle;
use futures_util::future::Aborted;
use futures_util::future::abortable;

use crate::net::Tasks;

/// Ends the upload when dropped.
#[derive(Debug)]
pub(super) struct Apart(Option<AbortHandle>);

impl Apart {
    /// Lets `upload` go on in a task of its own.
    pub(super) fn go(upload: impl Future<Output = ()> + 'static, tasks: &Tasks) -> Self {
        let (upload, handle) = abortable(upload);
        tasks.spawn(async move {
            // Whether it ended or was ended, nobody waits for it.
            let (Ok(()) | Err(Aborted)) = upload.await;
        });
        Self(Some(handle))
    }

    /// Lets it go on for as long as it takes.
    pub(super) fn leave(mut self) {
        self.0 = None;
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        if let Some(handle) = &self.0 {
            handle.abort();
        }
    }
}
