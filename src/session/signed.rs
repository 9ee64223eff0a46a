//! What a provider gave when somebody signed in.

use std::fmt;
use std::time::SystemTime;

use zeroize::Zeroizing;

use crate::policy::Person;

/// What a provider gave when somebody signed in, or when it was asked again.
#[derive(Clone)]
pub struct Signed {
    /// When the tokens must be refreshed. None if they cannot be, or need not.
    pub good_until: Option<SystemTime>,
    /// The host that the person signed in on.
    pub host: String,
    /// The ID token, which the provider wants to see again at sign-out.
    pub id_token: Option<Zeroizing<String>>,
    /// Who it is.
    pub person: Person,
    /// What the tokens are refreshed with.
    pub refresh_token: Option<Zeroizing<String>>,
    /// What the provider calls its own session with the person.
    pub sid: Option<String>,
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signed")
            .field("good_until", &self.good_until)
            .field("host", &self.host)
            .field("person", &self.person.id())
            .field("sid", &self.sid)
            .finish_non_exhaustive()
    }
}

/// The tokens of a session.
#[derive(Default)]
pub struct Tokens {
    /// The ID token, if it was kept.
    pub id_token: Option<Zeroizing<String>>,
    /// What is refreshed with, if there is one.
    pub refresh_token: Option<Zeroizing<String>>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(…)")
    }
}
