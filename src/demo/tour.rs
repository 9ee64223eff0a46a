//! The tour: each promise tried once, and told as it came out.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;
use tokio::time::sleep;

use crate::demo::Demo;
use crate::demo::Places;
use crate::demo::client;
use crate::demo::client::Answer;
use crate::demo::files;
use crate::demo::stranger;
use crate::demo::visit::Visit;

/// How one stop of the tour came out.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Whether that is what was expected.
    pub as_expected: bool,
    /// What came out.
    pub found: String,
    /// What was tried.
    pub tried: &'static str,
    /// What was expected.
    pub wanted: &'static str,
}

/// Takes it. A stop that comes out otherwise does not end the tour.
pub(super) fn take(demo: &Demo, report: impl FnMut(&Outcome)) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(
        Tour {
            demo,
            places: demo.places(),
            report,
        }
        .take(),
    )
}

struct Tour<'a, R> {
    demo: &'a Demo,
    places: Places,
    report: R,
}

impl<R: FnMut(&Outcome)> Tour<'_, R> {
    async fn take(mut self) -> io::Result<()> {
        self.allowed().await;
        self.refused(
            "POST through the sidecars",
            "POST /orders/7 HTTP/1.1",
            403,
            "403, and orders sees nothing",
        )
        .await;
        self.without_identity().await;
        self.wrong_identity().await;
        self.refused(
            "a path with two readings",
            "GET /orders/../admin HTTP/1.1",
            400,
            "400, and orders sees nothing",
        )
        .await;
        self.policy_edited().await?;
        self.rotation().await;
        Visit::new(self.demo, &mut self.report)?.take().await;
        self.log()
    }

    async fn allowed(&mut self) {
        let answer = client::ask(self.places.shop, "GET /orders/7 HTTP/1.1").await;
        let named = r#""caller":"spiffe://demo.example/ns/demo/sa/shop""#;
        let as_expected = answer
            .as_ref()
            .is_ok_and(|answer| answer.status == 200 && answer.text.contains(named));
        self.tell(&Outcome {
            as_expected,
            found: said(&answer),
            tried: "GET through both sidecars",
            wanted: "200, and orders knows that the shop calls",
        });
    }

    /// A request that the shop's sidecar refuses.
    async fn refused(
        &mut self,
        tried: &'static str,
        line: &str,
        status: u16,
        wanted: &'static str,
    ) {
        let before = self.demo.orders.seen();
        let answer = client::ask(self.places.shop_door, line).await;
        let went_through = self.demo.orders.seen() - before;
        let as_expected =
            went_through == 0 && answer.as_ref().is_ok_and(|answer| answer.status == status);
        self.tell(&Outcome {
            as_expected,
            found: format!("{}; orders saw {went_through} requests", said(&answer)),
            tried,
            wanted,
        });
    }

    async fn without_identity(&mut self) {
        let answer =
            stranger::call_without_identity(self.places.orders_door, "GET /orders/7 HTTP/1.1")
                .await;
        let as_expected = answer.is_err();
        self.tell(&Outcome {
            as_expected,
            found: said(&answer),
            tried: "a caller without an identity",
            wanted: "refused in the handshake: no answer at all",
        });
    }

    async fn wrong_identity(&mut self) {
        let before = self.demo.orders.seen();
        let answer = stranger::call(
            &self.demo.dir,
            self.places.orders_door,
            "GET /orders/7 HTTP/1.1",
        )
        .await;
        let went_through = self.demo.orders.seen() - before;
        let as_expected =
            went_through == 0 && answer.as_ref().is_ok_and(|answer| answer.status == 403);
        let found = format!("{}; orders saw {went_through} requests", said(&answer));
        self.tell(&Outcome {
            as_expected,
            found,
            tried: "a stranger from the same trust domain",
            wanted: "403, and orders sees nothing",
        });
    }

    async fn policy_edited(&mut self) -> io::Result<()> {
        let incident = self.demo.dir.join("policy/incident.cedar");
        fs::write(&incident, files::INCIDENT)?;
        let blocked = self.until(403).await;
        fs::remove_file(&incident)?;
        let open_again = self.until(200).await;
        let as_expected = blocked.is_some() && open_again.is_some();
        let found = match (blocked, open_again) {
            (Some(blocked), Some(open)) => format!(
                "403 after {} ms, 200 again after {} ms",
                ms(blocked),
                ms(open)
            ),
            _ => "the answer did not change".to_owned(),
        };
        self.tell(&Outcome {
            as_expected,
            found,
            tried: "a file dropped into the policy folder, then taken out",
            wanted: "denied, then allowed again",
        });
        Ok(())
    }

    /// How long it takes until the shop is answered with `status`.
    async fn until(&self, status: u16) -> Option<Duration> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let answer = client::ask(self.places.shop_door, "GET /orders/7 HTTP/1.1").await;
            if answer.is_ok_and(|answer| answer.status == status) {
                return Some(begun.elapsed());
            }
            sleep(Duration::from_millis(20)).await;
        }
        None
    }

    async fn rotation(&mut self) {
        let begun = Instant::now();
        let (mut sent, mut failed) = (0_u32, 0_u32);
        let mut renewed = self.renewals().await;
        let first = renewed;
        while begun.elapsed() < PATIENCE && (renewed.0 < first.0 + 2 || renewed.1 < first.1 + 2) {
            for _ in 0..50 {
                let answer = client::ask(self.places.shop_door, "GET /orders/7 HTTP/1.1").await;
                sent += 1;
                failed += u32::from(!answer.is_ok_and(|answer| answer.status == 200));
            }
            renewed = self.renewals().await;
        }
        let (shop, orders) = (renewed.0 - first.0, renewed.1 - first.1);
        let as_expected = failed == 0 && shop >= 2 && orders >= 2;
        let found =
            format!("{failed} of {sent} failed; renewed: shop {shop} times, orders {orders} times");
        self.tell(&Outcome {
            as_expected,
            found,
            tried: "both SVIDs renewed twice under load",
            wanted: "0 requests failed",
        });
    }

    /// How often each sidecar's SVID was renewed, as its metrics say.
    async fn renewals(&self) -> (u32, u32) {
        (
            renewals(self.places.shop_admin).await,
            renewals(self.places.orders_admin).await,
        )
    }

    fn log(&mut self) -> io::Result<()> {
        let text = fs::read_to_string(self.demo.dir.join("orders.jsonl"))?;
        let has = |decision: &str| text.contains(&format!(r#""decision":"{decision}""#));
        let as_expected = has("permit") && has("deny") && has("refused");
        let found = format!(
            "{} records in {}",
            text.matches(r#""decision":""#).count(),
            shown(&self.demo.dir.join("orders.jsonl"))
        );
        self.tell(&Outcome {
            as_expected,
            found,
            tried: "every decision is in the log of orders' sidecar",
            wanted: "permits, denials and refusals",
        });
        Ok(())
    }

    fn tell(&mut self, outcome: &Outcome) {
        (self.report)(outcome);
    }
}

async fn renewals(admin: SocketAddr) -> u32 {
    let metrics = client::ask(admin, "GET /metrics HTTP/1.1").await;
    let text = metrics.map_or_else(|_gone| String::new(), |answer| answer.text);
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("portreeve_identity_renewals_total "));
    line.and_then(|count| count.trim().parse().ok())
        .unwrap_or(0)
}

fn said(answer: &io::Result<Answer>) -> String {
    match answer {
        Ok(answer) => answer.status.to_string(),
        Err(error) => format!("no answer ({error})"),
    }
}

const fn ms(duration: Duration) -> u128 {
    duration.as_millis()
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// More than anything here should ever take.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);
