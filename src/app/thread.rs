//! Threads whose end is noticed.

use std::io;
use std::sync::Arc;
use std::thread;
use std::thread::JoinHandle;

use crate::drain;

/// A thread that rings `bell` when it ends, also when it panics.
pub(super) fn spawn<T: Send + 'static>(
    name: &str,
    bell: &Arc<drain::Trigger>,
    body: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    let ring = Ring(Arc::clone(bell));
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        let _ring = ring;
        body()
    })
}

struct Ring(Arc<drain::Trigger>);

impl Drop for Ring {
    fn drop(&mut self) {
        self.0.drain();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_of_a_thread_is_noticed_even_if_it_panics() {
        for panics in [false, true] {
            let (bell, mut ended) = drain::channel();
            let bell = Arc::new(bell);
            let go = Arc::new(std::sync::Barrier::new(2));
            let told = Arc::clone(&go);
            let thread = spawn("ending", &bell, move || {
                told.wait();
                assert!(!panics, "as it should in this test");
            });
            assert!(!ended.is_draining());
            go.wait();
            ended.draining().await;
            assert_eq!(thread.unwrap().join().is_err(), panics);
        }
    }
}
