//! The tour's visit of a program: somebody's `curl`, which has no browser.

use std::io;
use std::sync::Arc;

use http::Request;
use http::StatusCode;
use http::header;
use tokio::time::timeout;

use crate::demo::browser::Browser;
use crate::demo::tour::Outcome;
use crate::demo::tour::PATIENCE;
use crate::demo::visit::Visit;
use crate::login::Edge;
use crate::time::SystemClock;

impl<R: FnMut(&Outcome)> Visit<'_, R> {
    /// What `portreeve login` does, until `logout`.
    pub(super) async fn lets_a_program_in(&mut self, alice: &mut Browser) {
        let found = timeout(PATIENCE, self.let_in(alice));
        let found = found.await.unwrap_or_else(|late| Err(late.into()));
        let as_expected = found.as_ref().is_ok_and(|(served, left)| {
            *served == StatusCode::OK && *left == StatusCode::UNAUTHORIZED
        });
        self.tell(&Outcome {
            as_expected,
            found: match found {
                Ok((served, left)) => format!("{served}; after it has left {left}"),
                Err(error) => format!("not let in ({error})"),
            },
            tried: "alice lets a program in, by the code that it shows",
            wanted: "200 as alice, until it signs out",
        });
    }

    async fn let_in(&self, alice: &mut Browser) -> io::Result<(StatusCode, StatusCode)> {
        let site = self.edge.parse().map_err(io::Error::other)?;
        let roots = self.demo.dir.join("web-ca.pem");
        let edge = Edge::new(site, Some(roots), Arc::new(SystemClock)).map_err(io::Error::other)?;
        let begun = edge.begin(None).await.map_err(io::Error::other)?;
        let place = begun.verification_uri_complete.as_ref();
        let place = place.ok_or_else(|| io::Error::other("nothing to open"))?;
        let asked = alice.open(place).await?;
        if !asked.reply.body.contains(&begun.user_code) {
            return Err(io::Error::other("the page does not show the code"));
        }
        alice.click(&asked, ("person", "alice")).await?;
        let kept = edge.wait(&begun).await.map_err(io::Error::other)?.kept;
        let served = self.order(kept.token()).await?;
        edge.leave(&kept).await.map_err(io::Error::other)?;
        Ok((served, self.order(kept.token()).await?))
    }

    /// What a program that shows `token` is answered.
    async fn order(&self, token: &str) -> io::Result<StatusCode> {
        let request = Request::get(format!("{}/orders/7", self.edge))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(String::new())
            .map_err(io::Error::other)?;
        let reply = self.web.ask(request).await?;
        let named = r#""user":"alice""#;
        if reply.status == StatusCode::OK && !reply.body.contains(named) {
            return Err(io::Error::other("served as somebody else"));
        }
        Ok(reply.status)
    }
}
