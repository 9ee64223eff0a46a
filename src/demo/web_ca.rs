//! The CA of the demo's places for browsers: it vouches for this machine only.

use std::time::Duration;

use crate::ca::Host;
use crate::ca::HostCa;
use crate::ca::HostCertificate;
use crate::time::Clock;

/// A root and its key, made anew for each demo, for `localhost`.
#[derive(Debug)]
pub struct WebCa(HostCa);

/// A certificate for `localhost`, and its key, as PEM.
pub(super) type Site = HostCertificate;

impl WebCa {
    /// Makes one that holds from now on.
    ///
    /// # Errors
    ///
    /// What the library says if there is no key.
    pub fn new(clock: &dyn Clock) -> Result<Self, rcgen::Error> {
        let host = Host {
            title: "Portreeve demo: web CA for localhost",
            name: "localhost".to_owned(),
            is_here: true,
            lifetime: LIFETIME,
        };
        HostCa::new(host, clock.now()).map(Self)
    }

    /// What its certificates are checked with, PEM.
    #[must_use]
    pub fn root(&self) -> &str {
        self.0.root()
    }

    /// A certificate with a key of its own.
    pub(super) fn issue(&self, clock: &dyn Clock) -> Result<Site, rcgen::Error> {
        self.0.issue(clock.now())
    }
}

/// Longer than a demo is left running.
const LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);
