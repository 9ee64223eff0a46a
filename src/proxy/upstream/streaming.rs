//! A stream to the other side, for as long as its request or its response lasts.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Context;
use std::task::Poll;

use h2::client::ResponseFuture;

use crate::net::Tasks;
use crate::proxy::pump::PumpError;
use crate::proxy::upstream::apart::Apart;

/// A stream whose response, or whose request, has not ended. Dropping it ends both.
pub(in crate::proxy) struct Streaming {
    _slot: Slot,
    /// What is left of the request's body, while the response is read.
    apart: Option<Apart>,
    upload: Option<Uploading>,
}

pub(super) type Uploading = Pin<Box<dyn Future<Output = Result<(), PumpError>>>>;

impl Streaming {
    /// `upload` sends the request's body, if it has one.
    pub(super) const fn new(slot: Slot, upload: Option<Uploading>) -> Self {
        Self {
            _slot: slot,
            apart: None,
            upload,
        }
    }

    /// Moves the request body on while the response is awaited.
    fn poll_upload(&mut self, cx: &mut Context<'_>) {
        let Some(upload) = &mut self.upload else {
            return;
        };
        if let Poll::Ready(outcome) = upload.as_mut().poll(cx) {
            self.upload = None;
            note(&outcome);
        }
    }

    /// Lets what is left of the request body go on by itself.
    pub(super) fn let_go(&mut self, tasks: &Tasks) {
        let Some(upload) = self.upload.take() else {
            return;
        };
        self.apart = Some(Apart::go(async move { note(&upload.await) }, tasks));
    }
}

fn note(outcome: &Result<(), PumpError>) {
    if let Err(error) = outcome {
        tracing::debug!(
            error = error as &dyn std::error::Error,
            "a request body broke off"
        );
    }
}

impl std::fmt::Debug for Streaming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Streaming")
            .field("uploading", &self.upload.is_some())
            .finish_non_exhaustive()
    }
}

/// A stream's place in its tunnel, free again when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    /// Of all tunnels to the same endpoint.
    all: Rc<Cell<usize>>,
    tunnel: Rc<Cell<usize>>,
}

impl Slot {
    pub(super) fn take(tunnel: &Rc<Cell<usize>>, all: &Rc<Cell<usize>>) -> Self {
        for count in [tunnel, all] {
            count.set(count.get() + 1);
        }
        Self {
            all: Rc::clone(all),
            tunnel: Rc::clone(tunnel),
        }
    }

    /// Whether it is in the tunnel with this count of streams.
    pub(super) fn is_in(&self, tunnel: &Rc<Cell<usize>>) -> bool {
        Rc::ptr_eq(&self.tunnel, tunnel)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        for count in [&self.tunnel, &self.all] {
            count.set(count.get().saturating_sub(1));
        }
    }
}

pub(super) fn poll_both(
    response: &mut ResponseFuture,
    streaming: &mut Streaming,
    cx: &mut Context<'_>,
) -> Poll<Result<http::Response<h2::RecvStream>, h2::Error>> {
    // A failed upload has reset the stream, which the response tells as well;
    // a reset by the destination may still be followed by its answer.
    streaming.poll_upload(cx);
    Pin::new(response).poll(cx)
}
