//! An OpenID provider to develop with: a click signs in, and nobody is asked for
//! a password.
//!
//! It is part of the demo, of `portreeve develop` and of tests only, listens on
//! loopback unless it is told that it is in a container, and says on each of its
//! pages what it is; nothing that `portreeve run` starts has it. All else is as a provider should be, so that what is tried against
//! it is what runs against a real one: authorization code with PKCE, codes and
//! refresh tokens that work once, codes for programs, sessions that end everywhere
//! (OpenID Connect Core 1.0, RP-Initiated and Back-Channel Logout 1.0, RFC 8628,
//! RFC 9207).

mod authorize;
mod client;
mod device;
mod end_session;
mod grant;
mod html;
mod pages;
mod people;
mod place;
mod server;
mod shelf;
mod state;
mod token;
mod wish;

#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::demo::WebCa;
use crate::demo::web::Web;
use crate::demo::web_ca::Site;
use crate::net::bind;
use crate::time::Clock;

pub use client::Client;

pub(super) use shelf::random;

use place::Place;

/// The provider, on a thread of its own, for as long as the process lives.
#[derive(Debug)]
pub struct Provider {
    address: SocketAddr,
    place: Arc<Place>,
}

impl Provider {
    /// Serves on a port of loopback that the system chooses, with a certificate
    /// of `ca`. What it says of people holds for `token_lifetime`.
    ///
    /// # Errors
    ///
    /// What the system says if there is no port, no thread or no key.
    pub fn start(ca: &WebCa, token_lifetime: Duration, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let site = ca.issue(&*clock).map_err(io::Error::other)?;
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        Self::listen(anywhere, &site, ca.root(), token_lifetime, clock)
    }

    /// Serves at `address` with the certificate of `site`, and believes the
    /// places that `root` vouches for.
    pub(super) fn listen(
        address: SocketAddr,
        site: &Site,
        root: &str,
        token_lifetime: Duration,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        let sockets = bind(address, 1).map_err(|error| error.cause)?;
        let bound = sockets
            .into_iter()
            .next()
            .ok_or(io::ErrorKind::AddrNotAvailable)?;
        let address = bound.address();
        let web = Web::new(root)?;
        let place = Arc::new(Place::new(address.port(), token_lifetime, (clock, web))?);
        server::start(bound, site, Arc::clone(&place))?;
        Ok(Self { address, place })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its name for itself, an `https` URL.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.place.issuer()
    }

    /// Lets `client` ask from now on, and nobody that was registered before.
    pub fn register(&self, client: Client) {
        self.place.state().client = Some(client);
    }
}
