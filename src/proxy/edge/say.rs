//! What a browser shows of a refusal, and how it is told to forget.

use http::header;

use crate::audit::RequestId;
use crate::proxy::edge::cookies::SESSION;
use crate::proxy::edge::html::Shown;
use crate::proxy::edge::html::facts;
use crate::proxy::edge::html::page;
use crate::proxy::edge::page::Page;
use crate::proxy::refusal::Refusal;
use crate::proxy::reply;

/// The page for whoever asked for something that is refused. `id` is the request's.
pub(super) fn refused(refusal: &Refusal, id: Option<RequestId>) -> Page {
    let told = reply::told(refusal);
    let (title, words) = words(refusal);
    let mut body = format!("<p>{words}</p>\n");
    if let Some(advice) = &told.advice {
        body.push_str(&format!("<p class=\"advice\">{}</p>\n", Shown(advice)));
    }
    let rules = told.owners.into_iter();
    let mut told_of: Vec<_> = rules
        .flat_map(|(policy, owner)| [("Rule", policy), ("Whom to ask", owner)])
        .collect();
    told_of.push(("Reason", told.reason.to_owned()));
    told_of.extend(id.map(|id| ("Request", id.to_string())));
    body.push_str(&facts(told_of));
    body.push_str("<p><a href=\"/.portreeve/\">Who am I here?</a></p>\n");
    let mut answer = Page::refused(told.status, told.reason).html(page(title, &body));
    if let Some(seconds) = told.retry_after {
        answer.headers.insert(header::RETRY_AFTER, seconds.into());
    }
    answer
}

/// Title and first sentence.
fn words(refusal: &Refusal) -> (&'static str, &'static str) {
    match refusal {
        Refusal::Denied(_) | Refusal::Withdrawn(_) => (
            "You may not see this",
            "You are known here, but the rules of this place do not let you in.",
        ),
        Refusal::CrossOrigin => (
            "This came from another site",
            "Another site asked for this in your name. Nothing was done.",
        ),
        Refusal::Misdirected | Refusal::NoRoute => (
            "There is nothing here",
            "No application is known under this address.",
        ),
        Refusal::SignInBusy | Refusal::NoRoom | Refusal::Shed { .. } => {
            ("Too many at once", "Please try again in a moment.")
        }
        Refusal::TimedOut | Refusal::Upstream(_) => (
            "The application does not answer",
            "You may try again. If it goes on, tell whoever runs the application.",
        ),
        Refusal::SignedOut(_) => (
            "You have been signed out",
            "Your session has ended. Please sign in again.",
        ),
        Refusal::BadToken
        | Refusal::Lost(_)
        | Refusal::Malformed(_)
        | Refusal::NoProbe(_)
        | Refusal::RequestBrokeOff
        | Refusal::RequestStalled
        | Refusal::TooLarge
        | Refusal::Unauthenticated { .. } => (
            "This request cannot be answered",
            "What your browser asked for is not understood here.",
        ),
    }
}

/// `page`, after which the browser has no session of ours.
pub(super) fn forgetting(page: Page) -> Page {
    page.setting(&format!(
        "{SESSION}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"
    ))
}
