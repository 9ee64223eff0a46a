//! Whether the application is ready for requests.
//!
//! It is asked now and then, on the control thread, and the workers look at the
//! last answer. While it is not ready each request gets its 503 at once, instead
//! of waiting in front of it. Nobody is let through before it was ready once.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use prometheus::IntGauge;

/// What is known of the application. Cloning is cheap: clones share it.
#[derive(Clone, Debug)]
pub struct AppHealth {
    known: Arc<Known>,
}

#[derive(Debug)]
struct Known {
    gauge: IntGauge,
    is_ready: AtomicBool,
    /// What is wrong, for a person.
    why_not: Mutex<String>,
}

impl AppHealth {
    /// Not ready until it is known better. `gauge` shows it.
    #[must_use]
    pub fn new(gauge: IntGauge) -> Self {
        gauge.set(0);
        Self {
            known: Arc::new(Known {
                gauge,
                is_ready: AtomicBool::new(false),
                why_not: Mutex::new("it has not answered yet".to_owned()),
            }),
        }
    }

    /// What is wrong with the application; nothing if it is ready.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        if self.is_ready() {
            return None;
        }
        let told = self
            .known
            .why_not
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Some(told.clone())
    }

    pub(super) fn is_ready(&self) -> bool {
        self.known.is_ready.load(Ordering::Relaxed)
    }

    /// It is ready. Returns whether that is news.
    pub(in crate::proxy) fn up(&self) -> bool {
        self.known.gauge.set(1);
        !self.known.is_ready.swap(true, Ordering::Relaxed)
    }

    /// It is not, for what `why` says. Returns whether that is news.
    pub(in crate::proxy) fn down(&self, why: String) -> bool {
        let mut told = self
            .known
            .why_not
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *told = why;
        drop(told);
        self.known.gauge.set(0);
        self.known.is_ready.swap(false, Ordering::Relaxed)
    }
}
