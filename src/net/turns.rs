//! Turns of an event loop.

use std::future::poll_fn;
use std::task::Poll;

/// Lets the tasks that are ready now have their turns first.
///
/// What comes after it is done by all of them together. Of many small writes
/// each after the other, the reader is woken by the first, and the processor
/// has the kernel's code at hand for the others.
pub async fn others_first() {
    let mut has_waited = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut has_waited, true) {
            Poll::Ready(())
        } else {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;

    #[tokio::test]
    async fn each_task_prepares_before_any_acts() {
        let seen = Rc::new(RefCell::new(Vec::new()));
        let tasks = tokio::task::LocalSet::new();
        for task in 0..3 {
            let seen = Rc::clone(&seen);
            tasks.spawn_local(async move {
                seen.borrow_mut().push(("prepares", task));
                others_first().await;
                seen.borrow_mut().push(("acts", task));
            });
        }
        tasks.await;
        let words: Vec<_> = seen.borrow().iter().map(|(word, _)| *word).collect();
        assert_eq!(
            words,
            ["prepares", "prepares", "prepares", "acts", "acts", "acts"]
        );
    }
}
