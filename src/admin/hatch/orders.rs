//! What an operator may order, and what comes of it.

use std::error::Error;
use std::sync::Arc;

use tonic::Status;

use crate::admin::hatch::operator::Operator;
use crate::admin::hatch::signals::Signals;
use crate::audit::Decision;
use crate::audit::Event;
use crate::audit::Shard;
use crate::policy::UserId;
use crate::session::Handle;
use crate::session::Session;
use crate::session::Sessions;
use crate::session::Whose;
use crate::session::Why;
use crate::time::Clock;

/// What orders are about.
#[derive(Debug)]
pub struct Orders {
    /// By which signals end.
    pub clock: Arc<dyn Clock>,
    /// Where they are recorded.
    pub log: Shard,
    /// Who has signed in, if people can.
    pub sessions: Option<Arc<Sessions>>,
    /// What is said of callers.
    pub signals: Arc<dyn Signals>,
}

/// Whose sessions are to end, as the order has it.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    Everybody,
    Handle(String),
    Nobody,
    User(String),
}

fn person(text: &str) -> Result<UserId, Status> {
    text.parse().map_err(|why| {
        Status::invalid_argument(format!(
            "`{text}` is not a user, `<provider>/<subject>`: {why}"
        ))
    })
}

impl Orders {
    /// The sessions in force, of everybody or of one `user`.
    pub(super) fn sessions(
        &self,
        operator: Operator,
        user: &str,
    ) -> Result<Vec<Arc<Session>>, Status> {
        operator.may()?;
        let mut all = self.keeper()?.list();
        if !user.is_empty() {
            let user = person(user)?;
            all.retain(|session| {
                let person = session.person();
                person.provider == user.provider && person.subject == user.subject
            });
        }
        Ok(all)
    }

    /// Ends sessions, and tells their handles.
    pub(super) async fn revoke(
        &self,
        operator: Operator,
        asked: Asked,
    ) -> Result<Vec<Handle>, Status> {
        let mut event = self.record("session_revoke", operator)?;
        match &asked {
            Asked::Everybody => event.fact("everybody", "true".to_owned()),
            Asked::Handle(handle) => event.fact("session", handle.clone()),
            Asked::User(user) => event.fact("user", user.clone()),
            Asked::Nobody => {}
        }
        let outcome = match operator.may() {
            Ok(()) => self.end(&asked).await,
            Err(refused) => Err(refused),
        };
        if let Ok(handles) = &outcome {
            event.fact("ended", handles.len().to_string());
        }
        ended(event, outcome)
    }

    async fn end(&self, asked: &Asked) -> Result<Vec<Handle>, Status> {
        let sessions = self.keeper()?;
        let end = async |whose| {
            let ended = sessions.end_of(whose, Why::Revoked).await;
            ended.map_err(|error| {
                let why = in_full(&error);
                Status::unavailable(format!(
                    "they are over at this sidecar, but the others do not know yet, and learn of it when the store answers again: {why}"
                ))
            })
        };
        let ended = match asked {
            Asked::Nobody => return Err(Status::invalid_argument(NOBODY)),
            Asked::Everybody => end(Whose::All).await?,
            Asked::Handle(text) => {
                let handle = text.parse::<Handle>();
                let handle = handle.map_err(|error| Status::invalid_argument(error.to_string()))?;
                let ended = end(Whose::Handle(&handle)).await?;
                if ended.is_empty() {
                    return Err(Status::not_found(format!(
                        "no session `{handle}` is in force: `portreeve session list` has all that are"
                    )));
                }
                ended
            }
            Asked::User(text) => {
                let user = person(text)?;
                end(Whose::Person(&user.provider, &user.subject)).await?
            }
        };
        Ok(ended.iter().map(|digest| digest.handle()).collect())
    }

    fn keeper(&self) -> Result<&Sessions, Status> {
        let sessions = self.sessions.as_deref();
        sessions.ok_or_else(|| Status::failed_precondition(NO_PEOPLE))
    }

    pub(super) fn record(&self, name: &'static str, operator: Operator) -> Result<Event, Status> {
        let room = self.log.begin();
        let room = room.map_err(|cause| Status::unavailable(in_full(&cause)))?;
        let mut event = room.event(name);
        event.fact("operator", operator.to_string());
        Ok(event)
    }
}

/// Writes the record before anybody learns of the outcome.
pub(super) fn ended<T>(event: Event, outcome: Result<T, Status>) -> Result<T, Status> {
    match &outcome {
        Ok(_) => event.end(Decision::Permit, None),
        Err(status) => event.end(Decision::Refuse, Some(status.message())),
    }
    outcome
}

/// An error with all its causes.
fn in_full(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

const NOBODY: &str = "say whose sessions are to end: a handle, a user or everybody";

const NO_PEOPLE: &str = "nobody signs in at this sidecar: it has no `edge`";
