//! What an operator orders an authority to do, over its socket.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap::Subcommand;
use clap::ValueEnum;
use tonic::Status;

use crate::cli::authority;
use crate::cli::print;
use crate::cli::socket::Socket;
use crate::cli::socket::date;
use crate::cli::socket::with;
use crate::rpc::authority as rpc;
use crate::store;

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token that lets one sidecar join, once, and print it
    Create {
        /// Whom the sidecar will be
        #[arg(long, value_name = "SPIFFE-ID")]
        id: String,
        /// How long the token may be used, in seconds [default: as the authority is configured]
        #[arg(
            long,
            value_name = "SECONDS",
            default_value_t = 0,
            hide_default_value = true
        )]
        ttl_s: u64,
        /// How long each of its SVIDs holds, in seconds [default: as the authority is configured]
        #[arg(
            long,
            value_name = "SECONDS",
            default_value_t = 0,
            hide_default_value = true
        )]
        svid_ttl_s: u64,
        /// Write it to this file, mode 0600, and print nothing of it
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        socket: Socket,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum EntryCommand {
    /// Say who may be named what
    Create {
        /// The entry's own name
        name: String,
        /// What must be proved, such as k8s:sa:web. May be given several times: all must be
        #[arg(long = "selector", value_name = "KIND:VALUE", required = true)]
        selectors: Vec<String>,
        /// Who it then is. {KIND} stands for what was proved
        #[arg(long, value_name = "SPIFFE-ID")]
        id: String,
        /// A group that whoever it names is in, for policies. May be given several times
        #[arg(long = "group", value_name = "NAME")]
        groups: Vec<String>,
        /// How long each SVID holds, in seconds [default: as the authority is configured]
        #[arg(
            long,
            value_name = "SECONDS",
            default_value_t = 0,
            hide_default_value = true
        )]
        svid_ttl_s: u64,
        #[command(flatten)]
        socket: Socket,
    },
    /// Print all entries, those of files and of join tokens too
    List {
        #[command(flatten)]
        socket: Socket,
    },
    /// Name nobody by an entry any more. What it has named holds until it ends: see revoke
    Delete {
        /// The entry's name
        name: String,
        #[command(flatten)]
        socket: Socket,
    },
}

/// Whom to believe no longer: one of the two.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Who {
    /// A workload, whatever certificate it shows
    #[arg(long, value_name = "SPIFFE-ID")]
    id: Option<String>,
    /// A certificate, as `portreeve svid show` prints its serial
    #[arg(long, value_name = "HEX")]
    serial: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum RevocationCommand {
    /// Believe a workload or a certificate no longer: connections are cut, at once and everywhere
    Add {
        #[command(flatten)]
        who: Who,
        /// For the record
        #[arg(long, default_value = "")]
        reason: String,
        #[command(flatten)]
        socket: Socket,
    },
    /// Print what is revoked
    List {
        #[command(flatten)]
        socket: Socket,
    },
    /// Believe it again
    Remove {
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        socket: Socket,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum AuthorityCommand {
    /// Say everything that is wrong with a configuration and the files it names
    ///
    /// Takes no port, writes nothing. Exits with 0 if nothing is wrong, with 1 if
    /// something is.
    Check {
        /// The authority's configuration file
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Print the signing keys
    Keys {
        #[command(flatten)]
        socket: Socket,
    },
    /// Print the policy sets that were published, the newest first, and what is refused
    ///
    /// With `rollback`, an earlier one is published once more.
    #[command(args_conflicts_with_subcommands = true)]
    Policy {
        #[command(subcommand)]
        command: Option<PolicyOrder>,
        #[command(flatten)]
        socket: Socket,
    },
    /// Take a step in the life of the signing keys, before it is due
    ///
    /// prepare: the next root is published, but does not sign yet. activate: it
    /// signs from now on. taint: every workload renews at once what the old one
    /// signed. revoke: what is still signed with the tainted one is believed by
    /// nobody. Between the steps, wait until every workload has followed.
    Rotate {
        /// Which step
        step: Step,
        /// Which key, where there are several that it could be
        #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
        key: String,
        #[command(flatten)]
        socket: Socket,
    },
}

/// A step in the life of the signing keys.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Step {
    Prepare,
    Activate,
    Taint,
    Revoke,
}

pub(super) fn token(command: TokenCommand) -> ExitCode {
    let TokenCommand::Create {
        id,
        ttl_s,
        svid_ttl_s,
        out,
        socket,
    } = command;
    with(&socket, async |mut client| {
        let request = rpc::CreateJoinTokenRequest {
            spiffe_id: id,
            ttl_s,
            svid_ttl_s,
        };
        let made = client.create_join_token(request).await?.into_inner();
        match out {
            None => print::line(made.token),
            Some(file) => store::write_secret(&file, made.token.as_bytes()).map_err(|error| {
                let entry = &made.entry;
                let why = print::chain(&error);
                Status::aborted(format!(
                    "{why}; nobody has the token: `portreeve entry delete {entry}` takes it back"
                ))
            })?,
        }
        print::complaint(format_args!(
            "entry {}; good once, until {}",
            made.entry,
            date(made.expires_at_s)
        ));
        Ok(())
    })
}

pub(super) fn entry(command: EntryCommand) -> ExitCode {
    match command {
        EntryCommand::Create {
            name,
            selectors,
            id,
            groups,
            svid_ttl_s,
            socket,
        } => with(&socket, async |mut client| {
            let entry = rpc::Entry {
                id: name,
                selectors,
                spiffe_id: id,
                svid_ttl_s,
                origin: String::new(),
                groups,
            };
            let request = rpc::CreateEntryRequest { entry: Some(entry) };
            client.create_entry(request).await.map(drop)
        }),
        EntryCommand::List { socket } => with(&socket, async |mut client| {
            let listed = client.list_entries(rpc::ListEntriesRequest {}).await?;
            for entry in listed.into_inner().entries {
                let groups = match entry.groups.join(" ") {
                    none if none.is_empty() => none,
                    groups => format!("  in {groups}"),
                };
                print::line(format_args!(
                    "{}  {}  {}  ({}){groups}",
                    entry.id,
                    entry.spiffe_id,
                    entry.selectors.join(" "),
                    entry.origin
                ));
            }
            Ok(())
        }),
        EntryCommand::Delete { name, socket } => with(&socket, async |mut client| {
            let request = rpc::DeleteEntryRequest { id: name };
            client.delete_entry(request).await.map(drop)
        }),
    }
}

pub(super) fn revocation(command: RevocationCommand) -> ExitCode {
    match command {
        RevocationCommand::Add {
            who,
            reason,
            socket,
        } => with(&socket, async |mut client| {
            use rpc::revoke_request::What;

            let what = who
                .id
                .map(What::SpiffeId)
                .or_else(|| who.serial.map(What::Serial));
            let request = rpc::RevokeRequest { reason, what };
            client.revoke(request).await.map(drop)
        }),
        RevocationCommand::List { socket } => with(&socket, async |mut client| {
            use rpc::revocation_entry::What;

            let request = rpc::ListRevocationsRequest {};
            let listed = client.list_revocations(request).await?;
            for revocation in listed.into_inner().revocations {
                let what = match revocation.what {
                    Some(What::SpiffeId(id)) => id,
                    Some(What::Serial(serial)) => format!("serial {serial}"),
                    None => continue,
                };
                let since = date(revocation.since_s);
                print::line(format_args!("{what}  since {since}  {}", revocation.reason));
            }
            Ok(())
        }),
        RevocationCommand::Remove { who, socket } => with(&socket, async |mut client| {
            use rpc::unrevoke_request::What;

            let what = who
                .id
                .map(What::SpiffeId)
                .or_else(|| who.serial.map(What::Serial));
            client
                .unrevoke(rpc::UnrevokeRequest { what })
                .await
                .map(drop)
        }),
    }
}

/// What is done with the policies that are published.
#[derive(Debug, Subcommand)]
pub(super) enum PolicyOrder {
    /// Publish an earlier set once more, in place of the newest
    ///
    /// What the folder has now is not published again until it has changed: put
    /// the earlier files back there, too.
    Rollback {
        /// How the set's revision begins: at least 8 digits of it
        revision: String,
        #[command(flatten)]
        socket: Socket,
    },
}

pub(super) fn authority(command: AuthorityCommand) -> ExitCode {
    match command {
        AuthorityCommand::Check { config } => authority::check(&config),
        AuthorityCommand::Keys { socket } => with(&socket, async |mut client| {
            let listed = client.list_keys(rpc::ListKeysRequest {}).await?;
            listed.into_inner().keys.iter().for_each(show);
            Ok(())
        }),
        AuthorityCommand::Policy {
            command: Some(PolicyOrder::Rollback { revision, socket }),
            ..
        } => with(&socket, async |mut client| {
            let request = rpc::RollBackPolicyRequest { revision };
            let now = client.roll_back_policy(request).await?.into_inner();
            print::line(format_args!("{}  {}", now.version, now.revision));
            Ok(())
        }),
        AuthorityCommand::Policy {
            command: None,
            socket,
        } => with(&socket, async |mut client| {
            let listed = client.list_policies(rpc::ListPoliciesRequest {}).await?;
            let listed = listed.into_inner();
            for policy in &listed.policies {
                print::line(format_args!(
                    "{}  {}  since {}  by {}",
                    policy.version,
                    policy.revision,
                    date(policy.published_at_s),
                    policy.published_by
                ));
            }
            listed.refused.lines().for_each(print::complaint);
            Ok(())
        }),
        AuthorityCommand::Rotate { step, key, socket } => with(&socket, async |mut client| {
            use rpc::rotate_request::Step as Wire;

            let step = match step {
                Step::Prepare => Wire::Prepare,
                Step::Activate => Wire::Activate,
                Step::Taint => Wire::Taint,
                Step::Revoke => Wire::Revoke,
            };
            let request = rpc::RotateRequest {
                step: step.into(),
                key,
            };
            let left = client.rotate(request).await?;
            left.into_inner().keys.iter().for_each(show);
            Ok(())
        }),
    }
}

fn show(key: &rpc::Key) {
    print::line(format_args!(
        "{}  {}  until {}",
        key.id,
        key.state,
        date(key.not_after_s)
    ));
}
