//! What a worker has done for it on the control thread.
//!
//! Signing in takes a provider, the store and ciphers. A worker does none of
//! that: it sends an errand to the office and waits for a page. There is room
//! for so many; whoever comes when all of it is taken is told to come again.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use http::uri::Authority;
use http::uri::PathAndQuery;
use tokio::sync::mpsc;
use tokio::sync::oneshot;

use crate::oidc::Vouched;
use crate::policy::ProviderName;
use crate::proxy::edge::browser::Reader;
use crate::proxy::edge::page::Page;
use crate::session::Digest;
use crate::session::Session;

/// One thing to be done.
#[derive(Debug)]
pub struct Errand(pub(super) Wish);

/// What is to be done.
#[derive(Debug)]
pub(super) enum Wish {
    /// A session is looked for that this process does not know yet.
    Find(Digest, oneshot::Sender<Option<Arc<Session>>>),
    /// One of our own places is asked for something.
    Place(Box<Asked>, oneshot::Sender<Page>),
    /// Somebody has to sign in first.
    SignIn(Box<SignIn>, oneshot::Sender<Page>),
    /// A bearer token is shown, of this provider.
    Vouch(ProviderName, String, oneshot::Sender<Option<Vouched>>),
}

/// A request for one of our own places.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) body: Bytes,
    pub(super) from: From,
    pub(super) is_form: bool,
    pub(super) method: Method,
    pub(super) reader: Reader,
    pub(super) session: Option<Arc<Session>>,
    pub(super) target: PathAndQuery,
}

/// Where a request is from, and for what host.
#[derive(Clone, Debug)]
pub(super) struct From {
    pub(super) authority: Authority,
    /// Whether it may have been sent by a page of another origin.
    pub(super) is_foreign: bool,
    /// Cookies of sign-ins that have begun, `name=value`.
    pub(super) logins: Vec<String>,
    pub(super) source: SocketAddr,
}

/// Why and where to somebody signs in.
#[derive(Debug)]
pub(super) struct SignIn {
    pub(super) from: From,
    /// Whether to prove again who they are.
    pub(super) is_step_up: bool,
    pub(super) provider: Option<ProviderName>,
    /// Where they wanted to go.
    pub(super) return_to: PathAndQuery,
}

/// Where workers hand errands in. Clones are of one office.
#[derive(Clone, Debug)]
pub struct Counter(mpsc::Sender<Errand>);

/// Where the office takes them.
pub type Errands = mpsc::Receiver<Errand>;

/// A counter, and its other side.
#[must_use]
pub fn counter() -> (Counter, Errands) {
    let (sender, receiver) = mpsc::channel(MOST_WAITING);
    (Counter(sender), receiver)
}

impl Counter {
    /// Looks for a session. None also if the office cannot say.
    pub(super) async fn find(&self, digest: Digest) -> Result<Option<Arc<Session>>, Busy> {
        self.ask(|answer| Wish::Find(digest, answer)).await
    }

    pub(super) async fn place(&self, asked: Asked) -> Result<Page, Busy> {
        self.ask(|answer| Wish::Place(Box::new(asked), answer))
            .await
    }

    /// Whom a token is good for, if `provider` vouches for somebody by it.
    pub(super) async fn vouch(
        &self,
        provider: ProviderName,
        token: String,
    ) -> Result<Option<Vouched>, Busy> {
        self.ask(|answer| Wish::Vouch(provider, token, answer))
            .await
    }

    pub(super) async fn sign_in(&self, wanted: SignIn) -> Result<Page, Busy> {
        self.ask(|answer| Wish::SignIn(Box::new(wanted), answer))
            .await
    }

    async fn ask<T>(&self, wish: impl FnOnce(oneshot::Sender<T>) -> Wish) -> Result<T, Busy> {
        let (sender, answer) = oneshot::channel();
        self.0.try_send(Errand(wish(sender))).or(Err(Busy))?;
        answer.await.or(Err(Busy))
    }
}

/// The office has too much to do, or has closed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Busy;

/// As many as a provider answers in a few seconds.
const MOST_WAITING: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_comes_when_all_room_is_taken_is_told_at_once() {
        let (counter, mut errands) = counter();
        let digest = crate::session::SessionId::generate().unwrap().digest();
        let mut waiting = Vec::new();
        for _ in 0..MOST_WAITING {
            let (sender, answer) = oneshot::channel();
            counter
                .0
                .try_send(Errand(Wish::Find(digest, sender)))
                .unwrap();
            waiting.push(answer);
        }
        assert_eq!(counter.find(digest).await.err(), Some(Busy));
        // With room again, it is served; and told so, too, when the office closes.
        drop(errands.recv().await);
        let asked = counter.find(digest);
        let closing = async {
            tokio::task::yield_now().await;
            drop(errands);
        };
        let (found, ()) = tokio::join!(asked, closing);
        assert_eq!(found.err(), Some(Busy));
    }
}
