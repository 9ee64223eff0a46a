//! Keeps a certificate for each host, on the control thread.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::stream::StreamExt as _;
use tokio::sync::Mutex;
use tokio::time::sleep;
use tokio::time::timeout;

use crate::acme::account::Agent;
use crate::acme::answer::Answer;
use crate::acme::answer::AnswerError;
use crate::acme::certificate::Issued;
use crate::acme::ledger::Ledger;
use crate::acme::ledger::Row;
use crate::acme::metrics::Metrics;
use crate::acme::settings::Settings;
use crate::acme::standing::Stand;
use crate::acme::standing::Standing;
use crate::net::Dice;
use crate::session::KeepError;
use crate::session::Sessions;
use crate::time::Clock;
use crate::tls::HostCertificates;

/// Orders and renews, and takes in what other sidecars do.
#[derive(Debug)]
pub struct Keeper {
    pub(super) agent: Agent,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) dice: Dice,
    pub(super) ledger: Arc<Ledger>,
    pub(super) metrics: Metrics,
    pub(super) retry: Duration,
    shown: Arc<HostCertificates>,
    /// How far the store has been read.
    seen: Mutex<i64>,
    pub(super) standing: Arc<Standing>,
}

impl Keeper {
    /// One that fills `shown`, at first with what the store of `sessions` has.
    ///
    /// # Errors
    ///
    /// [`KeepError`] if the store does not answer.
    pub async fn open(
        settings: Settings,
        sessions: Arc<Sessions>,
        shown: Arc<HostCertificates>,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Result<Self, KeepError> {
        let directory = settings.directory.to_string();
        let ledger = Ledger::open(sessions, directory, &settings.hosts).await?;
        let ledger = Arc::new(ledger);
        let standing = Standing::of(&settings.hosts);
        let keeper = Self {
            retry: settings.retry,
            agent: Agent::new(settings, Arc::clone(&ledger), Arc::clone(&clock)),
            clock,
            dice: Dice::new(),
            ledger,
            metrics,
            shown,
            seen: Mutex::new(0),
            standing: Arc::new(standing),
        };
        keeper.catch_up().await?;
        Ok(keeper)
    }

    /// How it stands with each host, for whoever asks.
    #[must_use]
    pub const fn standing(&self) -> &Arc<Standing> {
        &self.standing
    }

    /// Works for ever.
    pub async fn run(self) {
        tokio::join!(self.follow(), self.look_for_answers(), self.look_after());
    }

    /// Takes in what other sidecars do.
    async fn follow(&self) {
        let mut versions = self.ledger.versions();
        loop {
            versions.borrow_and_update();
            if !self.catch_up_or_complain().await {
                // Its version is told once only.
                sleep(LOOK_EVERY).await;
                continue;
            }
            if versions.changed().await.is_err() {
                return;
            }
        }
    }

    /// A CA may come to another sidecar than that which orders, before this one was
    /// told: whoever comes for an answer waits until the store was looked at. However
    /// many come, it is some twenty times a second at most.
    async fn look_for_answers(&self) {
        let mut wanted = self.shown.wanted();
        // Who came before us has waited since.
        wanted.mark_changed();
        while wanted.changed().await.is_ok() {
            let asked = *wanted.borrow_and_update();
            self.catch_up_or_complain().await;
            self.shown.has_looked(asked);
            sleep(BETWEEN_READINGS).await;
        }
    }

    /// Looks after hosts when it is time to, some at once.
    async fn look_after(&self) {
        let mut under_way = FuturesUnordered::new();
        loop {
            let room = MOST_AT_ONCE - under_way.len();
            let due = self.standing.due(self.now(), room);
            // Boxed: what an order needs is given back when it is over.
            let due = due.into_iter();
            under_way.extend(due.map(|(host, stand)| Box::pin(self.attend(host, stand))));
            let mut pause = pin!(sleep(LOOK_EVERY));
            loop {
                tokio::select! {
                    Some(()) = under_way.next() => {}
                    () = &mut pause => break,
                }
            }
        }
    }

    /// An answer of ours is shown here from now on.
    pub(super) fn show_answer(&self, host: &str, answer: &Answer) -> Result<(), AnswerError> {
        let answer = Answer::shown(answer.as_str().as_bytes())?;
        self.shown.answer(host, Some(answer));
        Ok(())
    }

    /// Shows `issued` for `host`.
    pub(super) fn show(&self, host: &str, issued: &Issued) {
        self.shown.show(host, Arc::clone(issued.shown()));
        self.metrics.shown(host, issued.ends);
    }

    /// Whether all is known that the store knows.
    pub(super) async fn catch_up_or_complain(&self) -> bool {
        // A store that hangs must not keep whoever waits for an answer of it.
        let Ok(read) = timeout(READING, self.catch_up()).await else {
            tracing::warn!("the store does not tell of certificates in time");
            return false;
        };
        if let Err(error) = &read {
            let error: &dyn std::error::Error = error;
            tracing::warn!(error, "changes of certificates cannot be read");
        }
        read.is_ok()
    }

    async fn catch_up(&self) -> Result<(), KeepError> {
        let mut seen = self.seen.lock().await;
        for row in self.ledger.since(*seen).await? {
            *seen = row.version.max(*seen);
            if self.standing.get(&row.host).is_some() {
                self.take_in(row);
            }
        }
        drop(seen);
        Ok(())
    }

    fn take_in(&self, row: Row) {
        let host = row.host.as_str();
        let issued = self.issued(&row);
        if let Some(issued) = &issued {
            self.show(host, issued);
        }
        self.shown.answer(host, self.answer(&row));
        // What is damaged is ordered anew.
        let is_lost = issued.is_none() && !row.sealed.is_empty();
        let stand = Stand {
            begins: issued.as_ref().map_or(0, |issued| issued.begins),
            due: if is_lost && row.failures == 0 {
                0
            } else {
                row.due
            },
            ends: issued.as_ref().map(|issued| issued.ends),
            failures: row.failures,
            leaf: issued.and_then(|issued| issued.leaf().cloned()),
            not_before: None,
            renew: row.renew,
            version: row.version,
            why: row.why,
        };
        self.standing.put(&row.host, stand);
    }

    /// The certificate that `row` holds, if there is one that can be read.
    fn issued(&self, row: &Row) -> Option<Issued> {
        if row.sealed.is_empty() {
            return None;
        }
        let host = row.host.as_str();
        let record = self.ledger.record(host, &row.sealed);
        let record = record.inspect_err(|error| {
            let error: &dyn std::error::Error = error;
            tracing::error!(error, host, "a certificate in the store cannot be read");
        });
        let record = record.ok()?;
        let issued = Issued::read(str::from_utf8(&record).unwrap_or_default(), host);
        let issued = issued.inspect_err(|error| {
            let error: &dyn std::error::Error = error;
            tracing::error!(error, host, "a certificate in the store cannot be used");
        });
        issued.ok()
    }

    /// The answer that `row` holds, if there is one that can be read.
    fn answer(&self, row: &Row) -> Option<Arc<rustls::sign::CertifiedKey>> {
        if row.answer.is_empty() {
            return None;
        }
        let host = row.host.as_str();
        let opened = self.ledger.opened(host, &row.answer);
        let opened = opened.inspect_err(|error| {
            let error: &dyn std::error::Error = error;
            tracing::error!(error, host, "an answer in the store cannot be read");
        });
        Answer::shown(&opened.ok()?)
            .inspect_err(|error| {
                let error: &dyn std::error::Error = error;
                tracing::error!(error, host, "an answer in the store cannot be used");
            })
            .ok()
    }
}

/// CAs allow more; a host that is slow keeps few waiting.
const MOST_AT_ONCE: usize = 8;
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How soon the store is looked at again for an answer that nobody has.
const BETWEEN_READINGS: Duration = Duration::from_millis(50);
/// How long a reading of the store may take.
const READING: Duration = Duration::from_secs(4);
