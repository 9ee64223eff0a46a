//! What the provider knows: who is signed in, and what it has handed out.

use std::time::SystemTime;

use crate::demo::provider::client::Client;
use crate::demo::provider::device::Device;
use crate::demo::provider::grant;
use crate::demo::provider::people;
use crate::demo::provider::people::Person;
use crate::demo::provider::shelf::Shelf;
use crate::demo::provider::wish::Wish;

#[derive(Debug)]
pub(super) struct State {
    pub(super) access: Shelf<SignedIn>,
    pub(super) client: Option<Client>,
    pub(super) codes: Shelf<Code>,
    /// Programs that wait, by what they ask again with.
    pub(super) devices: Shelf<Device>,
    pub(super) people: Vec<Person>,
    pub(super) refresh: Shelf<Refresh>,
    /// By what browsers have in their cookie; those of programs are in none.
    pub(super) sessions: Shelf<SignedIn>,
}

/// Somebody who has clicked on their name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct SignedIn {
    /// When, in seconds since 1970.
    pub(super) auth_time: u64,
    /// The session's name, which applications are told.
    pub(super) sid: String,
    pub(super) subject: &'static str,
}

/// What an authorization code is good for.
#[derive(Clone, Debug)]
pub(super) struct Code {
    pub(super) challenge: String,
    /// All tokens that come of one code are of one family.
    pub(super) family: String,
    pub(super) is_spent: bool,
    pub(super) nonce: Option<String>,
    pub(super) redirect_uri: String,
    pub(super) signed_in: SignedIn,
}

/// What a refresh token is good for.
#[derive(Clone, Debug)]
pub(super) struct Refresh {
    pub(super) family: String,
    pub(super) is_spent: bool,
    pub(super) signed_in: SignedIn,
}

/// What tokens are made of.
pub(super) struct Grant {
    pub(super) family: String,
    pub(super) nonce: Option<String>,
    pub(super) signed_in: SignedIn,
}

impl State {
    pub(super) fn new() -> Self {
        Self {
            access: Shelf::new(),
            client: None,
            codes: Shelf::new(),
            devices: Shelf::new(),
            people: people::all(),
            refresh: Shelf::new(),
            sessions: Shelf::new(),
        }
    }

    pub(super) fn person(&self, subject: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.subject == subject)
    }

    /// Ends what `is_meant` says: nothing that was handed out for it works from
    /// now on.
    pub(super) fn end(&mut self, is_meant: impl Fn(&SignedIn) -> bool) {
        self.access.retain(|signed_in| !is_meant(signed_in));
        self.codes.retain(|code| !is_meant(&code.signed_in));
        self.refresh.retain(|refresh| !is_meant(&refresh.signed_in));
        self.sessions.retain(|signed_in| !is_meant(signed_in));
    }

    /// Works once. Who shows it again ends what the first one got (RFC 6749 4.1.2).
    pub(super) fn spend_code(&mut self, form: &Wish, now: SystemTime) -> Option<Grant> {
        let code = self.codes.find(form.get("code")?, now)?;
        if code.is_spent {
            let family = code.family.clone();
            self.distrust(&family);
            return None;
        }
        code.is_spent = true;
        let is_proved = grant::challenge(form.get("code_verifier")?) == code.challenge;
        let is_same_place = form.get("redirect_uri") == Some(&code.redirect_uri);
        (is_proved && is_same_place).then(|| Grant {
            family: code.family.clone(),
            nonce: code.nonce.clone(),
            signed_in: code.signed_in.clone(),
        })
    }

    /// Works once (RFC 9700 4.14.2).
    pub(super) fn spend_refresh(&mut self, form: &Wish, now: SystemTime) -> Option<Grant> {
        let refresh = self.refresh.find(form.get("refresh_token")?, now)?;
        if refresh.is_spent {
            let family = refresh.family.clone();
            self.distrust(&family);
            return None;
        }
        refresh.is_spent = true;
        Some(Grant {
            family: refresh.family.clone(),
            nonce: None,
            signed_in: refresh.signed_in.clone(),
        })
    }

    /// Somebody showed what had been used up: a thief, or whom they stole it from.
    fn distrust(&mut self, family: &str) {
        self.refresh.retain(|refresh| refresh.family != family);
    }

    /// How many browsers and programs `subject` is signed in with.
    pub(super) fn sessions_of(&self, subject: &str, now: SystemTime) -> usize {
        let all = self.sessions.values(now);
        all.filter(|signed_in| signed_in.subject == subject).count()
    }
}
