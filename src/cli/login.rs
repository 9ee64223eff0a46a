//! `portreeve login`, `token` and `logout`: a person's programs at an edge.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use crate::cli::print;
use crate::cli::runtime;
use crate::config;
use crate::login::Edge;
use crate::login::Kept;
use crate::login::LetIn;
use crate::login::LoginError;
use crate::login::Shelf;
use crate::login::Site;
use crate::oidc::DeviceAnswer;
use crate::policy::ProviderName;
use crate::time::Clock as _;
use crate::time::SystemClock;

/// Where to sign in, or out.
#[derive(Debug, Args)]
pub(super) struct Where {
    /// The edge: `https://HOST` or `https://HOST:PORT`, as a browser would ask for it
    #[arg(value_name = "https://HOST")]
    site: Site,
    /// PEM: whom the edge's certificate is of [default: the system's roots]
    #[arg(long, value_name = "FILE")]
    roots: Option<PathBuf>,
}

impl Where {
    fn edge(&self) -> Result<Edge, LoginError> {
        Edge::new(self.site.clone(), self.roots.clone(), Arc::new(SystemClock))
    }
}

/// Signs in, which takes a person with a browser, somewhere.
pub(super) fn login(at: &Where, provider: Option<&ProviderName>) -> ExitCode {
    let Some(shelf) = shelf() else {
        return homeless();
    };
    // Said before anybody is troubled: what could not be kept in the end.
    let before = match shelf.find(&at.site) {
        Ok(before) => before,
        Err(error) => return print::failure(&error),
    };
    runtime::run(async {
        match sign_in(at, provider, (&shelf, before)).await {
            Ok(code) => code,
            Err(error @ LoginError::Denied { .. }) => {
                print::failure(&error);
                print::no()
            }
            Err(error) => print::failure(&error),
        }
    })
}

async fn sign_in(
    at: &Where,
    provider: Option<&ProviderName>,
    (shelf, before): (&Shelf, Option<Kept>),
) -> Result<ExitCode, LoginError> {
    let edge = at.edge()?;
    let begun = edge.begin(provider.map(ProviderName::as_str)).await?;
    tell(&begun);
    let LetIn { kept, user } = edge.wait(&begun).await?;
    if let Err(error) = shelf.put(&kept) {
        // Nobody could find it again.
        if let Err(error) = edge.leave(&kept).await {
            print::failure(&error);
        }
        return Ok(print::failure(&error));
    }
    // The one from before has no use, and would go on.
    if let Some(before) = before
        && let Err(error) = edge.leave(&before).await
    {
        print::complaint("portreeve: the login from before could not be ended");
        print::failure(&error);
    }
    let (site, until) = (&at.site, print::date(kept.expires()));
    print::line(format_args!("Signed in as {user} until {until}. Try:"));
    print::line(format_args!(
        "  curl -H \"Authorization: Bearer $(portreeve token {site})\" {site}/"
    ));
    Ok(ExitCode::SUCCESS)
}

fn tell(begun: &DeviceAnswer) {
    let (place, code) = (&begun.verification_uri, &begun.user_code);
    print::line(format_args!(
        "In a browser, on any machine, open\n  {place}"
    ));
    print::line(format_args!("and type in the code\n  {code}"));
    if let Some(place) = &begun.verification_uri_complete {
        print::line(format_args!("or open, and compare the code\n  {place}"));
    }
    let minutes = begun.expires_in.as_secs().div_ceil(60);
    print::line(format_args!(
        "Waiting for up to {minutes} minutes. Whoever types it in lets this program act as themselves."
    ));
}

/// Prints the token.
pub(super) fn token(site: &Site) -> ExitCode {
    let Some(shelf) = shelf() else {
        return homeless();
    };
    let kept = match shelf.find(site) {
        Ok(kept) => kept,
        Err(error) => return print::failure(&error),
    };
    match kept {
        Some(kept) if SystemClock.now() < kept.expires() => {
            print::line(kept.token());
            ExitCode::SUCCESS
        }
        Some(kept) => {
            let ended = print::date(kept.expires());
            complain(format_args!(
                "the login at {site} ended at {ended}: `portreeve login {site}`"
            ))
        }
        None => complain(format_args!(
            "you are not signed in at {site}: `portreeve login {site}`"
        )),
    }
}

/// Ends the session at the edge, and forgets its token.
pub(super) fn logout(at: &Where) -> ExitCode {
    let Some(shelf) = shelf() else {
        return homeless();
    };
    let site = &at.site;
    let kept = match shelf.find(site) {
        Ok(Some(kept)) => kept,
        Ok(None) => {
            print::line(format_args!("You are not signed in at {site}."));
            return ExitCode::SUCCESS;
        }
        Err(error) => return print::failure(&error),
    };
    runtime::run(async {
        let left = match at.edge() {
            Ok(edge) => edge.leave(&kept).await,
            Err(error) => Err(error),
        };
        if let Err(error) = left {
            print::failure(&error);
            return complain(format_args!(
                "the session goes on, and its token is kept: try again, or end it at {site}/.portreeve/"
            ));
        }
        match shelf.remove(site) {
            Ok(_was_there) => {
                print::line(format_args!("Signed out at {site}."));
                ExitCode::SUCCESS
            }
            Err(error) => print::failure(&error),
        }
    })
}

fn shelf() -> Option<Shelf> {
    let folder = config::state_folder()?;
    Some(Shelf::new(folder.join("portreeve")))
}

fn homeless() -> ExitCode {
    complain("there is no place to keep a token: set XDG_STATE_HOME or HOME to an absolute path")
}

fn complain(words: impl std::fmt::Display) -> ExitCode {
    print::complaint(format_args!("portreeve: {words}"));
    ExitCode::FAILURE
}
