//! A program that waits asks whether its person has let it in (RFC 8628 3.4).

use http::StatusCode;
use serde_json::json;

use crate::oidc::DeviceProgress;
use crate::oidc::Provider;
use crate::oidc::SignInError;
use crate::oidc::SignedIn;
use crate::policy::ProviderName;
use crate::proxy::edge::errand::Asked;
use crate::proxy::edge::office::OfficeDesk;
use crate::proxy::edge::office::device::JSON;
use crate::proxy::edge::office::device::away;
use crate::proxy::edge::office::device::lets_programs_in;
use crate::proxy::edge::office::device::no;
use crate::proxy::edge::office::device::read;
use crate::proxy::edge::office::device::unkept;
use crate::proxy::edge::office::signed;
use crate::proxy::edge::page::Page;
use crate::session::KeepError;
use crate::session::Session;
use crate::session::Turn;
use crate::session::Waiting;
use crate::time::seconds;

impl OfficeDesk {
    /// A program asks how far its person is.
    pub(super) async fn device_token(&self, asked: Asked) -> Page {
        let form = match read(&asked) {
            Ok((_program, form)) => form,
            Err(page) => return *page,
        };
        if form.get("grant_type") != Some(GRANT) {
            let words = format!("`grant_type` must be `{GRANT}`");
            return no("unsupported_grant_type", "unsupported_grant_type", &words);
        }
        let Some(code) = form.get("device_code") else {
            return no("no_code", "invalid_request", "`device_code` is missing");
        };
        let turn = self
            .sessions
            .take_turn(code, asked.from.authority.host())
            .await;
        match turn {
            Ok(Turn::Ask(waiting)) => self.ask(code, waiting, &asked).await,
            Ok(Turn::Over) => too_late(),
            Ok(Turn::TooSoon) => too_soon(),
            Ok(Turn::Unknown) => unknown(),
            Err(KeepError::Seal { cause }) => {
                let error: &dyn std::error::Error = &cause;
                tracing::error!(error, "what a program waits for is damaged");
                unknown()
            }
            Err(error) => {
                self.complain(&error);
                unkept()
            }
        }
    }

    /// Asks the provider for the program that is `waiting` with `code`.
    async fn ask(&self, code: &str, waiting: Waiting, asked: &Asked) -> Page {
        let name = waiting.provider.parse::<ProviderName>().ok();
        let provider = name.and_then(|name| self.providers.get(&name));
        // Another configuration may be in force by now.
        let Some(provider) = provider.filter(|one| lets_programs_in(one)) else {
            return self.end_wait(code, denied("no_device_login")).await;
        };
        let page = match provider.device_poll(waiting.code.as_str()).await {
            Ok(DeviceProgress::Waiting) => {
                return no("authorization_pending", "authorization_pending", PENDING);
            }
            Ok(DeviceProgress::SlowDown) => {
                if let Err(error) = self.sessions.slow_down(code).await {
                    self.complain(&error);
                }
                return too_soon();
            }
            Ok(DeviceProgress::SignedIn(signed_in)) => {
                self.let_in(code, (waiting, *signed_in), asked).await
            }
            Err(error) => {
                let page = refused(provider, &error);
                if error.may_pass() {
                    return page;
                }
                self.end_wait(code, page).await
            }
        };
        let result = page.note.reason.unwrap_or_default();
        self.metrics.signed_in(provider.name().as_str(), result);
        page
    }

    /// `page`, after which nobody waits with `code`.
    async fn end_wait(&self, code: &str, page: Page) -> Page {
        if let Err(error) = self.sessions.end_wait(code).await {
            self.complain(&error);
        }
        page
    }

    /// Begins the session of a program that its person has let in.
    async fn let_in(
        &self,
        code: &str,
        (waiting, signed_in): (Waiting, SignedIn),
        asked: &Asked,
    ) -> Page {
        match self.sessions.end_wait(code).await {
            Ok(true) => {}
            Ok(false) => return unknown(),
            Err(error) => {
                self.complain(&error);
                return unkept();
            }
        }
        let signed = signed(signed_in, &waiting.host);
        let id = match self.sessions.create_for(waiting.program, signed).await {
            Ok(id) => id,
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "a program that was let in gets no session");
                return unkept();
            }
        };
        match self.sessions.board().find(&id.digest()) {
            Some(session) => Page::done(StatusCode::OK, Some("program_signed_in"))
                .of(JSON, self.given(&id.token(), &session))
                .by(self.origin(&session, &asked.from)),
            None => unkept(),
        }
    }

    /// RFC 6749 5.1, and who it is.
    fn given(&self, token: &str, session: &Session) -> String {
        let left = seconds(session.ends_at()).saturating_sub(seconds(self.now()));
        let given = json!({
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": left,
            "user": session.person().id(),
            "session": session.digest().handle().as_str(),
        });
        given.to_string()
    }
}

fn refused(provider: &Provider, error: &SignInError) -> Page {
    let (name, may_pass) = (provider.name(), error.may_pass());
    let mut reason = error.reason();
    if let SignInError::Refused { cause } = error {
        match &*cause.code {
            "access_denied" => return denied("access_denied"),
            "expired_token" => return too_late(),
            _ => reason = "provider_refused",
        }
    }
    let error: &dyn std::error::Error = error;
    tracing::warn!(error, provider = %name, reason, "a program is not let in");
    if may_pass { away() } else { denied(reason) }
}

fn denied(reason: &'static str) -> Page {
    let words = match reason {
        "access_denied" => "somebody said no",
        "provider_refused" => "the provider says no: tell whoever runs this place",
        "no_device_login" => "this provider lets no programs in any more",
        _ => "what was said of the person could not be believed: tell whoever runs this place",
    };
    no(reason, "access_denied", words)
}

fn unknown() -> Page {
    no(
        "unknown_device_code",
        "invalid_grant",
        "no program waits here with this code: it was used, or is of another host",
    )
}

fn too_late() -> Page {
    no("expired_token", "expired_token", "nobody let it in in time")
}

fn too_soon() -> Page {
    no(
        "slow_down",
        "slow_down",
        "wait five seconds longer from now on",
    )
}

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

const PENDING: &str = "nobody has let it in yet";
