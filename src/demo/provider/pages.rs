//! The pages with people on them.

use http::StatusCode;

use crate::demo::provider::html;
use crate::demo::provider::html::Page;
use crate::demo::provider::people::GROUPS;
use crate::demo::provider::people::Person;
use crate::demo::provider::place::Asked;
use crate::demo::provider::place::Place;
use crate::demo::provider::wish::Wish;
use crate::proxy::Shown;

impl Place {
    /// Who does an application's user want to be?
    pub(super) fn choice(&self, wish: &Wish) -> Page {
        let mut body = String::from(
            "<p>Who do you want to be? There are no passwords here.</p>\n\
             <form method=\"post\" action=\"/authorize\">\n",
        );
        body.push_str(&html::hidden(wish));
        body.push_str(&self.people_to_be());
        body.push_str("</form>\n");
        html::page(StatusCode::OK, "Sign in", &body)
    }

    /// A button for each of them.
    pub(super) fn people_to_be(&self) -> String {
        let mut list = String::from("<ul class=\"people\">\n");
        for person in &self.state().people {
            let Person { name, subject, .. } = person;
            list.push_str(&format!(
                "<li><button name=\"person\" value=\"{subject}\"><strong>{name}</strong><br>{}</button></li>\n",
                groups(person)
            ));
        }
        list.push_str("</ul>\n");
        list
    }

    /// Who is who, and who is signed in.
    pub(super) fn people(&self) -> Page {
        let state = self.state();
        let mut body = format!(
            "<p>Move people between groups, or end their sessions. Applications hear of a sign-out at once, \
             and of new groups when they ask again, within {} s.</p>\n",
            self.lifetime().as_secs()
        );
        for person in &state.people {
            let sessions = state.sessions_of(person.subject, self.now());
            body.push_str(&card(person, sessions));
        }
        drop(state);
        html::page(StatusCode::OK, "Who is who", &body)
    }

    /// One of our own pages moves somebody into a group, or out of it.
    pub(super) fn regroup(&self, subject: &str, group: &str, asked: &Asked) -> Page {
        if !self.is_ours(asked) {
            return html::mistake(StatusCode::FORBIDDEN, "Another site asked for this.");
        }
        let member = asked.wish.as_ref().and_then(|form| form.get("member"));
        let known = GROUPS.into_iter().find(|known| *known == group);
        let mut state = self.state();
        let person = state
            .people
            .iter_mut()
            .find(|person| person.subject == subject);
        let (Some(person), Some(group)) = (person, known) else {
            drop(state);
            return html::mistake(StatusCode::NOT_FOUND, "There is no such person or group.");
        };
        match member {
            Some("yes") => person.groups.insert(group),
            _ => person.groups.remove(group),
        };
        drop(state);
        html::redirect("/")
    }
}

/// Somebody, with what may be done to them.
fn card(person: &Person, sessions: usize) -> String {
    let Person { name, subject, .. } = person;
    let mut card = format!(
        "<section aria-labelledby=\"{subject}\">\n<h2 id=\"{subject}\">{name}</h2>\n<p class=\"faint\">{} · {}</p>\n\
         <form method=\"post\">\n",
        Shown(&person.email()),
        groups(person),
    );
    for group in GROUPS {
        let is_in = person.groups.contains(group);
        let (member, words) = if is_in {
            ("no", format!("Take {subject} out of {group}"))
        } else {
            ("yes", format!("Put {subject} into {group}"))
        };
        card.push_str(&format!(
            "<button class=\"quiet\" formaction=\"/people/{subject}/groups/{group}\" name=\"member\" value=\"{member}\">{words}</button>\n"
        ));
    }
    card.push_str("</form>\n");
    let words = match sessions {
        0 => "Not signed in.".to_owned(),
        1 => "Signed in once.".to_owned(),
        several => format!("Signed in {several} times."),
    };
    card.push_str(&format!(
        "<form method=\"post\" action=\"/people/{subject}/sign-out\">\n<p>{words} <button>Sign {subject} out everywhere</button></p>\n</form>\n</section>\n"
    ));
    card
}

fn groups(person: &Person) -> String {
    if person.groups.is_empty() {
        return "in no group".to_owned();
    }
    let all: Vec<_> = person.groups.iter().copied().collect();
    format!("in {}", all.join(" and "))
}
