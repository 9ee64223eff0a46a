//! HTTP/1: one request at a time, upgrades included.

use std::pin::pin;
use std::rc::Rc;

use tokio::time::Instant;
use tokio::time::sleep;

use crate::net::Aside;
use crate::proxy::lifetime::GRACE;
use crate::proxy::serve::Answer;
use crate::proxy::serve::Connection;
use crate::proxy::serve::ServeError;
use crate::proxy::serve::caller::CallerLine;
use crate::proxy::serve::conversation::Conversation;
use crate::proxy::serve::conversation::Farewell;

pub(super) async fn serve<A: Answer + 'static>(
    connection: Connection,
    answer: Rc<A>,
) -> Result<(), ServeError> {
    let Connection {
        fate,
        lifetime,
        limits,
        wire,
        ..
    } = connection;
    let farewell = Rc::new(Farewell::default());
    let conversation = Conversation {
        answer,
        farewell: Rc::clone(&farewell),
        lifetime: lifetime.clone(),
        limits,
        line: Rc::new(CallerLine::new(wire)),
    };
    let mut held = pin!(conversation.hold());
    let closing = pin!(lifetime.clone().closing());
    let mut closing = Aside::new(closing);
    let over = pin!(lifetime.over(&fate));
    let mut over = Aside::new(over);
    let mut grace = pin!(sleep(GRACE));
    loop {
        tokio::select! {
            biased;
            outcome = &mut held => return outcome,
            () = &mut closing, if !farewell.last.get() => {
                // A kept-alive caller may have its next request on the way:
                // closing now would lose it. It is told with the answer.
                farewell.last.set(true);
                grace.as_mut().reset(Instant::now() + GRACE);
            }
            () = &mut grace, if farewell.last.get() && !farewell.now.get() => {
                farewell.now.set(true);
            }
            reason = &mut over => {
                fate.seal(reason);
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::passage::Passage;

    #[test]
    fn a_connection_takes_little_memory() {
        fn size_of_output<A, B, F>(_: impl FnOnce(A, B) -> F) -> usize {
            size_of::<F>()
        }
        let bytes = size_of_output(serve::<Passage>);
        assert!(bytes <= MOST_BYTES, "{bytes} bytes");
    }

    /// Each connection has one, with its only request.
    const MOST_BYTES: usize = 8 * 1024 + 256;
}
