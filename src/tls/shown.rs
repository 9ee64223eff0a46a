//! Our certificate on one connection, and whether it was asked for.
//!
//! A far side that does not ask would decide about our requests without knowing
//! whose they are; that is a mistake there, and it is better seen here.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;

#[derive(Debug)]
pub(super) struct Shown {
    inner: Arc<dyn ResolvesClientCert>,
    asked: AtomicBool,
}

impl Shown {
    pub(super) const fn new(inner: Arc<dyn ResolvesClientCert>) -> Self {
        Self {
            inner,
            asked: AtomicBool::new(false),
        }
    }

    pub(super) fn was_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}

impl ResolvesClientCert for Shown {
    fn resolve(
        &self,
        root_hint_subjects: &[&[u8]],
        schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.inner.resolve(root_hint_subjects, schemes)
    }

    fn has_certs(&self) -> bool {
        self.inner.has_certs()
    }
}
