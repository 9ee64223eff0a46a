//! The office, on the control thread: signs people in and out.
//!
//! Workers hand in errands; what takes a provider or the store is done here, as
//! many of each line at a time as it has places. What a provider said of people grows old, and is
//! asked for again here, too.

mod backchannel;
mod begin;
mod callback;
mod device;
mod device_token;
mod flow;
mod form;
mod keys;
mod me;
mod places;
mod refresh;
mod return_to;
mod sign_out;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use futures_util::stream::FuturesUnordered;
use futures_util::stream::StreamExt as _;
use http::StatusCode;

use crate::audit::Door;
use crate::audit::Origin;
use crate::audit::Text;
use crate::oidc::Provider;
use crate::oidc::SignedIn;
use crate::oidc::Vouched;
use crate::policy::Person;
use crate::policy::ProviderName;
use crate::proxy::edge::assertion::Asserter;
use crate::proxy::edge::errand::Errand;
use crate::proxy::edge::errand::Errands;
use crate::proxy::edge::errand::From;
use crate::proxy::edge::errand::Wish;
use crate::proxy::edge::html;
use crate::proxy::edge::html::Shown;
use crate::proxy::edge::metrics::EdgeMetrics;
use crate::proxy::edge::page::Page;
use crate::session::KeepError;
use crate::session::Session;
use crate::session::Sessions;
use crate::session::Signed;
use crate::time::Clock;

pub(in crate::proxy::edge) use form::Form;
pub use keys::NoKeys;
pub(in crate::proxy::edge) use places::parts;

/// Does what workers cannot.
#[derive(Debug)]
pub struct Office {
    desk: OfficeDesk,
    errands: Errands,
}

/// What it works with.
#[derive(Debug)]
pub(super) struct OfficeDesk {
    asserter: Arc<Asserter>,
    clock: Arc<dyn Clock>,
    metrics: EdgeMetrics,
    providers: BTreeMap<ProviderName, Provider>,
    sessions: Arc<Sessions>,
}

impl Office {
    /// One that takes `errands`, which are for these `providers`.
    ///
    /// # Errors
    ///
    /// [`NoKeys`] if there is nothing to sign assertions with.
    pub async fn open(
        (errands, metrics): (Errands, EdgeMetrics),
        providers: Vec<Provider>,
        sessions: Arc<Sessions>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, NoKeys> {
        let keys = keys::in_force(&sessions, clock.now()).await?;
        let providers = providers.into_iter();
        let desk = OfficeDesk {
            asserter: Arc::new(Asserter::new(keys)),
            clock,
            metrics,
            providers: providers.map(|one| (one.name().clone(), one)).collect(),
            sessions,
        };
        Ok(Self { desk, errands })
    }

    /// What tells applications who asks.
    #[must_use]
    pub const fn asserter(&self) -> &Arc<Asserter> {
        &self.desk.asserter
    }

    /// Works until there are no more doors.
    pub async fn run(self) {
        let Self { desk, errands } = self;
        let keys = keys::follow(&desk.asserter, &desk.sessions, || desk.now());
        tokio::join!(work(&desk, errands), refresh::keep_fresh(&desk), keys);
    }
}

async fn work(desk: &OfficeDesk, mut errands: Errands) {
    let mut under_way = FuturesUnordered::new();
    loop {
        tokio::select! {
            errand = errands.recv() => match errand {
                Some(errand) => under_way.push(desk.run(errand)),
                None => break,
            },
            Some(()) = under_way.next() => {}
        }
    }
    while under_way.next().await.is_some() {}
}

impl OfficeDesk {
    /// Whoever waited for it may be gone.
    async fn run(&self, Errand { ticket, wish }: Errand) {
        let Some(_place) = ticket.called().await else {
            return;
        };
        match wish {
            Wish::Find(digest, answer) => {
                let found = self.sessions.find(&digest).await.unwrap_or_else(|error| {
                    self.complain(&error);
                    None
                });
                drop(answer.send(found));
            }
            Wish::Place(asked, answer) => drop(answer.send(self.place(*asked).await)),
            Wish::Vouch(provider, token, answer) => {
                drop(answer.send(self.vouched(&provider, &token).await));
            }
            Wish::SignIn(wanted, answer) => drop(answer.send(self.sign_in(*wanted).await)),
        }
    }

    /// Whom the provider called `name` vouches for by `token`.
    async fn vouched(&self, name: &ProviderName, token: &str) -> Option<Vouched> {
        let vouched = self.providers.get(name)?.bearer(token).await;
        vouched
            .inspect_err(|error| {
                let reason = error.reason();
                let error: &dyn std::error::Error = error;
                tracing::info!(error, provider = %name, reason, "a bearer token is not believed");
            })
            .ok()
    }

    /// All that `person` has and that are in force.
    fn sessions_of(&self, person: &Person) -> impl Iterator<Item = Arc<Session>> {
        let all = self.sessions.list().into_iter();
        all.filter(|session| {
            let of = session.person();
            (&of.provider, &of.subject) == (&person.provider, &person.subject)
        })
    }

    fn now(&self) -> SystemTime {
        self.clock.now()
    }

    #[expect(clippy::unused_self, reason = "it is the office that complains")]
    fn complain(&self, error: &KeepError) {
        let error: &dyn std::error::Error = error;
        tracing::error!(error, "sessions cannot be kept or found");
    }

    /// Who `session` is of, as records have it.
    fn origin(&self, session: &Session, from: &From) -> Origin {
        let caller = Text::Shared(session.caller().name());
        let handle = Text::from(session.digest().handle().to_string());
        Origin::of_session(Door::Edge, &caller, Some(&handle), from.source)
    }
}

/// What a provider gave, for a session on `host`.
fn signed(signed_in: SignedIn, host: &str) -> Signed {
    let SignedIn {
        good_until,
        id_token,
        person,
        refresh_token,
        sid,
    } = signed_in;
    Signed {
        good_until,
        host: host.to_owned(),
        id_token,
        person,
        refresh_token,
        sid,
    }
}

/// A page that says what went wrong. `words` are ours.
fn sorry(status: StatusCode, reason: &'static str, words: &str) -> Page {
    let title = match reason {
        "cross_origin" => "This came from another site",
        "no_session" => "No session was ended",
        "provider_unavailable" | "sessions_unavailable" => "Not just now",
        _ => "Signing in did not work",
    };
    let mut body = format!("<p>{}</p>\n", Shown(words));
    body.push_str(&html::facts([("Reason", reason.to_owned())]));
    body.push_str("<p><a class=\"button\" href=\"/\">Begin again</a></p>\n");
    Page::refused(status, reason).html(html::page(title, &body))
}

/// The store does not answer.
fn unkept() -> Page {
    sorry(
        StatusCode::SERVICE_UNAVAILABLE,
        "sessions_unavailable",
        "Nobody can be signed in or out just now. Please try again in a moment.",
    )
}
