//! Who asks, on the command line.

use std::time::SystemTime;

use clap::ArgAction;
use clap::Args;

use crate::id::SpiffeId;
use crate::policy::GroupName;
use crate::policy::UserId;
use crate::rehearsal::Described;
use crate::rehearsal::Stage;
use crate::rehearsal::Who;

/// Exactly one of a workload, a user and nobody, and what is said of a user.
#[derive(Debug, Args)]
pub(super) struct Asking {
    /// Who asks: the SPIFFE ID of a workload
    #[arg(long, value_name = "ID", group = "asking", required = true)]
    caller: Option<SpiffeId>,
    /// Who asks: somebody who has signed in, as `<provider>/<subject>`
    #[arg(long, value_name = "ID", group = "asking")]
    user: Option<UserId>,
    /// Whoever asks has not signed in
    #[arg(long, group = "asking")]
    anonymous: bool,
    /// The user's address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Whether it is verified [default: true]
    #[arg(long, value_name = "BOOL", requires = "email", action = ArgAction::Set)]
    email_verified: Option<bool>,
    /// A role of the user's at the provider; may be given several times
    #[arg(long = "role", value_name = "NAME")]
    roles: Vec<String>,
    /// How the user has signed in, such as `otp`; may be given several times
    #[arg(long, value_name = "METHOD")]
    amr: Vec<String>,
    /// To what level the user has signed in
    #[arg(long, value_name = "LEVEL")]
    acr: Option<String>,
    /// How many seconds ago the user has signed in [default: it is not known]
    #[arg(long, value_name = "SECONDS")]
    auth_age: Option<u64>,
    /// A declared claim of the user's, its value in YAML; may be given several times
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = pair)]
    claims: Vec<(String, String)>,
}

impl Asking {
    /// Who asks at `now`, and the workload groups that they are in besides.
    pub(super) fn read(
        self,
        groups: Vec<String>,
        now: SystemTime,
        stage: &Stage,
    ) -> Result<(Who, Vec<GroupName>), String> {
        let described = Described {
            acr: self.acr,
            amr: self.amr,
            auth_age: self.auth_age,
            claims: self.claims,
            email: self.email,
            email_verified: self.email_verified,
            groups: Vec::new(),
            roles: self.roles,
        };
        if let Some(id) = self.user {
            let described = Described {
                groups,
                ..described
            };
            return Ok((described.person(&id, now, stage)?, Vec::new()));
        }
        if !described.is_blank() {
            return Err("only of a `--user` is known what a provider says".to_owned());
        }
        if let Some(id) = self.caller {
            let groups = groups.iter().map(|name| {
                let group = name.parse();
                group.map_err(|why| format!("the group {name:?}: {why}"))
            });
            return Ok((Who::Workload(id), groups.collect::<Result<_, _>>()?));
        }
        if groups.is_empty() {
            Ok((Who::Anonymous, Vec::new()))
        } else {
            Err("who has not signed in is in no group".to_owned())
        }
    }
}

/// A name and what it is to be.
pub(super) fn pair(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("it is not NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
