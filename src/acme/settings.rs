//! What certificates from a CA of the web take, already checked.

use std::path::PathBuf;
use std::time::Duration;

use crate::acme::contact::Contact;
use crate::https::Url;

/// Which CA, for which hosts.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whom it writes to.
    pub contact: Vec<Contact>,
    /// Where it says what it can do.
    pub directory: Url,
    /// The account that it has of us already, if it wants to be told.
    pub external_account: Option<ExternalAccount>,
    /// For which hosts: names in lower case, each once.
    pub hosts: Vec<String>,
    /// How long after a host's first failure it is tried again. Above zero.
    pub retry: Duration,
    /// Whom its own certificate is of: a PEM file; none: the system's roots.
    pub roots: Option<PathBuf>,
}

/// An account that a CA has of us already (RFC 8555, 7.3.4).
#[derive(Clone, Debug)]
pub struct ExternalAccount {
    /// The file with its MAC key.
    pub key_file: PathBuf,
    /// What the CA calls that key.
    pub key_id: String,
}
