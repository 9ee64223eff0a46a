//! What is done for one host when it is time to: an order, or a question.

use std::time::Duration;

use tokio::time::timeout;

use crate::acme::answer::Answer;
use crate::acme::certificate::Issued;
use crate::acme::courier::Courier;
use crate::acme::error::OrderError;
use crate::acme::keeper::Keeper;
use crate::acme::ledger::Claim;
use crate::acme::ledger::Claimed;
use crate::acme::ledger::Outcome;
use crate::acme::ledger::Wish;
use crate::acme::schedule;
use crate::acme::standing::Stand;
use crate::session::KeepError;
use crate::time::seconds;

impl Keeper {
    pub(super) fn now(&self) -> u64 {
        seconds(self.clock.now())
    }

    /// Looks after `host`, if nobody else does.
    pub(super) async fn attend(&self, host: String, stand: Stand) {
        let is_order = stand.ends.is_none() || stand.renew <= self.now();
        let wish = if is_order {
            Wish::Order
        } else {
            Wish::Question
        };
        let row = (host.as_str(), stand.version);
        let pause = match self.ledger.claim(row, self.now(), wish).await {
            Ok(Claimed::Ours(claim)) => {
                let done = if is_order {
                    self.renew(claim, &stand).await
                } else {
                    self.ask(claim, &stand).await
                };
                if let Err(error) = done {
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(error, host, "what became of a certificate cannot be kept");
                }
                PAUSE
            }
            Ok(Claimed::Taken) => PAUSE,
            Ok(Claimed::TooMany) => {
                tracing::warn!(
                    host,
                    "no certificate is ordered: there were too many orders in this hour"
                );
                FULL_PAUSE
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, host, "the store does not let us order a certificate");
                PAUSE
            }
        };
        self.catch_up_or_complain().await;
        self.standing.leave(&host, pause);
    }

    /// A new certificate for the claimed host.
    async fn renew(&self, claim: Claim, stand: &Stand) -> Result<(), KeepError> {
        let mut said = None;
        let given = match self.agent.courier() {
            Ok(courier) => {
                let patience = courier.patience();
                let order = Box::pin(self.ordered(courier, &claim, stand));
                let order = self.ledger.hold(&claim, &*self.clock, order);
                let given = timeout(ORDER, order).await;
                said = patience.said();
                given.unwrap_or(Err(OrderError::TimedOut { after: ORDER }))
            }
            Err(error) => Err(error),
        };
        match given {
            Ok(issued) => self.keep(claim, issued).await,
            Err(error) => self.put_off(claim, stand, &error, said).await,
        }
    }

    async fn ordered(
        &self,
        courier: Courier,
        claim: &Claim,
        stand: &Stand,
    ) -> Result<Issued, OrderError> {
        let host = claim.host();
        let publish = async |answer: Answer| {
            if !self.ledger.answer(claim, answer.as_str()).await? {
                return Err(OrderError::ClaimOver);
            }
            let shown = self.show_answer(host, &answer);
            shown.map_err(|cause| OrderError::NoAnswer { cause })
        };
        let desk = self.agent.desk(courier).await?;
        desk.order(host, stand.leaf.as_ref(), publish).await
    }

    async fn keep(&self, claim: Claim, issued: Issued) -> Result<(), KeepError> {
        let (host, now) = (claim.host().to_owned(), self.now());
        let life = (issued.begins, issued.ends);
        let renew = schedule::renew_at(life, self.dice.fraction());
        self.metrics.ordered(&host, "issued");
        // Also if it could not be kept: it is good.
        self.show(&host, &issued);
        tracing::info!(
            host,
            ends = issued.ends,
            renew,
            "a CA has given a certificate"
        );
        let outcome = Outcome {
            // The CA may have wishes about the renewal: it is asked before.
            due: schedule::not_before(life, now).min(renew),
            failures: 0,
            record: Some(issued.as_str()),
            renew,
            why: "",
        };
        self.ledger.settle(claim, outcome).await?;
        Ok(())
    }

    /// The certificate that is there stays.
    async fn put_off(
        &self,
        claim: Claim,
        stand: &Stand,
        error: &OrderError,
        said: Option<Duration>,
    ) -> Result<(), KeepError> {
        let host = claim.host().to_owned();
        if matches!(error, OrderError::AccountUnderWay) {
            self.ledger.uncount(&host).await?;
            let outcome = Outcome {
                due: self.now().saturating_add(ACCOUNT_PAUSE_S),
                failures: stand.failures,
                record: None,
                renew: stand.renew,
                why: &stand.why,
            };
            self.ledger.settle(claim, outcome).await?;
            return Ok(());
        }
        if error.is_of_no_account() {
            self.ledger.forget_account().await?;
        }
        let failures = stand.failures.saturating_add(1);
        // A CA that says too often, and not how long to wait, means a long time.
        let said = said.or_else(|| error.is_of_too_many().then_some(RATE_LIMITED));
        let pause = schedule::pause(failures, self.retry, said, self.dice.fraction());
        let pause_s = pause.as_secs().max(1);
        self.metrics.ordered(&host, error.reason());
        let why = one_line(error);
        let (kind, has_one) = (error.kind().unwrap_or_default(), stand.ends.is_some());
        tracing::warn!(
            host,
            kind,
            why,
            failures,
            pause_s,
            has_one,
            "no certificate could be had; what is there stays"
        );
        let outcome = Outcome {
            due: self.now().saturating_add(pause_s),
            failures,
            record: None,
            renew: stand.renew,
            why: &why,
        };
        self.ledger.settle(claim, outcome).await?;
        Ok(())
    }

    /// Asks the CA when it wants the certificate renewed (RFC 9773).
    async fn ask(&self, claim: Claim, stand: &Stand) -> Result<(), KeepError> {
        let host = claim.host().to_owned();
        let wishes = Box::pin(self.wishes(stand));
        let wishes = self.ledger.hold(&claim, &*self.clock, wishes);
        let wishes = timeout(ORDER, wishes).await;
        let wishes = wishes.unwrap_or(Err(OrderError::TimedOut { after: ORDER }));
        let (renew, again) = match wishes {
            Ok(Some((window, again))) => {
                let life = (stand.begins, stand.ends.unwrap_or_default());
                let renew = schedule::renew_within(window, life, self.dice.fraction());
                (renew, schedule::ask_after(again))
            }
            // It has none.
            Ok(None) => (stand.renew, Duration::MAX),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::info!(error, host, "the CA does not say when to renew");
                (stand.renew, ASK_AGAIN)
            }
        };
        let outcome = Outcome {
            due: self.now().saturating_add(again.as_secs()).min(renew),
            failures: stand.failures,
            record: None,
            renew,
            why: &stand.why,
        };
        self.ledger.settle(claim, outcome).await?;
        Ok(())
    }

    /// In which time, and how long that stands; nothing if the CA has no wishes.
    async fn wishes(&self, stand: &Stand) -> Result<Option<((u64, u64), Duration)>, OrderError> {
        let Some(leaf) = &stand.leaf else {
            return Ok(None);
        };
        let courier = self.agent.courier()?;
        self.agent.desk(courier).await?.wishes(leaf).await
    }
}

/// An error with all its causes, as the store keeps it and operators are told.
fn one_line(error: &OrderError) -> String {
    let error: &dyn std::error::Error = error;
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    let text = causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"));
    text.chars().take(MOST_OF_WHY).collect()
}

/// How long all of an order may take.
const ORDER: Duration = Duration::from_mins(3);
/// Before this sidecar looks again whether it is time.
const PAUSE: Duration = Duration::from_secs(2);
/// Another makes the account, which takes a moment.
const ACCOUNT_PAUSE_S: u64 = 5;
const FULL_PAUSE: Duration = Duration::from_mins(5);
/// What a CA means that says we ask too often, if it does not say.
const RATE_LIMITED: Duration = Duration::from_hours(1);
/// After a CA did not say when to renew, though it could.
const ASK_AGAIN: Duration = Duration::from_hours(6);
const MOST_OF_WHY: usize = 700;
