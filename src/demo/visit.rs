//! The tour's second half: what people, and programs, meet at the edge.

use std::io;

use http::HeaderMap;
use http::Method;
use http::Request;
use http::StatusCode;
use http::header;
use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::timeout;

use crate::demo::Demo;
use crate::demo::browser::Browser;
use crate::demo::browser::Seen;
use crate::demo::tour::Outcome;
use crate::demo::tour::PATIENCE;
use crate::demo::web::Web;

/// What people meet.
pub(super) struct Visit<'a, R> {
    pub(super) demo: &'a Demo,
    /// `https://localhost:port`.
    pub(super) edge: String,
    provider: String,
    report: R,
    pub(super) web: Web,
}

impl<'a, R: FnMut(&Outcome)> Visit<'a, R> {
    pub(super) fn new(demo: &'a Demo, report: R) -> io::Result<Self> {
        Ok(Self {
            demo,
            edge: format!("https://localhost:{}", demo.places().edge_door.port()),
            provider: demo.edge.provider.issuer().to_owned(),
            report,
            web: Web::new(demo.edge.ca.root())?,
        })
    }

    pub(super) async fn take(mut self) {
        self.program().await;
        let (mut alice, mut bob) = (
            Browser::new(self.web.clone()),
            Browser::new(self.web.clone()),
        );
        self.signs_in(&mut alice).await;
        self.lets_a_program_in(&mut alice).await;
        self.denied(&mut bob).await;
        self.put_into_a_group(&mut bob).await;
        self.cut_off(&alice).await;
        self.signs_out(&mut bob).await;
    }

    /// A program is told, and not shown to a page that it cannot read.
    async fn program(&mut self) {
        let before = self.demo.orders.seen();
        let request = Request::get(format!("{}/orders/7", self.edge));
        let found = match request.body(String::new()) {
            Ok(request) => self.web.ask(request).await,
            Err(error) => Err(io::Error::other(error)),
        };
        let as_expected = self.demo.orders.seen() == before
            && found
                .as_ref()
                .is_ok_and(|reply| reply.status == StatusCode::UNAUTHORIZED);
        let found = match found {
            Ok(reply) => format!(
                "{}, {}",
                reply.status,
                field(&reply.headers, header::WWW_AUTHENTICATE)
            ),
            Err(error) => format!("no answer ({error})"),
        };
        self.tell(&Outcome {
            as_expected,
            found,
            tried: "a program without a session, at the edge",
            wanted: "401, and orders sees nothing",
        });
    }

    async fn signs_in(&mut self, alice: &mut Browser) {
        let place = format!("{}/orders/7", self.edge);
        let seen = self.sign_in(alice, "alice", &place).await;
        let named = r#""caller":"spiffe://demo.example/ns/demo/sa/edge","user":"alice""#;
        let as_expected = seen.as_ref().is_ok_and(|seen| {
            let is_back = seen.place == place && seen.reply.status == StatusCode::OK;
            is_back && seen.reply.body.contains(named)
        });
        self.tell(&Outcome {
            as_expected,
            found: said(&seen),
            tried: "alice opens an order, and is asked who she is first",
            wanted: "200, and orders knows that the edge calls, for alice",
        });
    }

    async fn denied(&mut self, bob: &mut Browser) {
        let before = self.demo.orders.seen();
        let seen = self
            .sign_in(bob, "bob", &format!("{}/orders/7", self.edge))
            .await;
        let as_expected = self.demo.orders.seen() == before
            && seen.as_ref().is_ok_and(|seen| {
                let is_denied = seen.reply.status == StatusCode::FORBIDDEN;
                is_denied && seen.reply.body.contains("orders-are-for-eng")
            });
        self.tell(&Outcome {
            as_expected,
            found: said(&seen),
            tried: "bob, who is in no group that may, opens it",
            wanted: "403, a page with the rule's name and whom to ask; orders sees nothing",
        });
    }

    async fn put_into_a_group(&mut self, bob: &mut Browser) {
        let place = format!("{}/orders/7", self.edge);
        let found = match self.press("/people/bob/groups/eng", "member=yes").await {
            Ok(()) => {
                let begun = Instant::now();
                let status = self.until(bob, &place, StatusCode::OK).await;
                format!("{status} after {} s", begun.elapsed().as_secs())
            }
            Err(error) => format!("the provider does not answer ({error})"),
        };
        self.tell(&Outcome {
            as_expected: found.starts_with("200"),
            found,
            tried: "bob is put into eng at the provider, and does nothing",
            wanted: "200, as soon as the provider has been asked again",
        });
    }

    /// A stream that alice watches ends with her session, by the provider's word.
    async fn cut_off(&mut self, alice: &Browser) {
        let found = self.watch(alice).await;
        self.tell(&Outcome {
            as_expected: found.is_ok(),
            found: found.unwrap_or_else(|error| format!("not cut ({error})")),
            tried: "the provider ends alice's session while she watches a stream",
            wanted: "the stream is cut at once",
        });
    }

    async fn watch(&self, alice: &Browser) -> io::Result<String> {
        let request = Request::get(format!("{}/orders/live", self.edge))
            .header(header::COOKIE, alice.cookies())
            .body(String::new())
            .map_err(io::Error::other)?;
        let mut stream = self.web.stream(request).await?;
        if stream.status != StatusCode::OK {
            return Err(io::Error::other(format!("{} at once", stream.status)));
        }
        stream.next().await?;
        let begun = Instant::now();
        self.press("/people/alice/sign-out", "").await?;
        let ended = timeout(PATIENCE, async {
            while stream.next().await.is_ok_and(|some| some) {}
        });
        ended.await.map_err(|_elapsed| io::ErrorKind::TimedOut)?;
        Ok(format!("cut after {} ms", begun.elapsed().as_millis()))
    }

    async fn signs_out(&mut self, bob: &mut Browser) {
        let found = self.sign_out(bob).await;
        self.tell(&Outcome {
            as_expected: found.is_ok(),
            found: found.unwrap_or_else(|error| error.to_string()),
            tried: "bob signs out",
            wanted: "signed out here and at the provider; the old cookie is worth nothing",
        });
    }

    async fn sign_out(&self, bob: &mut Browser) -> io::Result<String> {
        let before = bob.cookies();
        let me = bob.open(&format!("{}/.portreeve/", self.edge)).await?;
        let left = bob.click(&me, ("", "")).await?;
        let onward = field(&left.reply.headers, header::REFRESH);
        if let Some((_, place)) = onward.split_once("url=") {
            bob.open(place).await?;
        }
        let request = Request::get(format!("{}/orders/7", self.edge))
            .header(header::COOKIE, before)
            .body(String::new())
            .map_err(io::Error::other)?;
        let again = self.web.ask(request).await?.status;
        let page = bob.open(&format!("{}/", self.edge)).await?;
        let is_asked = page.reply.body.contains("value=\"alice\"");
        let found = format!(
            "{}; with the old cookie {again}; asked again: {is_asked}",
            left.reply.status
        );
        if left.reply.status == StatusCode::OK && again == StatusCode::UNAUTHORIZED && is_asked {
            Ok(found)
        } else {
            Err(io::Error::other(found))
        }
    }

    /// Opens `place`, and clicks on `person` where that leads.
    async fn sign_in(&self, browser: &mut Browser, person: &str, place: &str) -> io::Result<Seen> {
        let asked = browser.open(place).await?;
        if !asked.place.starts_with(&self.provider) {
            return Err(io::Error::other(format!(
                "not asked, but {}",
                asked.reply.status
            )));
        }
        browser.click(&asked, ("person", person)).await
    }

    /// A button on the provider's page.
    async fn press(&self, path: &str, form: &str) -> io::Result<()> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}{path}", self.provider))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.to_owned())
            .map_err(io::Error::other)?;
        self.web.ask(request).await.map(drop)
    }

    /// Asks until the answer is `status`, and says what it was in the end.
    async fn until(&self, browser: &mut Browser, place: &str, status: StatusCode) -> String {
        let begun = Instant::now();
        loop {
            let seen = browser.open(place).await;
            let is_so = seen.as_ref().is_ok_and(|seen| seen.reply.status == status);
            if is_so || begun.elapsed() >= PATIENCE {
                return said(&seen);
            }
            sleep(PAUSE).await;
        }
    }

    pub(super) fn tell(&mut self, outcome: &Outcome) {
        (self.report)(outcome);
    }
}

fn said(seen: &io::Result<Seen>) -> String {
    match seen {
        Ok(seen) => format!("{} at {}", seen.reply.status, seen.place),
        Err(error) => format!("no answer ({error})"),
    }
}

fn field(headers: &HeaderMap, name: http::HeaderName) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

const PAUSE: std::time::Duration = std::time::Duration::from_millis(100);
