//! Asking a server over HTTPS, for the control side.
//!
//! One request on one connection, within a deadline and a size. Whoever is
//! believed is said by a [`Trust`], which is looked at before a byte of the
//! request is sent. A redirect is an answer that was not asked for: nobody is
//! followed to a place that the configuration does not name (SPIFFE Federation
//! 5.2 would let us, 7.5.1 says what it may cost).

mod client;
mod credentials;
mod error;
mod form;
mod trust;
mod url;

pub use client::{Answer, Client, Limits, Post, Request};
pub use credentials::{Credentials, CredentialsError};
pub use error::HttpsError;
pub use form::Form;
pub use trust::{Trust, TrustError, WebRoots};
pub use url::{Url, UrlError};
