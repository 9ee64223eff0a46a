//! What is waited for beside what happens all the time.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::task::Wake;
use std::task::Waker;

/// A future that is asked only when it has called.
///
/// A connection's task wakes for each request, and would ask each time whether
/// its end has come, which it is told anyway.
#[derive(Debug)]
pub struct Aside<'a, F> {
    bell: Arc<Bell>,
    future: Pin<&'a mut F>,
    /// Rings the bell.
    rope: Waker,
    /// Whom the bell wakes.
    task: Option<Waker>,
}

/// Remembers that it was rung.
#[derive(Debug)]
struct Bell {
    is_rung: AtomicBool,
    task: Mutex<Option<Waker>>,
}

impl<'a, F> Aside<'a, F> {
    /// Puts `future` aside.
    #[must_use]
    pub fn new(future: Pin<&'a mut F>) -> Self {
        let bell = Arc::new(Bell {
            is_rung: AtomicBool::new(true),
            task: Mutex::default(),
        });
        Self {
            rope: Waker::from(Arc::clone(&bell)),
            bell,
            future,
            task: None,
        }
    }

    /// Whether it must be asked. From here on the bell wakes `task`.
    fn has_called(&mut self, task: &Waker) -> bool {
        if !self
            .task
            .as_ref()
            .is_some_and(|known| known.will_wake(task))
        {
            self.task = Some(task.clone());
            // Set before the bell is looked at: whoever rings it afterwards wakes `task`.
            self.bell.wakes(task.clone());
        }
        self.bell.is_rung.swap(false, Ordering::AcqRel)
    }
}

impl<F: Future> Future for Aside<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        if !this.has_called(cx.waker()) {
            return Poll::Pending;
        }
        let mut cx = Context::from_waker(&this.rope);
        this.future.as_mut().poll(&mut cx)
    }
}

impl Bell {
    fn wakes(&self, task: Waker) {
        let mut known = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some(task);
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_rung.store(true, Ordering::Release);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = &*task {
            task.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::poll_fn;
    use std::pin::pin;
    use std::time::Duration;

    use tokio::sync::oneshot;
    use tokio::task::yield_now;

    use super::*;

    #[tokio::test]
    async fn it_is_asked_when_it_has_called_and_only_then() {
        let asked = Cell::new(0);
        let (tell, mut told) = oneshot::channel();
        let future = pin!(poll_fn(|cx| {
            asked.set(asked.get() + 1);
            Pin::new(&mut told).poll(cx)
        }));
        let mut aside = Aside::new(future);
        for _ in 0..5 {
            assert!(poll_fn(|cx| Poll::Ready(Pin::new(&mut aside).poll(cx).is_pending())).await);
            yield_now().await;
        }
        assert_eq!(asked.get(), 1);
        tell.send(7).unwrap();
        assert_eq!(aside.await, Ok(7));
        assert_eq!(asked.get(), 2);
    }

    #[tokio::test]
    async fn it_wakes_the_task_that_asked_last() {
        let (tell, told) = oneshot::channel();
        let mut told = Box::pin(told);
        let mut aside = Aside::new(told.as_mut());
        // Once with a task that nobody wakes.
        let mut nobody = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut aside).poll(&mut nobody).is_pending());
        let telling = async {
            yield_now().await;
            tell.send(7).unwrap();
        };
        let (seen, ()) = tokio::join!(aside, telling);
        assert_eq!(seen, Ok(7));
    }

    #[tokio::test(start_paused = true)]
    async fn a_timer_that_is_set_again_rings_again() {
        let naps = pin!(async {
            for _ in 0..3 {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let begun = tokio::time::Instant::now();
        Aside::new(naps).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(3));
    }

    #[test]
    fn it_may_be_called_from_another_thread() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        for _ in 0..200 {
            let (tell, told) = oneshot::channel();
            let other = std::thread::spawn(move || tell.send(7).unwrap());
            let told = pin!(told);
            assert_eq!(runtime.block_on(Aside::new(told)), Ok(7));
            other.join().unwrap();
        }
    }
}
