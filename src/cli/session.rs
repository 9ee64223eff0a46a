//! `portreeve session`: who has signed in at a sidecar, and who is to be out.

use std::process::ExitCode;

use clap::Args;
use clap::Subcommand;
use serde_json::json;
use tonic::Status;

use crate::cli::hatch::Hatch;
use crate::cli::hatch::with;
use crate::cli::print;
use crate::cli::socket::date;
use crate::rpc::sidecar as rpc;

#[derive(Debug, Subcommand)]
pub(super) enum SessionCommand {
    /// Print the sessions that are in force, the newest first
    ///
    /// Of each: its handle, who, where they signed in, since when, when it was
    /// last used, and until when it can last; of a program's, what it calls itself
    /// and where it began.
    List {
        /// Only this person's
        #[arg(long, value_name = "PROVIDER/SUBJECT")]
        user: Option<String>,
        /// As a list in JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        hatch: Hatch,
    },
    /// End sessions: requests are refused and what is in flight is cut, at once and at every sidecar that shares the store
    ///
    /// Prints the handles of those that were in force. Exits with 1 if no session
    /// has the handle.
    Revoke {
        #[command(flatten)]
        whose: Whose,
        #[command(flatten)]
        hatch: Hatch,
    },
}

/// Whose sessions end: one of the three.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Whose {
    /// The session, as `list` calls it
    // One in sixty-four begins like an option.
    #[arg(allow_hyphen_values = true)]
    handle: Option<String>,
    /// All of a person's
    #[arg(long, value_name = "PROVIDER/SUBJECT")]
    user: Option<String>,
    /// Everybody's
    #[arg(long)]
    all: bool,
}

pub(super) fn session(command: SessionCommand) -> ExitCode {
    match command {
        SessionCommand::List { user, json, hatch } => with(&hatch, async |mut client| {
            let user = user.unwrap_or_default();
            let request = rpc::ListSessionsRequest { user };
            let mut told = client.list_sessions(request).await?.into_inner();
            let mut sessions = Vec::new();
            while let Some(session) = told.message().await? {
                if json {
                    sessions.push(in_json(&session));
                } else {
                    print::line(in_words(&session));
                }
            }
            if json {
                print::line(format_args!("{:#}", serde_json::Value::from(sessions)));
            }
            Ok(())
        }),
        SessionCommand::Revoke { whose, hatch } => with(&hatch, async |mut client| {
            let request = rpc::RevokeSessionsRequest {
                whose: Some(meant(whose)?),
            };
            let ended = client.revoke_sessions(request).await?.into_inner();
            ended.handles.iter().for_each(print::line);
            print::complaint(format_args!("{} ended", ended.handles.len()));
            Ok(())
        }),
    }
}

fn meant(whose: Whose) -> Result<rpc::revoke_sessions_request::Whose, Status> {
    use rpc::revoke_sessions_request::Whose as Wire;

    match whose {
        Whose { all: true, .. } => Ok(Wire::Everybody(rpc::Everybody {})),
        Whose {
            handle: Some(handle),
            ..
        } => Ok(Wire::Handle(handle)),
        Whose {
            user: Some(user), ..
        } => Ok(Wire::User(user)),
        // clap demands one of the three.
        Whose { .. } => Err(Status::invalid_argument("say whose sessions are to end")),
    }
}

fn in_words(session: &rpc::Session) -> String {
    let email = match session.email.as_str() {
        "" => String::new(),
        // The provider's word, which must not move the cursor.
        email => format!("  <{}>", email.escape_debug()),
    };
    let dates = [session.since_s, session.last_used_s, session.until_s].map(date);
    let [since, last_used, until] = dates;
    let program = session
        .program
        .as_ref()
        .map_or_else(String::new, |program| {
            // Its own word.
            let name = program.name.escape_debug();
            format!("  by a program \"{name}\" from {}", program.source)
        });
    format!(
        "{}  {}/{}{email}  at {}{program}  since {since}  last used {last_used}  until {until}",
        session.handle, session.provider, session.subject, session.host
    )
}

fn in_json(session: &rpc::Session) -> serde_json::Value {
    json!({
        "handle": session.handle,
        "provider": session.provider,
        "subject": session.subject,
        "email": Some(&session.email).filter(|email| !email.is_empty()),
        "host": session.host,
        "since": date(session.since_s),
        "last_used": date(session.last_used_s),
        "until": date(session.until_s),
        "program": session.program.as_ref().map(|program| json!({
            "name": program.name,
            "source": program.source,
        })),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_does_not_move_the_cursor() {
        let session = rpc::Session {
            handle: "AAAAAAAAAAAA".to_owned(),
            provider: "corp".to_owned(),
            subject: "alice".to_owned(),
            email: "\u{1b}[2Ja@corp.example\n\u{202e}".to_owned(),
            host: "app.example".to_owned(),
            since_s: 0,
            last_used_s: 60,
            until_s: 3600,
            program: Some(rpc::Program {
                name: "tool\u{1b}\"".to_owned(),
                source: "192.0.2.7".to_owned(),
            }),
        };
        let line = in_words(&session);
        assert!(
            line.starts_with("AAAAAAAAAAAA  corp/alice  <\\u{1b}[2Ja@corp.example\\n"),
            "{line}"
        );
        assert!(!line.chars().any(char::is_control), "{line}");
        assert!(!line.contains('\u{202e}'), "{line}");
        assert!(line.ends_with(
            "at app.example  by a program \"tool\\u{1b}\\\"\" from 192.0.2.7  since 1970-01-01T00:00:00Z  last used 1970-01-01T00:01:00Z  until 1970-01-01T01:00:00Z"
        ));
    }
}
