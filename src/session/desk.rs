//! One worker's view of all sessions.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use crate::session::board::Board;
use crate::session::id::Digest;
use crate::session::id::Holder;
use crate::session::id::SessionId;
use crate::session::id::SessionIdError;
use crate::session::live::Over;
use crate::session::live::Session;

/// One worker's view of all sessions: remembers which cookie or token is which, so that a
/// request costs neither a SHA-256 nor a lock. Its memory is bounded.
#[derive(Debug)]
pub struct Desk {
    board: Arc<Board>,
    pub(super) known: HashMap<Key, Arc<Session>, foldhash::quality::RandomState>,
}

/// What is shown, apart from what all tokens begin with.
pub(super) type Key = (Holder, [u8; SessionId::COOKIE_BYTES]);

/// Whose a cookie or a token is.
#[derive(Debug)]
pub enum Found<'a> {
    /// A session's that is not in force.
    Over(&'a Arc<Session>, Over),
    /// Nobody's: we never gave it.
    Malformed,
    /// A session's that is in force.
    Session(&'a Arc<Session>),
    /// No session's that is known here. It may have begun at another sidecar, just
    /// now: [`Sessions::find`](crate::session::Sessions::find) knows.
    Unknown(Digest),
}

impl Desk {
    /// A view of `board`.
    #[must_use]
    pub fn new(board: Arc<Board>) -> Self {
        Self {
            board,
            known: HashMap::default(),
        }
    }

    /// Whose the `cookie` is, at `now`. It is not yet used: [`Session::touch`].
    pub fn look(&mut self, cookie: &[u8], now: SystemTime) -> Found<'_> {
        self.look_as(Holder::Browser, cookie, now)
    }

    /// Whose it is what `holder` has `shown`: a browser its cookie, a program its
    /// token. Otherwise as [`look`](Self::look).
    pub fn look_as(&mut self, holder: Holder, shown: &[u8], now: SystemTime) -> Found<'_> {
        type Parse = fn(&[u8]) -> Result<SessionId, SessionIdError>;
        let (bits, parse): (_, Parse) = match holder {
            Holder::Browser => (Some(shown), SessionId::parse),
            Holder::Program => {
                let bits = shown.strip_prefix(SessionId::TOKEN_PREFIX.as_bytes());
                (bits, SessionId::parse_token)
            }
        };
        let Some(Ok(bits)) = bits.map(TryInto::try_into) else {
            return Found::Malformed;
        };
        let key: Key = (holder, bits);
        let known = self.known.get(&key);
        let is_news = known.is_none_or(|session| session.check(now) == Err(Over::Renewed));
        if is_news {
            let Ok(id) = parse(shown) else {
                return Found::Malformed;
            };
            let digest = id.digest();
            let Some(session) = self.board.find(&digest) else {
                return Found::Unknown(digest);
            };
            self.remember(key, session);
        }
        let Some(session) = self.known.get(&key) else {
            return Found::Malformed;
        };
        match session.check(now) {
            Ok(()) => Found::Session(session),
            Err(over) => Found::Over(session, over),
        }
    }

    /// All sessions.
    #[must_use]
    pub const fn board(&self) -> &Arc<Board> {
        &self.board
    }

    pub(super) fn remember(&mut self, shown: Key, session: Arc<Session>) {
        if self.known.len() >= MOST_KNOWN {
            self.known.retain(|_, known| known.life().over().is_none());
        }
        if self.known.len() >= MOST_KNOWN {
            // All are looked up again, once each.
            self.known.clear();
        }
        self.known.insert(shown, session);
    }
}

/// Some hundred kilobytes.
pub(super) const MOST_KNOWN: usize = 4096;
