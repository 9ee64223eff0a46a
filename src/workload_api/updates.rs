//! What a registrar tells, as a stream of messages that ends as it must.

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use futures_util::stream::unfold;
use tonic::Status;

use crate::drain::Watch;
use crate::workload_api::registrar::Refusal;
use crate::workload_api::registrar::Updates;

/// The messages of a streaming call.
pub(super) type Messages<M> = BoxStream<'static, Result<M, Status>>;

/// Each state as a message, until a refusal, the registrar's end, or ours. What
/// ends it is told as the last.
pub(super) fn told<T, M>(
    updates: Updates<T>,
    drain: Watch,
    message: fn(&T) -> Result<M, Status>,
) -> Messages<M>
where
    T: Send + Sync + 'static,
    M: Send + 'static,
{
    unfold(Some((updates, drain)), move |state| async move {
        let (mut updates, mut drain) = state?;
        let next = tokio::select! {
            biased;
            () = drain.draining() => None,
            next = updates.next() => next,
        };
        let outcome = match next {
            Some(Ok(state)) => message(&state),
            Some(Err(refusal)) => Err(status(refusal)),
            None => Err(Status::unavailable("the server is stopping")),
        };
        let goes_on = outcome.is_ok().then_some((updates, drain));
        Some((outcome, goes_on))
    })
    .boxed()
}

/// The code that the standard gives to a refusal (Workload Endpoint, 6).
pub(super) fn status(refusal: Refusal) -> Status {
    match refusal {
        Refusal::NoIdentity => Status::permission_denied("no identity issued"),
        Refusal::NotReady(why) => Status::unavailable(why),
    }
}
