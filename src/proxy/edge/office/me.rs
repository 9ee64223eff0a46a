//! Who am I here?

use std::time::SystemTime;

use http::StatusCode;
use serde_json::json;

use crate::proxy::edge::errand::Asked;
use crate::proxy::edge::html;
use crate::proxy::edge::html::Shown;
use crate::proxy::edge::office::OfficeDesk;
use crate::proxy::edge::office::device::JSON;
use crate::proxy::edge::office::sign_out::is_seen;
use crate::proxy::edge::page::Page;
use crate::proxy::edge::passage::PLACE;
use crate::session::Program;
use crate::session::Session;

impl OfficeDesk {
    /// Says who is signed in. Never what stands for them: no token, no cookie.
    pub(super) fn me(&self, asked: &Asked) -> Page {
        let Some(session) = &asked.session else {
            if !is_seen(asked) {
                return Page::done(StatusCode::OK, None)
                    .of(JSON, json!({ "signed_in": false }).to_string());
            }
            let body = format!(
                "<p>Nobody is signed in here with this browser.</p>\n<p><a class=\"button\" href=\"{PLACE}/sign-in\">Sign in</a></p>\n"
            );
            return Page::done(StatusCode::OK, None)
                .html(html::page("You are not signed in", &body));
        };
        let page = Page::done(StatusCode::OK, None).by(self.origin(session, &asked.from));
        if is_seen(asked) {
            page.html(html::page("You are signed in", &self.facts(session)))
        } else {
            page.of(JSON, told(session))
        }
    }

    fn facts(&self, session: &Session) -> String {
        let person = session.person();
        let list = |words: &std::collections::BTreeSet<Box<str>>| {
            words
                .iter()
                .map(AsRef::as_ref)
                .collect::<Vec<&str>>()
                .join(", ")
        };
        let mut facts = Vec::new();
        let mut add = |name, value: Option<String>| facts.extend(value.map(|value| (name, value)));
        add("Name", person.name.as_deref().map(str::to_owned));
        add("E-mail", person.email.as_deref().map(str::to_owned));
        add("Known as", Some(person.id()));
        add(
            "Groups",
            (!person.groups.is_empty()).then(|| list(&person.groups)),
        );
        add(
            "Roles",
            (!person.roles.is_empty()).then(|| list(&person.roles)),
        );
        add("Signed in by", Some(person.provider.to_string()));
        add("Since", Some(date(session.created_at())));
        add("Until", Some(date(session.ends_at())));
        let mut body = html::facts(facts);
        body.push_str(&format!(
            "<form method=\"post\" action=\"{PLACE}/sign-out\"><button>Sign out</button></form>\n"
        ));
        let others: String = self
            .others(session)
            .iter()
            .map(|other| self.entry(other))
            .collect();
        if !others.is_empty() {
            body.push_str(&format!(
                "<h2>Your other sessions</h2>\n<ul>\n{others}</ul>\n"
            ));
        }
        body
    }

    fn others(&self, session: &Session) -> Vec<std::sync::Arc<Session>> {
        let all = self.sessions_of(session.person());
        let mut all: Vec<_> = all
            .filter(|other| other.digest() != session.digest())
            .collect();
        all.sort_by_key(|other| std::cmp::Reverse(other.last_used_at()));
        all.truncate(MOST_SHOWN);
        all
    }

    #[expect(clippy::unused_self, reason = "beside the rest of the page")]
    fn entry(&self, other: &Session) -> String {
        let (host, used) = (Shown(other.host()), date(other.last_used_at()));
        let program = other.program().map_or_else(String::new, |program| {
            let name = Shown(named(program));
            let (source, since) = (program.source(), date(other.created_at()));
            format!(", a program that calls itself {name}, from {source}, since {since}")
        });
        format!(
            "<li>{host}{program}, last used {used} <form method=\"post\" action=\"{PLACE}/sessions/end\"><input type=\"hidden\" name=\"session\" value=\"{}\"><button class=\"quiet\" aria-label=\"End the session at {host}, last used {used}\">End</button></form></li>\n",
            Shown(other.digest().handle().as_str()),
        )
    }
}

fn named(program: &Program) -> &str {
    match program.name() {
        "" => "nothing",
        name => name,
    }
}

/// The same for a program.
fn told(session: &Session) -> String {
    let person = session.person();
    let value = json!({
        "signed_in": true,
        "user": person.id(),
        "provider": person.provider.as_str(),
        "name": person.name,
        "email": person.email,
        "email_verified": person.email_verified,
        "groups": person.groups,
        "roles": person.roles,
        "session": session.digest().handle().as_str(),
        "ends_at": date(session.ends_at()),
        "program": session.program().map(Program::name),
    });
    value.to_string()
}

/// In UTC, to the minute.
fn date(at: SystemTime) -> String {
    jiff::Timestamp::try_from(at).map_or_else(
        |_beyond| "?".to_owned(),
        |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
    )
}

/// A page is to be read.
const MOST_SHOWN: usize = 20;
