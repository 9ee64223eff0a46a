//! The authorization endpoint: a click becomes a code (OpenID Connect Core 3.1.2).

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use http::Method;
use http::StatusCode;
use http::header;

use crate::demo::provider::client::Client;
use crate::demo::provider::html;
use crate::demo::provider::html::Page;
use crate::demo::provider::place::Asked;
use crate::demo::provider::place::COOKIE;
use crate::demo::provider::place::Place;
use crate::demo::provider::place::cookie;
use crate::demo::provider::shelf::random;
use crate::demo::provider::state::Code;
use crate::demo::provider::state::SignedIn;
use crate::demo::provider::wish::Wish;
use crate::demo::provider::wish::with_query;
use crate::time::seconds;

impl Place {
    /// Somebody is sent by an application, or has clicked on a name.
    pub(super) fn authorize(&self, asked: &Asked) -> Page {
        let Some(wish) = &asked.wish else {
            return bad("A name comes twice in the address.");
        };
        let client = self.state().client.clone();
        let Some(client) = client.filter(|client| wish.get("client_id") == Some(&client.id)) else {
            return bad("No application of this client_id is registered here.");
        };
        // Nobody is sent to a place that was not told beforehand.
        if wish.get("redirect_uri") != Some(&client.redirect_uri) {
            return bad("The application did not register this redirect_uri.");
        }
        let request = match Request::read(wish, &client) {
            Ok(request) => request,
            Err(error) => return self.back(&client, wish, &[("error", error)]),
        };
        if asked.method == Method::POST && wish.get("person").is_some() {
            if !self.is_ours(asked) {
                return bad("Another site clicked in your name.");
            }
            return self.clicked(asked, wish, &request);
        }
        match self.signed_in(asked) {
            Some(signed_in) if request.is_content_with(&signed_in, seconds(self.now())) => {
                self.give_code(wish, &request, signed_in)
            }
            _ if request.prompt.contains("none") => {
                self.back(&client, wish, &[("error", "login_required")])
            }
            _ => self.choice(wish),
        }
    }

    /// A session begins, or is proved anew.
    fn clicked(&self, asked: &Asked, wish: &Wish, request: &Request<'_>) -> Page {
        let subject = wish.get("person").unwrap_or_default();
        let Some(subject) = self.state().person(subject).map(|person| person.subject) else {
            return bad("There is nobody of this name.");
        };
        let before = self.signed_in(asked);
        let same = before.as_ref().filter(|before| before.subject == subject);
        let sid = match same {
            Some(same) => Ok(same.sid.clone()),
            None => random(),
        };
        let Ok(sid) = sid else { return unmade() };
        let signed_in = SignedIn {
            auth_time: seconds(self.now()),
            sid,
            subject,
        };
        let kept = {
            let mut state = self.state();
            if let Some(name) = cookie(&asked.headers) {
                state.sessions.remove(name);
            }
            let until = self.now() + SESSION;
            state.sessions.put(signed_in.clone(), until)
        };
        match kept {
            Ok(name) => self.give_code(wish, request, signed_in).with(
                header::SET_COOKIE,
                &format!("{COOKIE}={name}; Path=/; Secure; HttpOnly; SameSite=Lax"),
            ),
            Err(_) => unmade(),
        }
    }

    fn give_code(&self, wish: &Wish, request: &Request<'_>, signed_in: SignedIn) -> Page {
        let client = request.client;
        match self.make_code(request, signed_in) {
            Ok(code) => self.back(client, wish, &[("code", &code)]),
            Err(_) => self.back(client, wish, &[("error", "server_error")]),
        }
    }

    fn make_code(&self, request: &Request<'_>, signed_in: SignedIn) -> io::Result<String> {
        let code = Code {
            challenge: request.challenge.to_owned(),
            family: random()?,
            is_spent: false,
            nonce: request.nonce.map(str::to_owned),
            redirect_uri: request.client.redirect_uri.clone(),
            signed_in,
        };
        self.state().codes.put(code, self.now() + CODE)
    }

    /// Back to the application, with who says so (RFC 9207).
    fn back(&self, client: &Client, wish: &Wish, what: &[(&str, &str)]) -> Page {
        let mut pairs = what.to_vec();
        pairs.extend(wish.get("state").map(|state| ("state", state)));
        pairs.push(("iss", self.issuer()));
        html::redirect(&with_query(&client.redirect_uri, &pairs))
    }
}

/// What an application asks for, if it may.
struct Request<'a> {
    challenge: &'a str,
    client: &'a Client,
    max_age: Option<u64>,
    nonce: Option<&'a str>,
    prompt: BTreeSet<&'a str>,
}

impl<'a> Request<'a> {
    /// Or the error that the application is told (RFC 6749 4.1.2.1).
    fn read(wish: &'a Wish, client: &'a Client) -> Result<Self, &'static str> {
        if wish.get("request").is_some() {
            return Err("request_not_supported");
        }
        if wish.get("request_uri").is_some() {
            return Err("request_uri_not_supported");
        }
        if wish.get("response_type") != Some("code") {
            return Err("unsupported_response_type");
        }
        if wish
            .get("response_mode")
            .is_some_and(|mode| mode != "query")
        {
            return Err("invalid_request");
        }
        let scope = wish.get("scope").unwrap_or_default();
        if !scope.split(' ').any(|scope| scope == "openid") {
            return Err("invalid_scope");
        }
        let is_s256 = wish.get("code_challenge_method") == Some("S256");
        let challenge = wish
            .get("code_challenge")
            .filter(|text| text.len() == CHALLENGE);
        let Some(challenge) = challenge.filter(|_| is_s256) else {
            return Err("invalid_request");
        };
        let max_age = wish.get("max_age").map(str::parse).transpose();
        let prompt: BTreeSet<_> = wish.get("prompt").unwrap_or_default().split(' ').collect();
        if prompt.contains("none") && prompt.len() > 1 {
            return Err("invalid_request");
        }
        Ok(Self {
            challenge,
            client,
            max_age: max_age.map_err(|_not_a_number| "invalid_request")?,
            nonce: wish.get("nonce"),
            prompt,
        })
    }

    /// Whether nobody need click again.
    fn is_content_with(&self, signed_in: &SignedIn, now: u64) -> bool {
        let asks = self.prompt.contains("login") || self.prompt.contains("select_account");
        let age = now.saturating_sub(signed_in.auth_time);
        !asks && self.max_age.is_none_or(|most| most > 0 && age <= most)
    }
}

fn bad(words: &str) -> Page {
    html::mistake(StatusCode::BAD_REQUEST, words)
}

fn unmade() -> Page {
    let words = "The system gives no random numbers.";
    html::mistake(StatusCode::INTERNAL_SERVER_ERROR, words)
}

/// The length of a SHA-256 in base64url (RFC 7636 4.2).
const CHALLENGE: usize = 43;
/// RFC 6749 4.1.2 wants it short.
const CODE: Duration = Duration::from_secs(60);
/// A working day.
pub(super) const SESSION: Duration = Duration::from_secs(8 * 60 * 60);
