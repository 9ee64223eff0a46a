//! Programs without a browser of their own: a code that a person knows again
//! (RFC 8628).

use std::io;
use std::time::Duration;

use aws_lc_rs::rand;
use http::Method;
use http::StatusCode;
use serde_json::json;

use crate::demo::provider::authorize::SESSION;
use crate::demo::provider::html;
use crate::demo::provider::html::Page;
use crate::demo::provider::place::Asked;
use crate::demo::provider::place::Place;
use crate::demo::provider::shelf::random;
use crate::demo::provider::state::Grant;
use crate::demo::provider::state::SignedIn;
use crate::demo::provider::token;
use crate::demo::provider::wish::Wish;
use crate::demo::provider::wish::with_query;
use crate::proxy::Shown;
use crate::time::seconds;

/// A program that waits to be let in.
#[derive(Debug)]
pub(super) struct Device {
    answer: Answer,
    user_code: String,
}

#[derive(Debug)]
enum Answer {
    None,
    LetIn(SignedIn),
    TurnedAway,
}

/// What a program that asks again is told.
pub(super) enum Waiting {
    /// It may go on.
    LetIn(Grant),
    /// The error that it is told (RFC 8628 3.5).
    Not(&'static str),
}

impl Place {
    /// A program asks for a code (RFC 8628 3.1).
    pub(super) fn device_authorization(&self, asked: &Asked) -> Page {
        if let Err(refused) = self.believed(asked) {
            return *refused;
        }
        let user_code = user_code();
        let begun = user_code.and_then(|user_code| {
            let device = Device {
                answer: Answer::None,
                user_code: user_code.clone(),
            };
            let name = self.state().devices.put(device, self.now() + PATIENCE)?;
            Ok((name, user_code))
        });
        let Ok((device_code, user_code)) = begun else {
            return token::no(StatusCode::INTERNAL_SERVER_ERROR, "server_error");
        };
        let place = format!("{}/device", self.issuer());
        html::json(
            StatusCode::OK,
            &json!({
                "device_code": device_code,
                "expires_in": PATIENCE.as_secs(),
                "interval": 1,
                "user_code": user_code,
                "verification_uri": place,
                "verification_uri_complete": with_query(&place, &[("user_code", &user_code)]),
            }),
        )
    }

    /// A person has opened what a program shows, or has clicked there.
    pub(super) fn device(&self, asked: &Asked) -> Page {
        let wish = asked.wish.as_ref();
        let Some(code) = wish.and_then(|wish| wish.get("user_code")) else {
            return ask_for_code();
        };
        let code = code.trim().to_ascii_uppercase();
        let is_known = self.waiting(&code, |_| ()).is_some();
        if !is_known {
            return html::mistake(
                StatusCode::NOT_FOUND,
                "No program waits with this code. It may be over: let the program begin again.",
            );
        }
        if asked.method != Method::POST {
            return self.compare(&code);
        }
        if !self.is_ours(asked) {
            return html::mistake(StatusCode::FORBIDDEN, "Another site clicked in your name.");
        }
        match wish.and_then(|wish| wish.get("person")) {
            Some(subject) => self.let_in(&code, subject),
            None => {
                self.waiting(&code, |device| device.answer = Answer::TurnedAway);
                done("The program is told that it may not.")
            }
        }
    }

    /// What a program that asks again is told. It is let in once.
    pub(super) fn ask_again(&self, form: &Wish) -> Waiting {
        let Some(name) = form.get("device_code") else {
            return Waiting::Not("invalid_request");
        };
        let now = self.now();
        let mut state = self.state();
        let Some(device) = state.devices.find(name, now) else {
            return Waiting::Not("expired_token");
        };
        match &device.answer {
            Answer::None => return Waiting::Not("authorization_pending"),
            Answer::TurnedAway => return Waiting::Not("access_denied"),
            Answer::LetIn(_) => {}
        }
        let device = state.devices.remove(name);
        drop(state);
        match (device.map(|device| device.answer), random()) {
            (Some(Answer::LetIn(signed_in)), Ok(family)) => Waiting::LetIn(Grant {
                family,
                nonce: None,
                signed_in,
            }),
            _ => Waiting::Not("server_error"),
        }
    }

    fn let_in(&self, code: &str, subject: &str) -> Page {
        let subject = self.state().person(subject).map(|person| person.subject);
        let Some(subject) = subject else {
            return html::mistake(StatusCode::NOT_FOUND, "There is nobody of this name.");
        };
        let Ok(sid) = random() else {
            return html::mistake(
                StatusCode::INTERNAL_SERVER_ERROR,
                "The system gives no random numbers.",
            );
        };
        let signed_in = SignedIn {
            auth_time: seconds(self.now()),
            sid,
            subject,
        };
        // So that it ends with what else is theirs. No browser has its name.
        let kept = {
            let until = self.now() + SESSION;
            self.state().sessions.put(signed_in.clone(), until)
        };
        if kept.is_err() {
            return html::mistake(
                StatusCode::INTERNAL_SERVER_ERROR,
                "The system gives no random numbers.",
            );
        }
        self.waiting(code, |device| device.answer = Answer::LetIn(signed_in));
        done("The program is let in. It goes on by itself.")
    }

    /// Does something with the program that waits with `code`, if there is one.
    fn waiting<T>(&self, code: &str, work: impl FnOnce(&mut Device) -> T) -> Option<T> {
        let now = self.now();
        let is_meant = |device: &&mut Device| {
            device.user_code == code && matches!(device.answer, Answer::None)
        };
        let mut state = self.state();
        let done = state.devices.values_mut(now).find(is_meant).map(work);
        drop(state);
        done
    }

    /// Whoever was sent a link by a stranger sees that nothing of theirs shows the code.
    fn compare(&self, code: &str) -> Page {
        let code = Shown(code);
        let people = self.people_to_be();
        html::page(
            StatusCode::OK,
            "Let a program in",
            &format!(
                "<p>A program waits with the code <strong>{code}</strong>. If yours shows another one, or you did not \
                 start any, somebody else wants in.</p>\n<p>As whom may it go on?</p>\n\
                 <form method=\"post\" action=\"/device\">\n\
                 <input type=\"hidden\" name=\"user_code\" value=\"{code}\">\n{people}\
                 <p><button class=\"quiet\">It is not mine: turn it away</button></p>\n</form>\n"
            ),
        )
    }
}

fn ask_for_code() -> Page {
    html::page(
        StatusCode::OK,
        "Let a program in",
        "<form method=\"get\" action=\"/device\">\n\
         <p><label for=\"code\">Which code does your program show?</label></p>\n\
         <p><input id=\"code\" name=\"user_code\" autocomplete=\"off\" autocapitalize=\"characters\" spellcheck=\"false\" required></p>\n\
         <p><button>Go on</button></p>\n</form>\n",
    )
}

fn done(words: &str) -> Page {
    html::page(
        StatusCode::OK,
        "Done",
        &format!("<p>{words} You can close this page.</p>\n"),
    )
}

/// Eight letters that are not taken for others, in two groups (RFC 8628 6.1).
fn user_code() -> io::Result<String> {
    let mut code = String::with_capacity(9);
    while code.len() < 9 {
        if code.len() == 4 {
            code.push('-');
        }
        let mut byte = [0_u8];
        rand::fill(&mut byte).map_err(|_unspecified| io::ErrorKind::Other)?;
        let [byte] = byte;
        // Those that are left over would make some letters likelier.
        if usize::from(byte) < 256 / LETTERS.len() * LETTERS.len() {
            let letter = LETTERS.get(usize::from(byte) % LETTERS.len());
            code.extend(letter.copied().map(char::from));
        }
    }
    Ok(code)
}

const LETTERS: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ";
/// As long as others give.
const PATIENCE: Duration = Duration::from_mins(10);
