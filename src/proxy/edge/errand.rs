//! What a worker has done for it on the control thread.
//!
//! Signing in takes a provider, the store and ciphers. A worker does none of
//! that: it sends an errand to the office and waits for a page. There is room
//! for so many in each [line](Lines); whoever comes when all of it is taken is told
//! to come again, and so is an address that comes too often.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::uri::Authority;
use http::uri::PathAndQuery;
use tokio::sync::mpsc;
use tokio::sync::oneshot;

use crate::net::place;
use crate::oidc::Vouched;
use crate::policy::ProviderName;
use crate::proxy::edge::browser::Reader;
use crate::proxy::edge::lines::Lines;
use crate::proxy::edge::lines::Ticket;
use crate::proxy::edge::office::parts;
use crate::proxy::edge::page::Page;
use crate::proxy::gates::Paces;
use crate::proxy::gates::Rate;
use crate::session::Digest;
use crate::session::Program;
use crate::session::Session;

/// One thing to be done, in its line.
#[derive(Debug)]
pub struct Errand {
    pub(super) ticket: Ticket,
    pub(super) wish: Wish,
}

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
    /// The program that asks, unless something says that a browser does.
    pub(super) program: Option<Program>,
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
pub struct Counter {
    errands: mpsc::Sender<Errand>,
    lines: Arc<Lines>,
    paces: Arc<SourcePaces>,
}

/// How often each address may come.
#[derive(Debug)]
struct SourcePaces {
    /// For logout tokens: they come from one address, for everybody, and what is
    /// refused may not come again.
    logouts: Paces<IpAddr>,
    others: Paces<IpAddr>,
}

/// Where the office takes them.
pub type Errands = mpsc::Receiver<Errand>;

/// A counter for what is wanted of these `providers` or of ourselves, and its other
/// side. Each address, or each IPv6 /64, may come at this `rate`, whatever it wants.
#[must_use]
pub fn counter(
    providers: impl IntoIterator<Item = ProviderName>,
    rate: Rate,
) -> (Counter, Errands) {
    let lines = Lines::new(providers);
    // Whoever has a place in a line has one here.
    let (errands, receiver) = mpsc::channel(lines.room());
    let counter = Counter {
        errands,
        lines: Arc::new(lines),
        paces: Arc::new(SourcePaces {
            logouts: Paces::new(rate.times(LOGOUTS_TIMES)),
            others: Paces::new(rate),
        }),
    };
    (counter, receiver)
}

impl Counter {
    /// Looks for a session. None also if the office cannot say.
    pub(super) async fn find(
        &self,
        source: IpAddr,
        digest: Digest,
    ) -> Result<Option<Arc<Session>>, NotHeard> {
        self.ask(source, |answer| Wish::Find(digest, answer)).await
    }

    pub(super) async fn place(&self, asked: Asked) -> Result<Page, NotHeard> {
        let source = asked.from.source.ip();
        self.ask(source, |answer| Wish::Place(Box::new(asked), answer))
            .await
    }

    /// Whom a token is good for, if `provider` vouches for somebody by it.
    pub(super) async fn vouch(
        &self,
        source: IpAddr,
        provider: ProviderName,
        token: String,
    ) -> Result<Option<Vouched>, NotHeard> {
        self.ask(source, |answer| Wish::Vouch(provider, token, answer))
            .await
    }

    pub(super) async fn sign_in(&self, wanted: SignIn) -> Result<Page, NotHeard> {
        let source = wanted.from.source.ip();
        self.ask(source, |answer| Wish::SignIn(Box::new(wanted), answer))
            .await
    }

    async fn ask<T>(
        &self,
        source: IpAddr,
        wish: impl FnOnce(oneshot::Sender<T>) -> Wish,
    ) -> Result<T, NotHeard> {
        let (sender, answer) = oneshot::channel();
        self.hand_in(source, wish(sender))?;
        answer.await.or(Err(NotHeard::Busy))
    }

    fn hand_in(&self, source: IpAddr, wish: Wish) -> Result<(), NotHeard> {
        self.paces.take(source, &wish)?;
        let ticket = self.lines.join(&wish).ok_or(NotHeard::Busy)?;
        let handed_in = self.errands.try_send(Errand { ticket, wish });
        handed_in.or(Err(NotHeard::Busy))
    }
}

impl SourcePaces {
    fn take(&self, source: IpAddr, wish: &Wish) -> Result<(), NotHeard> {
        let is_logout = match wish {
            Wish::Place(asked, _) => parts(asked.target.path()).0 == "backchannel-logout",
            Wish::Find(..) | Wish::SignIn(..) | Wish::Vouch(..) => false,
        };
        let paces = if is_logout {
            &self.logouts
        } else {
            &self.others
        };
        let taken = paces.of(&place(source)).take();
        taken.map_err(|wait| NotHeard::TooOften { wait })
    }
}

/// Why the office was not asked, or does not answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NotHeard {
    /// It has too much to do, or has closed.
    Busy,
    /// The address has come too often, and may come again after `wait`.
    TooOften { wait: Duration },
}

/// A provider that signs out all of a company's people does so from one address.
const LOGOUTS_TIMES: NonZeroU32 = NonZeroU32::MIN.saturating_add(19);

#[cfg(test)]
#[path = "errand_tests.rs"]
pub(super) mod tests;
